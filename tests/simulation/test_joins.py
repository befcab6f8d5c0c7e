"""Tables, joins and windows on a machine that is stopped: the result is that of the undisturbed run.

The application and its input are ``joins_app``; every crash is walked by ``python -m tests.simulation.crash --app
joins``, here is a sample. What is late is known after a start from what was committed alone: the input has records
that are older than all that follow a crash.
"""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.memory_filesystem import CrashMode
from streams.runtime.embedded import EmbeddedBroker
from tests.simulation import joins_app
from tests.simulation.crash import (
    COMMIT_STEPS,
    JOINS,
    build_joins,
    crash_at_event,
    crash_at_operation,
    joins_outcome,
    nth,
    occurrence,
    restored_world,
    undisturbed,
    write_joins_input,
)
from tests.simulation.test_random_lives import Lives, Others
from tests.simulation.world import World

SAMPLE_EVERY = 397
SEEDS = 8


@pytest.fixture(scope="module")
def calm() -> dict[bool, tuple[dict[str, Any], int]]:
    return {cache: undisturbed(cache=cache, case=JOINS) for cache in (False, True)}


def test_the_run_is_worth_crashing(calm: dict[bool, tuple[dict[str, Any], int]]) -> None:
    """Every output has records, every store rows, and some records are late for every kind of window."""
    expected, operations = calm[False]
    assert operations > 1_000
    assert all(expected.values()), [name for name, found in expected.items() if not found]
    world = JOINS.new_world(cache=False)
    late = world.run().metrics().late
    assert set(late) == set(joins_app.WINDOW_STORES)
    assert world.observer.names().count("commit.done") > 8


def test_with_the_cache_the_last_values_are_the_same(calm: dict[bool, tuple[dict[str, Any], int]]) -> None:
    without, cached = calm[False][0], calm[True][0]
    for topic in joins_app.CACHED:
        assert cached[topic] == {key: value for row in without[topic].values() for key, value, *_ in row}, topic
    same = (*joins_app.IN_ORDER, *(name for name in without if name.endswith("store")))
    assert {name: cached[name] for name in same} == {name: without[name] for name in same}


@pytest.mark.parametrize("cache", [False, True], ids=["cache off", "cache on"])
@pytest.mark.parametrize("mode", ["drop", "tear"])
@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_power_loss_at_every_step_of_a_commit(
    calm: dict[bool, tuple[dict[str, Any], int]], step: str, at: str, mode: CrashMode, cache: bool
) -> None:
    number = 2 + COMMIT_STEPS.index(step) * 2 + (at == "after")  # another commit for every step
    label = f"{step} {at} #{number}"
    happens = occurrence(step, at, number)
    crash_at_event(happens, mode, calm[cache][0], cache=cache, seed=number, label=label, case=JOINS)


@pytest.mark.parametrize("cache", [False, True], ids=["cache off", "cache on"])
@pytest.mark.parametrize("event", ["restore.started", "restore.batch", "restore.done"])
def test_power_loss_during_a_restore(calm: dict[bool, tuple[dict[str, Any], int]], event: str, cache: bool) -> None:
    before = restored_world(cache=cache, seed=1, case=JOINS)
    heard = len(before.observer.events)
    expected = calm[cache][0]
    crash_at_event(nth(event, 1), "drop", expected, cache=cache, seed=1, before=before, label=event, case=JOINS)
    assert event in [name for name, _ in before.observer.events[heard:]], "nothing was restored: the test shows nothing"


@pytest.mark.parametrize("cache", [False, True], ids=["cache off", "cache on"])
@pytest.mark.parametrize("mode", ["drop", "tear"])
def test_power_loss_at_disk_operations(
    calm: dict[bool, tuple[dict[str, Any], int]], mode: CrashMode, cache: bool
) -> None:
    expected, operations = calm[cache]
    for number in range(23, operations, SAMPLE_EVERY):
        crash_at_operation(number, mode, expected, cache=cache, seed=number, case=JOINS)


class NobodyElse(Others):
    """Nobody writes beside the application: what meets what in a join would depend on the moment."""

    def __init__(self) -> None:
        pass

    def write(self) -> None:
        pass

    def poll(self) -> None:
        pass


class JoinedLives(Lives):
    """Random lives of the application with joins, over an input that is on the log before the first one."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        settings = {**self.plan.settings, "buffered_records": self.draw.choice((1, 3, 1_000))}
        self.world = World(build_joins, settings=settings, cache=self.plan.cache, seed=seed)
        write_joins_input(self.world)

    def others(self, embedded: EmbeddedBroker) -> Others:
        return NobodyElse()

    def check(self) -> None:
        quiet = {"partitions": self.plan.settings["partitions"]}
        calm = World(build_joins, settings=quiet, cache=self.plan.cache)
        write_joins_input(calm)
        calm.run()
        expected, got = joins_outcome(calm), joins_outcome(self.world)
        assert got == expected, joins_app.difference(expected, got)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_lives(seed: int) -> None:
    """Settings, batch sizes and what ended the lives change nothing."""
    lives = JoinedLives(seed)
    try:
        lives.run()
    except BaseException as error:
        error.add_note(f"seed {seed}: {lives.plan}; {lives.told}")
        raise
