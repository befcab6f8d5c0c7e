from __future__ import annotations

import errno
import random
from dataclasses import replace

import pytest

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.log.aborted import AbortedTransaction
from broker_core.log.producer_state import OpenTransaction
from broker_core.log.upkeep import retain
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation
from tests.unit.broker_core.log.log_world import (
    DIRECTORY,
    NOW_MS,
    SMALL,
    batch,
    committed,
    drain,
    headers,
    open_log,
    records,
    sync,
    transactional,
)

RAW, COMMITTED = Isolation.READ_UNCOMMITTED, Isolation.READ_COMMITTED


def test_nothing_is_read_before_it_is_synced() -> None:
    log = open_log(MemoryFilesystem())
    log.append(batch(b"a"), NOW_MS)
    assert (log.high_watermark, log.end_offset) == (0, 1)
    assert log.read(0, 100, RAW).records == b""
    sync(log)
    assert records(log) == [(0, b"a")]
    log.append(batch(b"b"), NOW_MS)
    assert records(log) == [(0, b"a")]


def test_a_wave_covers_what_was_appended_before_it() -> None:
    log = open_log(MemoryFilesystem())
    log.append(batch(b"a"), NOW_MS)
    first = log.pending_sync()
    assert first is not None and first.end_offset == 1
    log.append(batch(b"b"), NOW_MS)
    second = log.pending_sync()
    assert second is not None and second.end_offset == 2
    log.mark_synced(2)
    log.mark_synced(1)
    assert log.synced_offset == 2
    assert log.pending_sync() is None


def test_a_wave_names_every_rolled_segment_with_unsynced_bytes() -> None:
    """Until it is marked: a wave in flight says nothing."""
    log = open_log(MemoryFilesystem())
    for _ in range(40):
        log.append(batch(b"x" * 50), NOW_MS)
    for _ in range(2):
        pending = log.pending_sync()
        assert pending is not None
        assert len(pending.files) == len(log._segments) > 2
    sync(log)
    log.append(batch(b"x" * 50), NOW_MS)
    pending = log.pending_sync()
    assert pending is not None and len(pending.files) == 1


def test_offsets_out_of_range() -> None:
    log = open_log(MemoryFilesystem())
    for _ in range(3):
        log.append(batch(b"a"), NOW_MS)
    log.mark_synced(2)
    for offset in (-1, 4):
        with pytest.raises(BrokerError) as caught:
            log.read(offset, 100, RAW)
        assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
    for offset in (2, 3):
        assert log.read(offset, 100, RAW).records == b"", "between the high watermark and the end a reader waits"


def test_a_failed_sync_ends_the_log() -> None:
    log = open_log(MemoryFilesystem())
    log.append(batch(b"a"), NOW_MS)
    log.mark_failed("fdatasync: EIO")
    for call in (
        lambda: log.append(batch(b"b"), NOW_MS),
        lambda: log.read(0, 100, RAW),
        lambda: log.delete_records_before(0),
        lambda: log.offset_for_timestamp(0),
        log.offset_of_max_timestamp,
    ):
        with pytest.raises(StorageError, match="fdatasync: EIO"):
            call()
    assert log.pending_sync() is None
    log.close(NOW_MS)


def test_read_committed_ends_at_the_first_open_transaction() -> None:
    log = open_log(MemoryFilesystem())
    log.append(batch(b"plain"), NOW_MS)
    log.append(transactional(7, 0, b"open"), NOW_MS)
    log.append(batch(b"behind"), NOW_MS)
    sync(log)
    assert log.last_stable_offset == 1
    assert committed(log) == [(0, b"plain")]
    assert log.read(1, 100, COMMITTED).records == b""
    log.append_marker(7, 0, 0, True, NOW_MS)
    assert log.last_stable_offset == 1, "the marker is not durable yet"
    sync(log)
    assert log.last_stable_offset == 4
    assert committed(log) == [(0, b"plain"), (1, b"open"), (2, b"behind")]


def test_aborted_transactions_are_named_where_they_overlap() -> None:
    log = open_log(MemoryFilesystem())
    log.append(transactional(7, 0, b"bad"), NOW_MS)
    log.append(transactional(8, 0, b"good"), NOW_MS)
    log.append_marker(8, 0, 0, True, NOW_MS)
    log.append_marker(7, 0, 0, False, NOW_MS)
    log.append(batch(b"plain"), NOW_MS)
    sync(log)
    assert log.read(0, 1000, COMMITTED).aborted == (AbortedTransaction(7, 0),)
    assert log.read(2, 1000, COMMITTED).aborted == (AbortedTransaction(7, 0),)
    assert log.read(4, 1000, COMMITTED).aborted == ()
    assert log.read(0, 1000, RAW).aborted == ()
    assert committed(log) == [(1, b"good"), (4, b"plain")]


