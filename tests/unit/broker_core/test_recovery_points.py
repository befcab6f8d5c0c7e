"""Recovery points, start offsets and cleaned offsets survive together; each side heals the other."""

from __future__ import annotations

import pytest

from broker_core.errors import StorageError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.recovery_points import (
    CLEANED_OFFSETS_PATH,
    LOG_OFFSETS_PATH,
    RECOVERY_POINTS_PATH,
    START_OFFSETS_PATH,
    RecoveryPoints,
    decode_log_offsets,
    encode_log_offsets,
)
from tests.unit.broker_core.broker_kit import Events
from tests.unit.broker_core.log.documents import text_example

A, B = TopicPartition("a", 0), TopicPartition("b", 1)
PATHS = (LOG_OFFSETS_PATH, RECOVERY_POINTS_PATH, START_OFFSETS_PATH, CLEANED_OFFSETS_PATH)


def loaded(filesystem: MemoryFilesystem, events: Events | None = None) -> RecoveryPoints:
    points = RecoveryPoints(filesystem, events or Events())
    points.load()
    return points


def held(points: RecoveryPoints) -> tuple[object, object, object]:
    return points.recovery_points, points.start_offsets, points.cleaned_offsets


def test_round_trip_and_only_changes_are_written() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem).write({A: 5, B: 7}, {A: 0, B: 3}, {B: 2})
    points = loaded(filesystem)
    assert held(points) == ({A: 5, B: 7}, {A: 0, B: 3}, {B: 2})
    before = filesystem.faults.operations
    points.write({A: 5, B: 7}, {A: 0, B: 3}, {B: 2})
    assert filesystem.faults.operations == before


def test_a_deleted_partition_is_forgotten() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem).write({A: 5, B: 7}, {A: 1, B: 3}, {})
    loaded(filesystem).retain({B: None})
    assert held(loaded(filesystem)) == ({B: 7}, {B: 3}, {})


def test_the_worked_example() -> None:
    orders = TopicPartition("orders", 0), TopicPartition("orders", 1)
    maps = {orders[0]: 1500, orders[1]: 0}, {orders[0]: 200, orders[1]: 0}, {orders[0]: 900}
    assert encode_log_offsets(*maps) == text_example("checkpoints.md", 3)
    assert decode_log_offsets(text_example("checkpoints.md", 3)) == maps


@pytest.mark.parametrize("path", PATHS)
def test_each_file_is_healed_from_the_others(path: str) -> None:
    """Missing, empty, or with any byte changed."""
    filesystem = MemoryFilesystem()
    expected = {A: 5, B: 71}, {A: 1, B: 3}, {B: 2}
    loaded(filesystem).write(*expected)
    good = {name: filesystem.read_file(name) for name in PATHS}
    for position in range(len(good[path])):
        for damaged in (good[path][:position], good[path][:position] + b"7" + good[path][position + 1 :]):
            filesystem.replace_file(path, damaged)
            assert held(loaded(filesystem)) == expected
            assert {name: filesystem.read_file(name) for name in PATHS} == good
    filesystem.remove(path)
    assert held(loaded(filesystem)) == expected
    assert {name: filesystem.read_file(name) for name in PATHS} == good


def test_damage_on_both_sides_is_told_and_costs_a_scan() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem).write({A: 5}, {A: 1}, {})
    filesystem.replace_file(RECOVERY_POINTS_PATH, b"what?")
    filesystem.replace_file(LOG_OFFSETS_PATH, b"what?")
    events = Events()
    points = loaded(filesystem, events)
    assert held(points) == ({}, {A: 1}, {})
    assert {event["path"] for event in events.named("broker.checkpoint_damaged")} == {
        LOG_OFFSETS_PATH, RECOVERY_POINTS_PATH,
    }  # fmt: skip


def test_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(StorageError, match="log-offsets: it begins with b'log-offsets 2"):
        decode_log_offsets(b"log-offsets 2 00000000 0\n")


def test_nothing_is_written_before_there_is_something() -> None:
    filesystem = MemoryFilesystem()
    loaded(filesystem)
    assert filesystem.list_directory("") == []
