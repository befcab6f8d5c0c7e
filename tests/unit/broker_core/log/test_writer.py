from __future__ import annotations

import errno
import random

import pytest

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.log.partition_log import PartitionLog
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation
from broker_core.protocol.batch import read_header
from tests.unit.broker_core.log.log_world import (
    DIRECTORY,
    NOW_MS,
    SMALL,
    Recorder,
    batch,
    open_log,
    records,
    sync,
    transactional,
)


def snapshot(filesystem: MemoryFilesystem, log: PartitionLog) -> object:
    """Everything that an append could change, but for an empty segment to go on in."""
    files = {name: filesystem.read_file(f"{DIRECTORY}/{name}") for name in filesystem.list_directory(DIRECTORY)}
    logs = {name: data for name, data in files.items() if name.endswith(".log") and data}
    return logs, log.end_offset, log.size_bytes, [(entry.epoch, entry.batches) for entry in log.producers()]


def test_offsets_follow_each_other() -> None:
    log = open_log(MemoryFilesystem())
    assert (log.append(batch(b"a", b"b"), NOW_MS).base_offset, log.end_offset) == (0, 2)
    result = log.append(batch(b"c", b"d", b"e"), NOW_MS)
    assert (result.base_offset, result.last_offset, result.log_append_time_ms) == (2, 4, -1)
    assert not result.duplicate


def test_an_append_is_one_write() -> None:
    """The hot path: no index file, no sync, no second write."""
    filesystem = MemoryFilesystem()
    log = open_log(filesystem, LogConfig())
    log.append(batch(b"first"), NOW_MS)
    filesystem.faults.counters.clear()
    for index in range(50):
        log.append(batch(b"x" * 500, producer_id=1, producer_epoch=0, base_sequence=index), NOW_MS)
    assert filesystem.faults.counters == {"write": 50}


@pytest.mark.parametrize(
    "refused",
    [
        batch(b"a")[:-1],
        batch(b"a", timestamp=NOW_MS * 2),
        transactional(7, 5, b"gap"),
        transactional(7, 0, b"fenced", epoch=-2),
        batch(b"plain", producer_id=7, producer_epoch=0, base_sequence=1),
    ],
    ids=["corrupt", "timestamp", "sequence", "epoch", "transaction"],
)
def test_a_refusal_leaves_nothing(refused: bytes) -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    log.append(transactional(7, 0, b"a"), NOW_MS)
    before = snapshot(filesystem, log)
    with pytest.raises(BrokerError):
        log.append(refused, NOW_MS)
    assert snapshot(filesystem, log) == before


def test_a_duplicate_is_answered_with_the_original_place() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    first = log.append(transactional(7, 0, b"a", b"b"), NOW_MS)
    log.append(transactional(7, 2, b"c"), NOW_MS)
    before = snapshot(filesystem, log)
    again = log.append(transactional(7, 0, b"a", b"b"), NOW_MS)
    assert again.duplicate
    assert (again.base_offset, again.last_offset) == (first.base_offset, first.last_offset)
    assert snapshot(filesystem, log) == before


def test_log_append_time_is_stamped_and_told_also_for_a_duplicate() -> None:
    log = open_log(MemoryFilesystem(), LogConfig(message_timestamp_type="LogAppendTime"))
    data = transactional(7, 0, b"a")
    assert log.append(data, NOW_MS + 5).log_append_time_ms == NOW_MS + 5
    assert log.append(data, NOW_MS + 9).log_append_time_ms == NOW_MS + 5
    sync(log)
    assert read_header(log.read(0, 100, Isolation.READ_UNCOMMITTED).records).max_timestamp == NOW_MS + 5


@pytest.mark.parametrize("free_bytes", [0, 1, 40, 61, 78])
def test_a_full_disk_leaves_the_log_as_before(free_bytes: int) -> None:
    """Whatever part of the batch still fitted; with room again the same batch goes in."""
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    log.append(transactional(7, 0, b"a"), NOW_MS)
    sync(log)
    before = snapshot(filesystem, log)
    filesystem.available_bytes = free_bytes
    with pytest.raises(StorageError, match=r"no space to append to .*00\.log at position \d+"):
        log.append(transactional(7, 1, b"b" * 10), NOW_MS)
    assert snapshot(filesystem, log) == before
    assert filesystem.free_bytes() == free_bytes
    filesystem.available_bytes = 10_000
    assert log.append(transactional(7, 1, b"b" * 10), NOW_MS).base_offset == 1
    sync(log)
    assert records(log) == [(0, b"a"), (1, b"b" * 10)]


