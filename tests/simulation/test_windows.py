"""Windows, grace and late records on a machine that loses power: late before a crash is late after it.

Nothing in the input after a crash says how far the stream time was: the records that follow are older. Only what was
committed with the offsets can tell that they are late.
"""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.memory_filesystem import CrashMode, SimulatedCrash
from state.keys import window_start
from streams import App, hopping, tumbling
from tests.simulation.crash import COMMIT_STEPS, occurrence
from tests.simulation.world import START_MS, World

SETTINGS = {"partitions": 1, "commit_interval_ms": 6, "state_flush_records": 8, "fetch_max_bytes": 300}
TIMES = [0, 30, 12, 55, 8, 31, 54, 90, 20, 61, 44, 120, 10, 119, 85, 7, 121, 3, 95, 150, 11, 149]
"""Milliseconds after the start; about every third record is late for some window."""


def build(**settings: Any) -> App:
    app = App("simulated", **{**SETTINGS, **settings})
    grouped = app.stream("lines", key=str, value=str).group_by_key()
    grouped.windowed_by(hopping("40ms", advance="20ms", grace="10ms")).count(store="hops").to_stream().to("hops")
    texts = grouped.windowed_by(tumbling("40ms", grace="10ms")).reduce(lambda left, right: left + right, store="texts")
    texts.to_stream().to("texts")
    return app


def new_world(*, cache: bool, seed: int = 0) -> World:
    world = World(build, cache=cache, seed=seed)
    for start in range(0, len(TIMES), 3):
        part = TIMES[start : start + 3]
        rows = [(f"k{index % 2}", chr(97 + index)) for index in range(start, start + len(part))]
        world.write("lines", rows, [START_MS + time for time in part])
    return world


def outcome(world: World) -> dict[str, Any]:
    """Record by record with the cache off; with it on, the last value per key and window. And the open windows."""
    found: dict[str, Any] = {}
    for topic in ("hops", "texts"):
        rows = [(record.key, record.value, record.timestamp) for record in world.read(topic)]
        found[topic] = {key: (value, time) for key, value, time in rows} if world.cache else rows
        kept = {key: value for key, value in world.store(topic).items() if window_start(key) > START_MS + 150 - 50}
        found[f"{topic} store"] = kept
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["cache off", "cache on"])
def calm(request: Any) -> tuple[bool, dict[str, Any]]:
    world = new_world(cache=request.param)
    worker = world.run()
    assert worker.metrics().late, "no record was late: the test shows nothing"
    return request.param, outcome(world)


@pytest.mark.parametrize("mode", ["drop", "tear"])
@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_power_loss_at_every_step_of_a_commit(
    calm: tuple[bool, dict[str, Any]], step: str, at: str, mode: CrashMode
) -> None:
    cache, expected = calm
    for number in (1, 2, 3):
        world = new_world(cache=cache, seed=number)
        world.observer.crash_at = occurrence(step, at, number)
        crashed = False
        try:
            world.run()
        except SimulatedCrash:
            crashed = True
            world.crash(mode)
            world.run()
        world.disk.faults.crash_before = None
        assert crashed or number > 1, "never got there"
        assert outcome(world) == expected, f"{step} {at} #{number}, disk {mode}"


def test_a_run_may_end_and_the_next_one_still_knows_what_is_late(calm: tuple[bool, dict[str, Any]]) -> None:
    """Stopped in order, local state thrown away: stream time comes from the log, rows from the changelog."""
    cache, _ = calm
    world = World(build, cache=cache)
    world.write("lines", [("k", "a")], [START_MS + 150])
    world.run()
    for task in world.state.tasks():
        world.state.remove_task(task)
    world.write("lines", [("k", "b"), ("k", "c")], [START_MS + 20, START_MS + 145])
    world.run()
    assert [(record.value, window_start(record.key or b"") - START_MS) for record in world.read("texts")] == [
        (b"a", 120), (b"ac", 120),
    ]  # fmt: skip