def test_one_read_may_overlap_many_aborts() -> None:
    """One after the other, and nested; a commit in between is not named."""
    log = open_log(MemoryFilesystem())
    for sequence, commit in enumerate([False, True, False]):
        log.append(transactional(7, sequence, b"a%d" % sequence), NOW_MS)
        log.append_marker(7, 0, 0, commit, NOW_MS)
    log.append(transactional(8, 0, b"outer"), NOW_MS)
    log.append(transactional(9, 0, b"inner"), NOW_MS)
    log.append_marker(9, 0, 0, False, NOW_MS)
    log.append_marker(8, 0, 0, False, NOW_MS)
    sync(log)
    assert log.read(0, 5000, COMMITTED).aborted == ((7, 0), (7, 4), (9, 7), (8, 6))
    assert log.read(7, 5000, COMMITTED).aborted == ((9, 7), (8, 6))
    assert committed(log) == [(2, b"a1")]


def test_an_abort_segments_later_is_found() -> None:
    log = open_log(MemoryFilesystem())
    log.append(transactional(7, 0, b"bad"), NOW_MS)
    for _ in range(60):
        log.append(batch(b"x" * 50), NOW_MS)
    log.append_marker(7, 0, 0, False, NOW_MS)
    sync(log)
    assert len(log._segments) > 3
    assert [offset for offset, _ in committed(log)] == list(range(1, 61))


def test_open_transactions_are_listed() -> None:
    log = open_log(MemoryFilesystem())
    log.append(transactional(7, 0, b"a", epoch=2), NOW_MS)
    assert log.open_transactions() == (OpenTransaction(7, 2, 0),)
    log.append_marker(7, 2, 0, False, NOW_MS)
    assert log.open_transactions() == ()


def test_deleting_records_raises_the_start_at_once_and_removes_whole_segments_later() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    for index in range(40):
        log.append(batch(b"x" * 50 + b"%d" % index), NOW_MS)
    sync(log)
    second = log._segments.holding(20)
    size = log.size_bytes
    assert log.delete_records_before(20) == 20
    assert log.delete_records_before(5) == 20, "the start never falls"
    assert drain(retain(log, NOW_MS, log.high_watermark)) == 20
    assert log._segments.first is second
    assert log.size_bytes < size
    assert records(log)[0][0] in range(second.base_offset, 21)
    with pytest.raises(BrokerError) as caught:
        log.read(19, 100, RAW)
    assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
    with pytest.raises(BrokerError):
        log.delete_records_before(41)
    assert log.delete_records_before(40) == 40
    assert log.append(batch(b"next"), NOW_MS).base_offset == 40
    log.close(NOW_MS)
    again = open_log(filesystem, clean=True, recovery_point=41, start_offset=40)
    assert (again.start_offset, again.end_offset) == (40, 41)


def test_a_start_beyond_the_end_is_missing_data() -> None:
    with pytest.raises(StorageError, match="begin at offset 5 but ends at 0"):
        open_log(MemoryFilesystem(), start_offset=5)


def test_leader_epochs_are_stamped_and_answered() -> None:
    filesystem = MemoryFilesystem()
    for epoch in (3, 5):
        log = open_log(filesystem, clean=epoch == 5, leader_epoch=epoch)
        log.append(batch(b"a"), NOW_MS)
        log.append(batch(b"b"), NOW_MS)
        log.close(NOW_MS)
    log = open_log(filesystem, clean=True, recovery_point=4, leader_epoch=6)
    found = [header.partition_leader_epoch for header in headers(log.read(0, 1000, RAW).records)]
    assert found == [3, 3, 5, 5]
    assert [log.end_offset_for_epoch(epoch) for epoch in (3, 4, 5, 6)] == [(3, 2), (3, 2), (5, 4), (6, 4)]
    assert open_log(filesystem, clean=True, recovery_point=4).leader_epoch == 5


def test_close_syncs_everything() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    for index in range(40):
        log.append(transactional(7, index, b"x" * 50), NOW_MS)
    log.close(NOW_MS)
    filesystem.crash(random.Random(0), "drop")
    log = open_log(filesystem, clean=True, recovery_point=40)
    assert (log.end_offset, log.open_transactions()) == (40, (OpenTransaction(7, 0, 0),))
    assert log.append(transactional(7, 40, b"next"), NOW_MS).base_offset == 40


def test_a_failing_close_is_an_error() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    log.append(batch(b"a"), NOW_MS)
    filesystem.faults.fail_next_sync = errno.EIO
    with pytest.raises(StorageError, match="closing failed"):
        log.close(NOW_MS)


def test_opening_on_a_broken_disk_names_the_log() -> None:
    filesystem = MemoryFilesystem()
    filesystem.faults.fail_next_sync = errno.EIO
    with pytest.raises(StorageError, match=DIRECTORY):
        open_log(filesystem)


def test_silent_producers_are_forgotten_at_a_close() -> None:
    config = LogConfig(producer_id_expiration_ms=1000)
    filesystem = MemoryFilesystem()
    log = open_log(filesystem, config)
    log.append(batch(b"a", producer_id=7, producer_epoch=0, base_sequence=0), NOW_MS)
    log.close(NOW_MS + 1001)
    assert open_log(filesystem, config, clean=True, recovery_point=1).producers() == ()


def test_one_segment_per_batch_works_too() -> None:
    log = open_log(MemoryFilesystem(), replace(SMALL, segment_bytes=100))
    for index in range(10):
        log.append(batch(b"%d" % index), NOW_MS)
    sync(log)
    assert [offset for offset, _ in records(log)] == list(range(10))