def test_a_full_disk_while_rolling_leaves_the_log_as_before() -> None:
    """At every write of the roll: index files, snapshot, epochs, the new segment."""
    for number in range(20):
        filesystem = MemoryFilesystem()
        log = open_log(filesystem)
        index = 0
        while not log._segments.active.is_full(140, 0, SMALL.segment_bytes, 1 << 20):
            log.append(transactional(7, index, b"x" * 50), NOW_MS)
            index += 1
        before = snapshot(filesystem, log)
        left = number

        def fail(operation: str, path: str) -> None:
            nonlocal left
            if operation in {"write", "create"}:
                left -= 1
                if left == -1:
                    raise OSError(errno.ENOSPC, "full", path)

        filesystem.faults.hook = fail
        try:
            log.append(transactional(7, index, b"x" * 50), NOW_MS)
        except StorageError:
            assert snapshot(filesystem, log) == before
            filesystem.faults.hook = None
            log.append(transactional(7, index, b"x" * 50), NOW_MS)
        sync(log)
        assert [offset for offset, _ in records(log)] == list(range(index + 1))
        assert len(log._segments) == 2
    assert left >= 0, "every write of a roll was tried"


def test_a_broken_disk_ends_the_log() -> None:
    """Anything but a lack of space leaves the file unknown: nothing more is written or read."""
    filesystem = MemoryFilesystem()
    observer = Recorder()
    log = open_log(filesystem, observer=observer)
    log.append(batch(b"a"), NOW_MS)
    filesystem.faults.fail_next_write = errno.EIO
    with pytest.raises(StorageError, match="given up"):
        log.append(batch(b"b"), NOW_MS)
    for call in (
        lambda: log.append(batch(b"c"), NOW_MS),
        lambda: log.read(0, 100, Isolation.READ_UNCOMMITTED),
        lambda: log.append_marker(1, 0, 0, True, NOW_MS),
    ):
        with pytest.raises(StorageError, match="given up"):
            call()
    assert log.pending_sync() is None
    assert observer.names().count("log.failed") == 1


def test_markers_take_an_offset_and_are_checked() -> None:
    log = open_log(MemoryFilesystem())
    log.append(transactional(7, 0, b"a", epoch=3), NOW_MS)
    with pytest.raises(BrokerError) as caught:
        log.append_marker(7, 2, 0, True, NOW_MS)
    assert caught.value.code is ErrorCode.INVALID_PRODUCER_EPOCH
    result = log.append_marker(7, 3, 0, True, NOW_MS)
    assert (result.base_offset, log.end_offset) == (1, 2)
    assert log.append_marker(99, 0, 0, False, NOW_MS).base_offset == 2, "also where the producer never wrote"


def test_a_segment_ends_by_age_of_its_first_batch() -> None:
    log = open_log(MemoryFilesystem(), LogConfig(segment_ms=100))
    for timestamp in (NOW_MS, NOW_MS + 100, NOW_MS + 101, NOW_MS + 202):
        log.append(batch(b"v", timestamp=timestamp), NOW_MS)
    assert [segment.base_offset for segment in log._segments] == [0, 2, 3]


def test_coordinators_may_repeat_sequences() -> None:
    log = open_log(MemoryFilesystem())
    for _ in range(3):
        assert not log.append(transactional(7, 0, b"offsets"), NOW_MS, from_coordinator=True).duplicate
    assert log.end_offset == 3


@pytest.mark.parametrize("ending", ["close", "roll"])
def test_what_a_full_disk_wrote_in_part_is_not_back_after_power_loss(ending: str) -> None:
    """The cut is durable by itself: no later sync covers it when the log is closed or goes on in another segment."""
    for seed in range(30):
        filesystem = MemoryFilesystem()
        log = open_log(filesystem)
        log.append(batch(b"a" * 300), NOW_MS)
        sync(log)
        filesystem.available_bytes = 40
        with pytest.raises(StorageError, match="no space"):
            log.append(batch(b"b" * 300), NOW_MS)
        filesystem.available_bytes = 1 << 30
        if ending == "close":
            log.close(NOW_MS)
        else:
            log.append(batch(b"c" * 1_700), NOW_MS)
            sync(log)
        filesystem.crash(random.Random(seed), "tear")
        again = open_log(filesystem, clean=ending == "close", recovery_point=log.end_offset, leader_epoch=1)
        assert len(records(again)) == (1 if ending == "close" else 2)
