"""Every topic setting of Kafka 4.3 is listed, and each that has a meaning on one node acts when it is altered.

Names and defaults were taken from ``kafka-configs --describe --all`` against a broker of Apache Kafka 4.3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker_core.config import BrokerConfig, Durability, LogConfig
from broker_core.errors import ErrorCode
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS
from broker_core.model import TopicPartition
from broker_core.protocol.batch import build_batch, decode_batch, iterate_batches
from broker_core.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker_core.topic_config import TOPIC_SETTINGS, text_of
from tests.unit.broker_core.broker_kit import Kit, produce_request, produced
from tests.unit.broker_core.handlers.test_alter_configs import alter, resource
from tests.unit.broker_core.handlers.test_describe_configs import describe

KAFKAS_DEFAULTS = {
    "cleanup.policy": "delete", "compression.gzip.level": "-1", "compression.lz4.level": "9",
    "compression.type": "producer", "compression.zstd.level": "3", "delete.retention.ms": "86400000",
    "file.delete.delay.ms": "60000", "flush.messages": "9223372036854775807", "flush.ms": "9223372036854775807",
    "follower.replication.throttled.replicas": "", "index.interval.bytes": "4096",
    "leader.replication.throttled.replicas": "", "local.retention.bytes": "-2", "local.retention.ms": "-2",
    "max.compaction.lag.ms": "9223372036854775807", "max.message.bytes": "1048588",
    "message.timestamp.after.max.ms": "3600000", "message.timestamp.before.max.ms": "9223372036854775807",
    "message.timestamp.type": "CreateTime", "min.cleanable.dirty.ratio": "0.5", "min.compaction.lag.ms": "0",
    "min.insync.replicas": "1", "preallocate": "false", "remote.log.copy.disable": "false",
    "remote.log.delete.on.disable": "false", "remote.storage.enable": "false", "retention.bytes": "-1",
    "retention.ms": "604800000", "segment.bytes": "1073741824", "segment.index.bytes": "10485760",
    "segment.jitter.ms": "0", "segment.ms": "604800000", "unclean.leader.election.enable": "false",
}  # fmt: skip
OTHER_DEFAULTS = {"file.delete.delay.ms", "max.message.bytes", "segment.bytes"}
WORDS = TopicPartition("words", 0)
ACTING = sorted(name for name, setting in TOPIC_SETTINGS.items() if not setting.is_read_only)
EFFECTS: dict[str, Callable[[], None]] = {}


def effect(check: Callable[[], None]) -> Callable[[], None]:
    EFFECTS[check.__name__.replace("_", ".")] = check
    return check


def world(*, durability: Durability = Durability.SYNCED, **settings: Any) -> Kit:
    """A topic that was altered after it was created."""
    kit = Kit(config=BrokerConfig(durability=durability)).open()
    kit.create("words")
    set_to(kit, **settings)
    return kit


def set_to(kit: Kit, **settings: Any) -> None:
    assert alter(kit, resource("words", **settings)) == [0]


def write(kit: Kit, count: int = 10, size: int = 50, **more: Any) -> None:
    for index in range(count):
        answer = produced(kit.call(produce_request("words", f"{index}" * size, now_ms=kit.now_ms, **more)))
        assert answer.error_code == 0, answer


def segments(kit: Kit) -> int:
    return sum(name.endswith(".log") for name in kit.filesystem.list_directory("logs/words-0"))


def keep_house(kit: Kit) -> None:
    kit.tick(CHECK_INTERVAL_MS)
    for _ in range(400):
        kit.sync_all()
        kit.tick(STEP_PAUSE_MS)


def start(kit: Kit) -> int:
    return kit.list_offset("words", -2)


@effect
def segment_bytes() -> None:
    kit = world()
    write(kit)
    assert segments(kit) == 1
    set_to(kit, segment_bytes="300")
    write(kit)
    assert segments(kit) > 3


@effect
def segment_ms() -> None:
    kit = world(segment_ms="1000")
    write(kit, 2)
    kit.now_ms += 1_001
    write(kit, 1)
    assert segments(kit) == 2


@effect
def segment_jitter_ms() -> None:
    kit = world(segment_ms="1000", segment_jitter_ms="1000")
    jitter_ms = kit.broker._partitions.logs[WORDS].parts.writer._jitter_ms(0)
    assert 0 < jitter_ms < 1_000
    write(kit, 1)
    kit.now_ms += 1_000 - jitter_ms + 1
    write(kit, 1)
    assert segments(kit) == 2


@effect
def segment_index_bytes() -> None:
    kit = world(segment_index_bytes="24", index_interval_bytes="1")
    write(kit, 20)
    assert segments(kit) > 2


@effect
def preallocate() -> None:
    kit = world(segment_bytes="5000")
    write(kit, 1)
    active = kit.broker._partitions.logs[WORDS].parts.segments.active
    set_to(kit, preallocate="true", segment_bytes="5000")
    write(kit, 1)
    assert active.file.size() == active.size_bytes, "from the next segment on"
    kit.broker._partitions.logs[WORDS].parts.writer.roll()
    write(kit, 1)
    assert kit.broker._partitions.logs[WORDS].parts.segments.active.file.size() == 5_000
    assert active.file.size() == active.size_bytes


@effect
def index_interval_bytes() -> None:
    kit = world()
    active = kit.broker._partitions.logs[WORDS].parts.segments.active
    write(kit, 10)
    assert len(active.columns()[0]) == 0
    set_to(kit, index_interval_bytes="1")
    write(kit, 10)
    assert len(active.columns()[0]) > 5


@effect
def max_message_bytes() -> None:
    kit = world(max_message_bytes="200")
    assert kit.produce("words", "x" * 200).error_code == ErrorCode.MESSAGE_TOO_LARGE


@effect
def message_timestamp_after_max_ms() -> None:
    kit = world(message_timestamp_after_max_ms="10")
    late = produce_request("words", "x", now_ms=kit.now_ms + 11)
    assert produced(kit.call(late)).error_code == ErrorCode.INVALID_TIMESTAMP


@effect
def message_timestamp_before_max_ms() -> None:
    kit = world(message_timestamp_before_max_ms="10")
    early = produce_request("words", "x", now_ms=kit.now_ms - 11)
    assert produced(kit.call(early)).error_code == ErrorCode.INVALID_TIMESTAMP


@effect
def message_timestamp_type() -> None:
    kit = world(message_timestamp_type="LogAppendTime")
    assert kit.produce("words", "x").log_append_time_ms == kit.now_ms


@effect
def retention_ms() -> None:
    kit = world(retention_ms="60000")
    write(kit, 3)
    keep_house(kit)
    assert start(kit) == 0
    kit.now_ms += 60_000
    keep_house(kit)
    assert start(kit) == 3


@effect
def retention_bytes() -> None:
    kit = world(segment_bytes="300", retention_bytes="600")
    write(kit, 20)
    keep_house(kit)
    assert 10 < start(kit) < 20


@effect
def cleanup_policy() -> None:
    kit = world(cleanup_policy="compact")
    assert kit.produce("words", "no key").error_code == ErrorCode.INVALID_RECORD


def stored_bytes(**settings: Any) -> tuple[int, int]:
    """Codec and size of what one batch is stored as."""
    kit = world(**settings)
    values = [f"{index} {index * 7919 % 1009} {index % 13} some words that come again" for index in range(400)]
    assert kit.produce("words", *values).error_code == 0
    ((_, header),) = iterate_batches(kit.fetch("words").records or b"")
    return header.codec, header.size_bytes


@effect
def compression_type() -> None:
    assert [stored_bytes(compression_type=name)[0] for name in ("gzip", "snappy", "lz4", "zstd")] == [1, 2, 3, 4]


@effect
def compression_gzip_level() -> None:
    assert stored_bytes(compression_type="gzip", compression_gzip_level="1") > stored_bytes(
        compression_type="gzip", compression_gzip_level="9"
    )


@effect
def compression_lz4_level() -> None:
    assert stored_bytes(compression_type="lz4", compression_lz4_level="1") > stored_bytes(
        compression_type="lz4", compression_lz4_level="17"
    )


@effect
def compression_zstd_level() -> None:
    assert stored_bytes(compression_type="zstd", compression_zstd_level="-50") > stored_bytes(
        compression_type="zstd", compression_zstd_level="19"
    )


def compacted(kit: Kit) -> bool:
    """Whether a round of housekeeping compacted a log of one key in many segments."""
    write(kit, 20, keys=[b"k"])
    kit.now_ms += 1_000
    keep_house(kit)
    return bool(kit.events.named("log.compacted"))


@effect
def min_cleanable_dirty_ratio() -> None:
    kit = world(cleanup_policy="compact", segment_bytes="300", min_cleanable_dirty_ratio="0.9")
    assert compacted(kit), "all of it is dirty"
    before = len(kit.events.named("log.compacted"))
    write(kit, 4, keys=[b"k"])
    keep_house(kit)
    assert len(kit.events.named("log.compacted")) == before
    set_to(kit, cleanup_policy="compact", segment_bytes="300", min_cleanable_dirty_ratio="0.01")
    keep_house(kit)
    assert len(kit.events.named("log.compacted")) == before + 1


@effect
def min_compaction_lag_ms() -> None:
    assert not compacted(world(cleanup_policy="compact", segment_bytes="300", min_compaction_lag_ms="3600000"))
    assert compacted(world(cleanup_policy="compact", segment_bytes="300", min_compaction_lag_ms="500"))


@effect
def max_compaction_lag_ms() -> None:
    settings: dict[str, Any] = {
        "cleanup_policy": "compact", "segment_bytes": "300", "min_cleanable_dirty_ratio": "1",
    }  # fmt: skip
    kit = world(**settings)
    assert compacted(kit)
    write(kit, 4, keys=[b"k"])
    keep_house(kit)
    assert len(kit.events.named("log.compacted")) == 1
    set_to(kit, **settings, max_compaction_lag_ms="1000")
    kit.now_ms += 2_000
    keep_house(kit)
    assert len(kit.events.named("log.compacted")) == 2


@effect
def delete_retention_ms() -> None:
    for retention_ms, left in (("0", 0), ("3600000", 1)):
        kit = world(
            cleanup_policy="compact", segment_bytes="300", delete_retention_ms=retention_ms,
            min_cleanable_dirty_ratio="0.01",
        )  # fmt: skip
        assert tombstones(kit) == left


def tombstones(kit: Kit) -> int:
    data = PartitionProduceData(index=0, records=build_batch([b"gone"], [None], [kit.now_ms]))
    topic = TopicProduceData(name="words", partition_data=(data,))
    assert produced(kit.call(ProduceRequest(acks=-1, timeout_ms=1, topic_data=(topic,)))).error_code == 0
    for _ in range(3):
        write(kit, 8, keys=[b"k"])
        kit.now_ms += 1_000
        keep_house(kit)
    offset, found = 0, 0
    while records := kit.fetch("words", offset).records:
        for position, header in iterate_batches(records):
            found += decode_batch(records, position, header).values.count(None)
            offset = header.next_offset
    return found


@effect
def flush_messages() -> None:
    kit = world(durability=Durability.NONE)
    kit.sync_all()
    assert kit.answer(kit.send(produce_request("words", "x"))) is not None
    set_to(kit, flush_messages="1")
    token = kit.send(produce_request("words", "x"))
    assert kit.answer(token) is None, "it waits for the sync"
    kit.sync_all()
    assert kit.answer(token) is not None


@effect
def flush_ms() -> None:
    kit = world(durability=Durability.NONE, flush_ms="500")
    kit.sync_all()
    kit.send(produce_request("words", "x"))
    kit.tick(400)
    assert not kit.broker.pending_syncs()
    kit.tick(200)
    assert [pending.topic_partition for pending in kit.broker.pending_syncs()] == [WORDS]


@pytest.mark.parametrize("name", ACTING)
def test_the_setting_acts(name: str) -> None:
    EFFECTS[name]()


def test_every_setting_of_kafka_is_described_with_its_source_and_default() -> None:
    kit = world(segment_ms="7")
    found = {entry.name: entry for entry in describe(kit, 2, "words").configs}
    assert set(found) == set(KAFKAS_DEFAULTS) == set(TOPIC_SETTINGS)
    for name, entry in found.items():
        assert entry.config_source == (1 if name == "segment.ms" else 5), name
        assert entry.value == ("7" if name == "segment.ms" else text_of(TOPIC_SETTINGS[name], LogConfig()))
        assert entry.read_only == TOPIC_SETTINGS[name].is_read_only
        assert name in OTHER_DEFAULTS or text_of(TOPIC_SETTINGS[name], LogConfig()) == KAFKAS_DEFAULTS[name]
