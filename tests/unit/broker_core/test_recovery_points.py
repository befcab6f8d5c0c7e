"""Recovery points and start offsets survive together; a damaged file costs a scan, not the start."""

from __future__ import annotations

from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.recovery_points import RECOVERY_POINTS_PATH, RecoveryPoints
from tests.unit.broker_core.broker_kit import Events

A, B = TopicPartition("a", 0), TopicPartition("b", 1)


def loaded(filesystem: MemoryFilesystem, events: Events | None = None) -> RecoveryPoints:
    points = RecoveryPoints(filesystem, events or Events())
    points.load()
    return points


def test_round_trip_and_only_changes_are_written() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem).write({A: 5, B: 7}, {A: 0, B: 3}, {})
    points = loaded(filesystem)
    assert (points.recovery_points, points.start_offsets) == ({A: 5, B: 7}, {A: 0, B: 3})
    before = filesystem.faults.operations
    points.write({A: 5, B: 7}, {A: 0, B: 3}, {})
    assert filesystem.faults.operations == before


def test_a_deleted_partition_is_forgotten() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem).write({A: 5, B: 7}, {A: 1, B: 3}, {})
    loaded(filesystem).retain({B: None})
    points = loaded(filesystem)
    assert (points.recovery_points, points.start_offsets) == ({B: 7}, {B: 3})


def test_a_damaged_file_is_as_good_as_none() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem).write({A: 5}, {A: 1}, {})
    filesystem.replace_file(RECOVERY_POINTS_PATH, b"what?")
    events = Events()
    points = loaded(filesystem, events)
    assert (points.recovery_points, points.start_offsets) == ({}, {A: 1})
    assert events.named("broker.checkpoint_damaged")
