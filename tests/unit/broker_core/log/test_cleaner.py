"""A pass over files: what stands where, in which steps, and what is left beside the log. (Crashes: tests/property.)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker_core.errors import StorageError
from broker_core.log.cleaner import compact
from broker_core.log.compaction import CompactionPlan, plan_compaction
from broker_core.log.partition_log import PartitionLog
from broker_core.log.upkeep import segment_facts
from broker_core.memory_filesystem import MemoryFilesystem
from tests.unit.broker_core.log.log_world import (
    DIRECTORY,
    NOW_MS,
    SMALL,
    batch,
    committed,
    drain,
    open_log,
    records,
    sync,
    transactional,
)

CONFIG = replace(SMALL, cleanup_policy=frozenset({"compact"}), min_cleanable_dirty_ratio=0.0)


def filled(filesystem: MemoryFilesystem) -> PartitionLog:
    """Three keys again and again over several segments, an aborted transaction in between."""
    log = open_log(filesystem, CONFIG)
    for index in range(60):
        log.append(batch(b"x" * 60 + b"%d" % index, key=b"key-%d" % (index % 3), timestamp=NOW_MS + index), NOW_MS)
        if index == 20:
            log.append(transactional(7, 0, b"aborted"), NOW_MS)
            log.append_marker(7, 0, 0, False, NOW_MS)
    sync(log)
    return log


def plan_for(log: PartitionLog) -> CompactionPlan:
    plan = plan_compaction(
        segment_facts(log), CONFIG, first_dirty=0, stable_offset=log.last_stable_offset, now_ms=NOW_MS
    )
    assert plan is not None
    return plan


def test_what_is_left_is_read_by_offset_and_by_time_and_survives_reopening() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    size, plan = log.size_bytes, plan_for(log)
    before = dict(committed(log))
    assert drain(compact(log, plan, NOW_MS)) == plan.stop
    left = committed(log)
    assert [offset for offset, _ in left if offset < plan.stop] == list(range(plan.stop - 3, plan.stop))
    assert all(before[offset] == value for offset, value in left)
    assert log.size_bytes < size / 2
    first = left[0][0]
    found = log.offset_for_timestamp(NOW_MS + 1)  # the marker, which has a time too, is older
    assert found is not None and found.offset == first
    largest = log.offset_of_max_timestamp()
    assert largest is not None and largest.offset == log.end_offset - 1
    log.close(NOW_MS)
    again = open_log(filesystem, CONFIG, clean=True, recovery_point=log.end_offset)
    assert committed(again) == left and again.end_offset == log.end_offset


def test_no_file_of_the_old_segments_is_left() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    drain(compact(log, plan_for(log), NOW_MS))
    names = filesystem.list_directory(DIRECTORY)
    assert not [name for name in names if name.endswith((".cleaned", ".swap", ".deleted"))]
    bases = [segment.base_offset for segment in log.parts.segments]
    assert sorted(int(name[:20]) for name in names if name.endswith(".log")) == bases
    assert {int(name[:20]) for name in names if name.endswith(".snapshot")} <= set(bases)
    assert {int(name[:20]) for name in names if name.endswith(".txnindex")} <= set(bases)


def test_readers_and_writers_go_on_between_the_steps() -> None:
    log = filled(MemoryFilesystem())
    expected = dict(records(log))
    work = compact(log, plan_for(log), NOW_MS, step_bytes=500)
    steps = 0
    try:
        while True:
            file = next(work)
            if file is not None:
                file.sync()
            steps += 1
            log.append(batch(b"new", key=b"new"), NOW_MS)
            sync(log)
            for offset, value in records(log):
                assert expected.setdefault(offset, value) == value
    except StopIteration:
        pass
    assert steps > 15
    assert [value for _, value in records(log)][-1] == b"new"


def test_several_segments_become_one() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    count = len(log.parts.segments)
    drain(compact(log, plan_for(log), NOW_MS))
    drain(compact(log, plan_for(log), NOW_MS))
    assert count > 4 and len(log.parts.segments) == 2


def test_a_full_map_takes_the_keys_in_several_passes() -> None:
    log = filled(MemoryFilesystem())
    plan = plan_for(log)
    end = drain(compact(log, plan, NOW_MS, map_bytes=1))
    assert 0 < end < plan.stop
    passes = 1
    while end < plan.stop:
        end = drain(compact(log, replace(plan_for(log), first_dirty=end), NOW_MS, map_bytes=1))
        passes += 1
    assert passes > 10
    assert [offset for offset, _ in committed(log) if offset < plan.stop] == list(range(plan.stop - 3, plan.stop))


def test_damage_is_named_and_nothing_is_changed() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    plan = plan_for(log)
    filesystem.open(f"{DIRECTORY}/00000000000000000000.log").write_at(300, b"\xff")
    names = filesystem.list_directory(DIRECTORY)
    with pytest.raises(StorageError, match=r"00000000000000000000\.log, position \d+: .*damaged"):
        drain(compact(log, plan, NOW_MS))
    assert filesystem.list_directory(DIRECTORY) == names and not log.has_failed
