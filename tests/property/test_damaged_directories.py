"""A byte of any file flipped, any file missing, a directory copied while it is written to: healed, or reported with the
file's name, and never served as data."""

from __future__ import annotations

import random
from typing import Any

import pytest

from broker_core.config import BrokerConfig, LogConfig
from broker_core.errors import StorageError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.protocol.batch import iterate_batches
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset, fetched, read_values

CONFIG = BrokerConfig(log=LogConfig(segment_bytes=700, index_interval_bytes=150))
WORDS = [TopicPartition("words", 0), TopicPartition("words", 1)]
EXPECTED = [f"value {index}" for index in range(24)]
FLIPS, COPIES = 150, 40


def written() -> Kit:
    """Several segments, transactions committed and aborted, offsets, and a clean close."""
    kit = Kit(config=CONFIG).open()
    kit.create("words", partitions=2)
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    for start in range(0, 24, 4):
        assert producer.add(*WORDS) == [0, 0]
        for index in range(start, start + 4):
            assert producer.produce(WORDS[index % 2], f"value {index}") == 0
        assert producer.send_offsets("g", WORDS[0], start) == [0, 0]
        assert producer.end(commit=True) == 0
        kit.sync_all()
        assert producer.add(*WORDS) == [0, 0]
        assert producer.produce(WORDS[0], "aborted") == 0
        assert producer.end(commit=False) == 0
        kit.sync_all()
    kit.broker.close(kit.now_ms)
    return kit


def paths(filesystem: MemoryFilesystem) -> list[str]:
    """Every file but the lock and the mark of a clean close, whose presence is all that they say."""
    found = []
    pending = [""]
    while pending:
        directory = pending.pop()
        for name in filesystem.list_directory(directory):
            path = f"{directory}/{name}".lstrip("/")
            if filesystem.list_directory(path):
                pending.append(path)
            elif name not in ("lock", "clean-shutdown"):
                found.append(path)
    return sorted(path for path in found if filesystem.exists(path))


def is_checked(kit: Kit, path: str) -> bool:
    """Not yet: a transaction index whose entries point elsewhere within its segment is believed (Kafka's format has no
    checksum, and it is not compared with the markers in the log)."""
    return bool(kit.filesystem.read_file(path)) and not path.endswith(".txnindex")


def reopened(kit: Kit, filesystem: Any) -> Kit | StorageError:
    """A broker over ``filesystem``, or why there is none."""
    again = Kit(filesystem=filesystem, config=CONFIG, now_ms=kit.now_ms, seed=kit.seed + 1)
    try:
        return again.open()
    except StorageError as error:
        return error


def served(kit: Kit, partition: TopicPartition) -> tuple[list[str], bool]:
    """What a read_committed reader gets, and whether an error ended it."""
    found: list[str] = []
    log = kit.broker._partitions.logs[partition]
    offset, end = log.start_offset, log.last_stable_offset
    while offset < end:
        asked = kit.fetch_request(partition.topic, offset, partition=partition.partition, committed=True)
        data = fetched(kit.call(asked, 12))
        if data.error_code:
            return found, True
        assert data.records
        found += read_values(data, offset, committed=True)
        *_, (_, last) = iterate_batches(data.records)
        offset = last.next_offset
    return found, False


def judge(kit: Kit, path: str) -> str:
    """Whatever is served is what was written, in order; what is missing was reported, by name."""
    reported = [str(fields) for name, fields in kit.events.heard if name != "log.opened"]
    for index, partition in enumerate(WORDS):
        if partition not in kit.broker._partitions.logs:
            return "gone"
        values, failed = served(kit, partition)
        expected = EXPECTED[index::2]
        assert values == expected[: len(values)], path
        if values != expected:
            refusals = [str(fields) for fields in kit.events.named("fetch.refused")]
            directory = path.rpartition("/")[0]  # with wrong epochs beside it, it is the log that is named
            assert (failed and any(directory in text for text in refusals)) or any(path in text for text in reported)
    code, offset = committed_offset(kit, "g", WORDS[0])
    assert code or offset in range(-1, 24)
    return "served"


@pytest.mark.parametrize("seed", range(FLIPS))
def test_a_flipped_byte_is_healed_or_reported(seed: int) -> None:
    generator = random.Random(seed)
    kit = written()
    path = generator.choice([each for each in paths(kit.filesystem) if is_checked(kit, each)])
    data = bytearray(kit.filesystem.read_file(path))
    position = generator.randrange(len(data))
    data[position] ^= 1 << generator.randrange(8)
    kit.filesystem.replace_file(path, bytes(data))
    again = reopened(kit, kit.filesystem)
    if isinstance(again, StorageError):
        by_name = path in str(again) or (path.startswith("recovery-point") and "were durable" in str(again))
        assert by_name or path.startswith("log-start-offset"), f"{path}@{position}: {again}"
    else:
        judge(again, path)


def test_a_missing_file_is_healed_or_reported() -> None:
    for path in paths(written().filesystem):
        kit = written()
        kit.filesystem.remove(path)
        again = reopened(kit, kit.filesystem)
        if isinstance(again, StorageError):
            assert path.rpartition("/")[0] in str(again)
        else:
            judge(again, path)


@pytest.mark.parametrize("seed", range(COPIES))
def test_a_directory_copied_while_it_is_written_to_serves_only_what_was_written(seed: int) -> None:
    """File after file in any order, with writes in between: as a backup tool does that knows nothing of us."""
    generator = random.Random(seed)
    kit = Kit(config=CONFIG).open()
    kit.create("words", partitions=2)
    sent: dict[int, list[str]] = {0: [], 1: []}

    def work() -> None:
        for _ in range(generator.randrange(6)):
            index = generator.randrange(2)
            sent[index].append(f"{index}: {len(sent[index])} " + "x" * generator.randrange(80))
            assert kit.produce("words", sent[index][-1], partition=index).error_code == 0
        kit.tick(generator.choice([0, 70_000]))
        kit.sync_all()

    for _ in range(4):
        work()
    copy = MemoryFilesystem()
    names = paths(kit.filesystem)
    generator.shuffle(names)
    for path in names:
        if kit.filesystem.exists(path):
            copy.make_directory(path.rpartition("/")[0])
            copy.replace_file(path, kit.filesystem.read_file(path))
        work()
    again = reopened(kit, copy)
    if isinstance(again, StorageError):
        assert "logs/words-" in str(again), again
        return
    for partition in WORDS:
        values, failed = served(again, partition)
        log = again.broker._partitions.logs[partition]
        assert not failed
        first = log.start_offset
        assert values == sent[partition.partition][first : first + len(values)]
