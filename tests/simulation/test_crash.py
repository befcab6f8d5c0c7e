"""A sample of ``tests.simulation.crash`` for every build.

The planted one-wave commit, which such crashes must find, is in ``tests/unit/broker_core``: our client waits for the
data's acknowledgement before it ends a transaction, so that only another client's requests can show it.
"""

from __future__ import annotations

import pytest

from broker_core.memory_filesystem import SimulatedCrash
from tests.simulation.crash import (
    COMMIT_STEPS,
    LINES,
    Outcome,
    build,
    crash_at_event,
    crash_at_operation,
    finish,
    new_world,
    nth,
    occurrence,
    outcome,
    restored_world,
    undisturbed,
)
from tests.simulation.world import World

SAMPLE_EVERY = 83


@pytest.fixture(scope="module")
def calm() -> dict[bool, tuple[Outcome, int]]:
    return {cache: undisturbed(cache=cache) for cache in (False, True)}


def test_the_run_is_worth_crashing(calm: dict[bool, tuple[Outcome, int]]) -> None:
    """Several commits, every word counted, enough disk operations to stop at."""
    expected, operations = calm[False]
    assert operations > 200
    assert sum(int(count) for count in expected.store.values()) == 72
    assert len(expected.shouted) == 24
    assert len(expected.counts) == 72


def test_loopback_gives_the_same(calm: dict[bool, tuple[Outcome, int]]) -> None:
    """Encoding and decoding every request changes nothing."""
    assert undisturbed(cache=False, loopback=True)[0] == calm[False][0]


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_power_loss_at_every_step_of_a_commit(
    calm: dict[bool, tuple[Outcome, int]], step: str, at: str, mode: str, cache: bool
) -> None:
    for number in (1, 2):
        crash_at_event(
            occurrence(step, at, number), mode, calm[cache][0], cache=cache, seed=number, label=f"{step} {at} #{number}"
        )  # type: ignore[arg-type]


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
@pytest.mark.parametrize("event", ["restore.started", "restore.batch", "restore.done"])
def test_power_loss_during_a_restore(calm: dict[bool, tuple[Outcome, int]], event: str, mode: str, cache: bool) -> None:
    before = restored_world(cache=cache, seed=1)
    heard = len(before.observer.events)
    crash_at_event(nth(event, 1), mode, calm[cache][0], cache=cache, seed=1, before=before, label=event)  # type: ignore[arg-type]
    assert event in [name for name, _ in before.observer.events[heard:]], "nothing was restored: the test shows nothing"


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("mode", ["drop", "tear"])
def test_power_loss_at_disk_operations(calm: dict[bool, tuple[Outcome, int]], mode: str, cache: bool) -> None:
    """A sample of them; all are walked by ``python -m tests.simulation.crash``."""
    expected, operations = calm[cache]
    for number in range(11, operations, SAMPLE_EVERY):
        crash_at_operation(number, mode, expected, cache=cache, seed=number)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["drop", "tear"])
def test_power_loss_during_recovery(calm: dict[bool, tuple[Outcome, int]], mode: str) -> None:
    """The machine fails again while it starts: at a sample of the disk operations of its second life."""
    for number in range(3, 120, 17):
        world = new_world(cache=False, seed=number)
        world.observer.crash_at = occurrence("end_transaction", "before", 1)
        with pytest.raises(SimulatedCrash):
            world.run()
        world.crash(mode)  # type: ignore[arg-type]
        world.disk.faults.crash_before = world.disk.faults.operations + number
        finish(world, mode, calm[False][0], f"operation {number} of the recovery")  # type: ignore[arg-type]


def at_least_once() -> World:
    settings = {"guarantee": "at_least_once"}
    world = World(build, cache=False, settings=settings)
    for start in range(0, len(LINES), 4):
        world.write("lines", LINES[start : start + 4])
    return world


def test_at_least_once_without_a_crash_is_once(calm: dict[bool, tuple[Outcome, int]]) -> None:
    world = at_least_once()
    world.run()
    assert outcome(world) == calm[False][0]


@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("step", ["flush_caches", "flush_producer", "commit_offsets", "apply"])
def test_at_least_once_loses_nothing(calm: dict[bool, tuple[Outcome, int]], step: str, at: str, mode: str) -> None:
    """After power loss every effect is there, some perhaps more than once."""
    expected = calm[False][0]
    world = at_least_once()
    world.observer.crash_at = occurrence(step, at, 1)
    with pytest.raises(SimulatedCrash):
        world.run()
    world.crash(mode)  # type: ignore[arg-type]
    world.run()
    got = outcome(world)
    assert set(got.shouted) >= set(expected.shouted)
    assert {key: int(count) for key, count in got.store.items()}.keys() == expected.store.keys()
    assert all(int(got.store[key]) >= int(count) for key, count in expected.store.items())
