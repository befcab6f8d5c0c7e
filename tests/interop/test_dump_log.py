"""Apache Kafka's kafka-dump-log reads every file of ours, after a clean close and after crashes, and agrees with us."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from broker_core import topics
from broker_core.config import BrokerConfig, LogConfig
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS
from broker_core.model import TopicPartition
from broker_core.os_filesystem import OsFilesystem
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.repair import DirectoryCheck
from tests.interop.kafka_tools import complaints, dump_log, files_of
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset

pytestmark = pytest.mark.interop

ORDERS = TopicPartition("orders", 0)
SMALL = BrokerConfig(
    log=LogConfig(segment_bytes=4_000, index_interval_bytes=300), offsets_topic_partitions=1, min_free_bytes=0
)


def busy(directory: Path, config: BrokerConfig = SMALL) -> Kit:
    """A broker that wrote batches in every codec, transactions of both kinds, and offsets, over many segments."""
    kit = Kit(filesystem=OsFilesystem(directory), config=config).open()
    kit.create("orders")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    generator = random.Random(5)
    for turn in range(60):
        kit.now_ms += generator.randrange(-500, 2_000)
        values = [f"{turn}-{index}" * generator.randrange(1, 12) for index in range(generator.randrange(1, 9))]
        assert kit.produce("orders", *values, codec=turn % 5).error_code == 0
        if turn % 4 == 0:
            assert producer.add(ORDERS) == [0]
            assert producer.produce(ORDERS, *values) == 0
            assert producer.send_offsets("group", ORDERS, turn) == [0, 0]
            assert producer.end(commit=turn % 8 == 0) == 0
        if turn % 5 == 0:
            commit_offset(kit, turn)
    return kit


def commit_offset(kit: Kit, offset: int) -> None:
    asked = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="käse")
    topics = (OffsetCommitRequestTopic(name="orders", partitions=(asked,)),)
    body = OffsetCommitRequest(group_id="other", generation_id_or_member_epoch=-1, topics=topics)
    assert kit.call(body, 8).topics[0].partitions[0].error_code == 0


def check_all(directory: Path, *, gaps: bool = False) -> str:
    """Every log below ``directory``, with its decoder; returns what the tool said of ``orders-0``."""
    orders = dump_log(files_of(directory / "logs/orders-0"), "--deep-iteration", "--print-data-log")
    offsets = dump_log(files_of(directory / "logs/__consumer_offsets-0"), "--deep-iteration", "--offsets-decoder")
    states = dump_log(
        files_of(directory / "logs/__transaction_state-0"), "--deep-iteration", "--transaction-log-decoder"
    )
    assert [line for dump in (orders, offsets, states) for line in complaints(dump, gaps=gaps)] == []
    assert '"group":"other"' in offsets and "käse" in offsets
    assert "transactionalId=tx" in states or '"transactionalId":"tx"' in states
    return orders


def payloads(dump: str) -> list[str]:
    return re.findall(r"payload: (\S+)", dump)


def test_a_closed_log(tmp_path: Path) -> None:
    kit = busy(tmp_path)
    written = kit.values("orders")
    kit.broker.close(kit.now_ms)
    names = [path.suffix for path in files_of(tmp_path / "logs/orders-0")]
    assert names.count(".log") > 3 and names.count(".index") == names.count(".txnindex") == names.count(".log")
    assert payloads(check_all(tmp_path)) == written


def test_preallocated_files_are_trimmed(tmp_path: Path) -> None:
    """Reserved room is given back when a segment is rolled, by a clean close, and by the start after a kill."""
    config = replace(SMALL, log=replace(SMALL.log, preallocate=True))
    kit = busy(tmp_path / "live", config)
    written = kit.values("orders")
    logs = [path for path in files_of(tmp_path / "live/logs/orders-0") if path.suffix == ".log"]
    assert logs[-1].stat().st_size == 4_000
    shutil.copytree(tmp_path / "live", tmp_path / "killed")
    kit.broker.close(kit.now_ms)
    assert 0 < logs[-1].stat().st_size < 4_000
    assert payloads(check_all(tmp_path / "live")) == written
    again = Kit(filesystem=OsFilesystem(tmp_path / "killed"), config=config).open()
    assert again.values("orders") == written
    assert payloads(check_all(tmp_path / "killed")) == written


def test_indexes_are_sane(tmp_path: Path) -> None:
    """The tool's two checks of the indexes by themselves."""
    busy(tmp_path).broker.close(0)
    indexes = [path for path in files_of(tmp_path / "logs/orders-0") if path.suffix in {".index", ".timeindex"}]
    for option in ("--index-sanity-check", "--verify-index-only"):
        output = dump_log(indexes, option)
        assert complaints(output) == []
    assert output.count("Dumping") == len(indexes)


