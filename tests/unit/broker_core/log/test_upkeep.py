"""Retention carried out: the start rises first, segments go one step each, a crash in between leaves no gap."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from broker_core.errors import StorageError
from broker_core.log.partition_log import PartitionLog
from broker_core.log.upkeep import retain, segment_facts
from broker_core.memory_filesystem import MemoryFilesystem, SimulatedCrash
from tests.unit.broker_core.log.log_world import NOW_MS, SMALL, batch, drain, open_log, records, sync

DAY_MS = 24 * 3_600_000


def filled(filesystem: MemoryFilesystem, config=SMALL) -> PartitionLog:  # type: ignore[no-untyped-def]
    log = open_log(filesystem, config)
    for index in range(60):
        log.append(batch(b"x" * 60 + b"%d" % index, timestamp=NOW_MS + index), NOW_MS)
    sync(log)
    return log


def test_old_segments_go_a_step_each() -> None:
    log = filled(MemoryFilesystem(), replace(SMALL, retention_ms=DAY_MS))
    facts = segment_facts(log)
    now_ms = facts[2].max_timestamp + DAY_MS + 1
    work = retain(log, now_ms, log.high_watermark)
    for step in range(3):
        assert next(work) is None
        assert log.start_offset == facts[2].next_offset, "readers see it at once"
        assert len(segment_facts(log)) == len(facts) - 1 - step
    assert drain(work) == facts[2].next_offset
    assert records(log)[0][0] == facts[2].next_offset


def test_everything_may_go_and_offsets_go_on() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem, replace(SMALL, retention_ms=DAY_MS))
    assert drain(retain(log, NOW_MS + 2 * DAY_MS, log.high_watermark)) == 60
    assert log.size_bytes == 0
    assert log.append(batch(b"next"), NOW_MS).base_offset == 60
    sync(log)
    filesystem.crash(random.Random(1), "drop")
    again = open_log(filesystem, recovery_point=61)
    assert (again.start_offset, records(again)) == (60, [(60, b"next")])


def test_the_age_of_a_segment_that_was_never_read_comes_from_its_time_index_alone() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    expected = segment_facts(log)
    log.close(NOW_MS)
    again = open_log(filesystem, clean=True, recovery_point=60)
    assert segment_facts(again) == expected
    assert [segment._columns for segment in again.parts.segments][:-1] == [None] * (len(expected) - 1)


@pytest.mark.parametrize("mode", ["keep", "drop", "tear"])
def test_a_crash_at_any_step_leaves_a_log_without_a_gap(mode) -> None:  # type: ignore[no-untyped-def]
    for step in range(100):
        filesystem = MemoryFilesystem()
        log = filled(filesystem, replace(SMALL, retention_bytes=500))
        written = records(log)
        filesystem.faults.crash_before = filesystem.faults.operations + step
        try:
            drain(retain(log, NOW_MS, log.high_watermark))
            finished = True
        except SimulatedCrash:
            finished = False
        filesystem.crash(random.Random(step), mode)
        again = open_log(filesystem, recovery_point=60)
        left = records(again)
        assert left == written[len(written) - len(left) :] and again.end_offset == 60
        if finished:
            assert left == records(again) and again.size_bytes < 2_500
            return
    raise AssertionError("never got through")


def test_a_removal_that_fails_can_be_done_again() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem, replace(SMALL, retention_bytes=500))
    filesystem.faults.fail_next_sync = 5
    with pytest.raises(OSError, match="Input/output"):
        drain(retain(log, NOW_MS, log.high_watermark))
    assert drain(retain(log, NOW_MS, log.high_watermark)) > 30
    assert records(log)[-1][0] == 59


def test_a_log_that_cannot_roll_says_so() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem, replace(SMALL, retention_bytes=0))
    filesystem.faults.fail_next_write = 28
    with pytest.raises(StorageError, match="no space"):
        drain(retain(log, NOW_MS, log.high_watermark))
    assert drain(retain(log, NOW_MS, log.high_watermark)) == 60


def test_the_start_is_durable_before_anything_is_removed() -> None:
    """Otherwise a segment that is missing after a crash could be retention's work or the disk's."""
    log = filled(MemoryFilesystem(), replace(SMALL, retention_ms=DAY_MS))
    before = len(segment_facts(log))

    def fail() -> None:
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        drain(retain(log, NOW_MS + 2 * DAY_MS, log.high_watermark, fail))
    seen: list[int] = []

    def persist() -> None:
        seen.append(log.start_offset)
        assert len(segment_facts(log)) >= before

    drain(retain(log, NOW_MS + 2 * DAY_MS, log.high_watermark, persist))
    assert seen == [60]
