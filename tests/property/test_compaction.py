"""Compaction against a reference model: random writes and passes, crashes at every step, and where it ends."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from broker_core.log.cleaner import compact
from broker_core.log.compaction import plan_compaction
from broker_core.log.upkeep import segment_facts
from broker_core.memory_filesystem import MemoryFilesystem, SimulatedCrash
from broker_core.protocol.batch import iterate_batches
from tests.property.compaction_world import COMPACTED, World
from tests.unit.broker_core.log.log_world import drain, reads, sync


def markers(world: World) -> list[int]:
    return [
        header.base_offset
        for result in reads(world.log)
        for _, header in iterate_batches(result.records)
        if header.is_control and header.record_count
    ]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_written_and_whenever_it_is_cleaned(seed: int) -> None:
    """Passes at random moments, with small steps and sometimes a small map; restarts and crashes in between."""
    world = World(seed)
    for _ in range(40):
        for _ in range(world.random.randrange(10)):
            world.write()
        if world.random.random() < 0.8:
            sync(world.log)
        world.now_ms += world.random.choice([0, 0, 300, 1_500])
        action = world.random.random()
        if action < 0.5:
            world.compact(
                step_bytes=world.random.choice([1, 200, 100_000]), map_bytes=world.random.choice([300, 10**6])
            )
        elif action < 0.6:
            sync(world.log)
            point, epoch = world.log.synced_offset, world.log.leader_epoch + 1
            if action < 0.55:
                world.log.close(world.now_ms)
            else:
                world.filesystem.crash(world.random, "drop")
            world.open(clean=action < 0.55, recovery_point=point, leader_epoch=epoch)
        world.check()
    assert world.first_dirty > 0


@pytest.mark.parametrize("seed", range(6))
def test_passes_come_to_rest_with_one_record_for_each_key(seed: int) -> None:
    """With time passing, tombstones, aborted data and markers are gone; the producers are known as before."""
    world = World(seed)
    for _ in range(120):
        world.write()
    world.finish()
    producers = [replace(entry, batches=entry.batches[-1:]) for entry in world.log.producers()]
    for _ in range(4):
        world.first_dirty = 0
        world.compact()
        world.now_ms += COMPACTED.delete_retention_ms + 1
        world.check()
    newest = {record.key: record for record in world.visible()}
    assert [row[0] for row in world.found()] == sorted(
        record.offset for record in newest.values() if record.value is not None
    )
    last_of_producers = max((entry.batches[-1].last_offset for entry in producers if entry.batches), default=-1)
    assert all(offset > last_of_producers or world.log.producers() for offset in markers(world))
    assert world.log.size_bytes < 1_000
    end = world.log.end_offset
    for name in world.filesystem.list_directory("logs/orders-0"):
        if name.endswith((".snapshot", ".index", ".timeindex", ".txnindex")):
            world.filesystem.remove(f"logs/orders-0/{name}")
    again = world.open(recovery_point=end, leader_epoch=2)
    found = [replace(entry, batches=entry.batches[-1:]) for entry in again.producers()]
    assert [(entry.producer_id, entry.epoch, entry.batches) for entry in found] == [
        (entry.producer_id, entry.epoch, entry.batches) for entry in producers
    ]
    assert again.end_offset == end
    world.check()


@pytest.mark.parametrize(("mode", "seed"), [("keep", 1), ("drop", 2), ("tear", 3), ("tear", 4)])
def test_a_crash_before_any_operation_of_a_pass(mode, seed: int) -> None:  # type: ignore[no-untyped-def]
    """The log is the old one, the new one, or part of each; it opens, reads right, and the pass can be done again."""
    for step in range(400):
        world = World(seed)
        for _ in range(25):
            world.write()
        world.finish()
        end, before = world.log.end_offset, world.found()
        faults = world.filesystem.faults
        faults.crash_before = faults.operations + step
        try:
            world.compact()
            finished = True
        except SimulatedCrash:
            finished = False
        world.filesystem.crash(random.Random(step), mode)
        world.open(recovery_point=end, leader_epoch=2)
        assert world.log.end_offset == end
        world.check()
        assert {row[0] for row in world.found()} <= {row[0] for row in before}
        world.compact()
        world.check()
        names = world.filesystem.list_directory("logs/orders-0")
        assert not [name for name in names if name.endswith((".cleaned", ".swap", ".deleted"))]
        if finished:
            return
    raise AssertionError("the pass never finished")


def test_recovery_of_a_swap_may_crash_anywhere() -> None:
    for step in range(0, 200, 3):
        crashes = 0
        for inner in range(40):
            world = World(5)
            for _ in range(20):
                world.write()
            world.finish()
            end = world.log.end_offset
            world.filesystem.faults.crash_before = world.filesystem.faults.operations + step
            try:
                world.compact()
                return
            except SimulatedCrash:
                world.filesystem.crash(random.Random(step), "tear")
            if not any(".log.swap" in name for name in world.filesystem.list_directory("logs/orders-0")):
                break
            world.filesystem.faults.crash_before = inner
            try:
                world.open(recovery_point=end, leader_epoch=2)
            except SimulatedCrash:
                crashes += 1
                world.filesystem.crash(random.Random(inner), "tear")
                world.open(recovery_point=end, leader_epoch=3)
                world.check()
                continue
            world.check()
            break
        assert crashes < 40


def test_a_failing_disk_before_the_swap_changes_nothing_and_in_it_gives_the_log_up() -> None:
    outcomes = []
    for step in range(200):
        world = World(3)
        for _ in range(20):
            world.write()
        world.finish()
        plan = plan_compaction(
            segment_facts(world.log), COMPACTED, first_dirty=0, stable_offset=world.log.last_stable_offset,
            now_ms=world.now_ms,
        )  # fmt: skip
        assert plan is not None
        number = world.filesystem.faults.operations + step
        world.filesystem.faults.hook = lambda *_: _fail_at(world.filesystem, number)
        try:
            drain(compact(world.log, plan, world.now_ms))
            break
        except Exception:
            world.filesystem.faults.hook = None
        if world.log.has_failed:
            outcomes.append("given up")
            world.filesystem.crash(random.Random(step), "keep")
            world.open(recovery_point=world.log.end_offset, leader_epoch=2)
        else:
            outcomes.append("goes on")
        world.check()
    assert 20 < len(outcomes) < 200 and set(outcomes) == {"given up", "goes on"}


def _fail_at(filesystem: MemoryFilesystem, number: int) -> None:
    if filesystem.faults.operations - 1 == number:
        raise OSError(5, "Input/output error")