def test_while_running_and_after_kill(tmp_path: Path) -> None:
    """A copy of the directory of a running broker (what kill -9 leaves) reads as it is, and so after recovery."""
    kit = busy(tmp_path / "live")
    written = kit.values("orders")
    shutil.copytree(tmp_path / "live", tmp_path / "killed")
    assert payloads(check_all(tmp_path / "killed")) == written
    again = Kit(filesystem=OsFilesystem(tmp_path / "killed"), config=SMALL).open()
    assert again.values("orders") == written
    again.produce("orders", "goes-on")
    again.broker.close(again.now_ms)
    assert payloads(check_all(tmp_path / "killed")) == [*written, "goes-on"]


@pytest.mark.parametrize("cut", [1, 75])
def test_after_a_torn_end(tmp_path: Path, cut: int) -> None:
    """Recovery cuts at the last whole batch, rebuilds the side files, and the tool agrees with what we read."""
    busy(tmp_path / "live")
    shutil.copytree(tmp_path / "live", tmp_path / "torn")
    last = [path for path in files_of(tmp_path / "torn/logs/orders-0") if path.suffix == ".log"][-1]
    for name in ("log-offsets", "recovery-point-offset-checkpoint"):
        (tmp_path / "torn" / name).unlink(missing_ok=True)
    with last.open("r+b") as file:
        file.truncate(last.stat().st_size - cut)
        file.seek(0, 2)
        file.write(b"\0" * 30)
    kit = Kit(filesystem=OsFilesystem(tmp_path / "torn"), config=SMALL).open()
    left = kit.values("orders")
    kit.broker.close(kit.now_ms)
    assert payloads(check_all(tmp_path / "torn")) == left


def test_after_compaction_of_a_topic_and_of_the_brokers_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps, empty batches, delete horizons, a rewritten transaction index: the tool reads what we read, and so does a
    broker that starts on what is left of its offsets and transactions."""
    for settings in topics._INTERNAL_SETTINGS.values():
        monkeypatch.setitem(settings, "segment.bytes", "1500")
    kit = Kit(filesystem=OsFilesystem(tmp_path), config=SMALL).open()
    kit.create("orders", cleanup_policy="compact", segment_bytes="1500", delete_retention_ms="50000")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    table: dict[str, str] = {}
    for turn in range(60):
        keys: list[bytes | None] = [b"k%d" % (turn % 7), b"k%d" % (turn % 3)]
        values = [f"{turn}-a", f"{turn}-b"]
        assert kit.produce("orders", *values, keys=keys, codec=turn % 5).error_code == 0
        table |= {f"k{turn % 7}": values[0]} | {f"k{turn % 3}": values[1]}
        assert producer.add(ORDERS) == [0]
        assert producer.send_offsets("group", ORDERS, turn) == [0, 0]
        assert producer.end(commit=turn % 3 > 0) == 0
        commit_offset(kit, turn)
    for _ in range(3):
        housekeeping(kit)
    assert {event["partition"] for event in kit.events.named("log.compacted")} == {
        "orders-0", "__consumer_offsets-0", "__transaction_state-0",
    }  # fmt: skip
    assert not kit.events.named("log.upkeep_failed")
    left = kit.values("orders")
    assert set(table.values()) <= set(left) and len(left) < 60
    offsets = [committed_offset(kit, group, ORDERS) for group in ("group", "other")]
    assert offsets == [(0, 59), (0, 59)]
    kit.restart(crash=None)
    assert kit.values("orders") == left
    assert [committed_offset(kit, group, ORDERS) for group in ("group", "other")] == offsets
    assert producer.init() == 0, "the coordinator knows the transactional id"
    kit.broker.close(kit.now_ms)
    assert payloads(check_all(tmp_path, gaps=True)) == left


def housekeeping(kit: Kit) -> None:
    """One round over all logs."""
    kit.tick(CHECK_INTERVAL_MS)
    for _ in range(400):
        kit.sync_all()
        kit.tick(STEP_PAUSE_MS)


def test_after_a_repair(tmp_path: Path) -> None:
    """The empty batch that takes the lost offsets is one that the tool knows from compaction."""
    kit = busy(tmp_path)
    written = kit.values("orders")
    kit.broker.close(kit.now_ms)
    middle = [path for path in files_of(tmp_path / "logs/orders-0") if path.suffix == ".log"][2]
    data = bytearray(middle.read_bytes())
    data[len(data) // 2] ^= 0x55
    middle.write_bytes(data)
    check = DirectoryCheck(OsFilesystem(tmp_path))
    found = check.inspect(ORDERS)
    check.repair(ORDERS, found, "now")
    check.close()
    again = Kit(filesystem=OsFilesystem(tmp_path), config=SMALL).open()
    left = again.values("orders")
    assert 0 < len(left) < len(written) and left == written[: len(left)]
    assert again.produce("orders", "goes-on").error_code == 0
    again.broker.close(again.now_ms)
    assert payloads(check_all(tmp_path)) == [*left, "goes-on"]
