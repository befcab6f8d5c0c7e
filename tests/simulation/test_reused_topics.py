"""A table that restores from its input: power loss at each step of a commit and of a restore, and the switch turned."""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.memory_filesystem import SimulatedCrash
from streams import App, skip
from tests.simulation.crash import COMMIT_STEPS, nth, occurrence
from tests.simulation.world import World

USERS = [
    ("ann", "rome"), ("bob", "oslo"), ("ann", "rome"), ("eve", "rome"), ("bob", None), ("ann", "oslo"), ("bob", "rome"),
    ("joe", "oslo"), ("eve", None), ("joe", "paris"), ("ann", "paris"), ("eve", "oslo"),
]  # fmt: skip
SETTINGS = {"partitions": 1, "commit_interval_ms": 3, "state_flush_records": 2, "fetch_max_bytes": 150}


def build(**settings: Any) -> App:
    app = App("reused", **{**SETTINGS, "reuse_source_topics": True, **settings})
    users = app.table("users", key=str, value=str, store="users-rows")
    users.to_stream().to("changes")
    users.group_by(lambda town: (town, town), key=str, value=str).count(store="per-town").to_stream().to("towns")
    return app


def new_world(**settings: Any) -> World:
    world = World(build, settings=settings)
    world.run()  # makes the topics
    for start in range(0, len(USERS), 2):
        world.write("users", USERS[start : start + 2])
    return world


def outcome(world: World) -> Any:
    """A store that was ahead of its input would give its groups' subtractors wrong old values."""
    written = {topic: [(record.key, record.value) for record in world.read(topic)] for topic in ("changes", "towns")}
    return written, {name: world.store(name) for name in ("users-rows", "per-town")}


def undisturbed(**settings: Any) -> Any:
    world = new_world(**settings)
    world.run()
    return outcome(world)


@pytest.fixture(scope="module")
def calm() -> Any:
    return undisturbed()


def test_the_undisturbed_run_is_that_of_a_table_with_a_changelog(calm: Any) -> None:
    assert calm == undisturbed(reuse_source_topics=False)
    assert calm[1]["users-rows"] == {b"ann": b"paris", b"bob": b"rome", b"eve": b"oslo", b"joe": b"paris"}
    assert calm[1]["per-town"] == {b"paris": b"2", b"rome": b"1", b"oslo": b"1"}


@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_power_loss_at_every_step_of_a_commit(calm: Any, step: str, at: str, mode: Any) -> None:
    for number in (1, 2, 3):
        world = new_world()
        world.observer.crash_at = occurrence(step, at, number)
        with pytest.raises(SimulatedCrash):
            world.run()
        world.crash(mode)
        world.run()
        assert outcome(world) == calm, f"{step} {at} #{number}"


@pytest.mark.parametrize("mode", ["drop", "keep"])
@pytest.mark.parametrize("event", ["restore.started", "restore.batch", "restore.done"])
def test_power_loss_during_a_restore_that_ends_at_the_committed_offset(calm: Any, event: str, mode: Any) -> None:
    world = lost_in_the_middle()
    heard = len(world.observer.events)
    world.observer.crash_at = nth(event, 1)
    with pytest.raises(SimulatedCrash):
        world.run()
    world.crash(mode)
    world.run()
    plans = [
        fields for name, fields in world.observer.events[heard:]
        if name == "restore.started" and fields["store"] == "users-rows"
    ]  # fmt: skip
    assert 0 < int(str(plans[0]["to_offset"])) < len(USERS), "committed in the middle, or the test shows nothing"
    assert outcome(world) == calm


def lost_in_the_middle() -> World:
    """Some of the input is committed, and all local state is gone."""
    world = new_world()
    world.observer.crash_at = nth("commit.done", 1)
    with pytest.raises(SimulatedCrash):
        world.run()
    world.crash("drop")
    world.state.crash(dict.fromkeys(world.state.tasks(), 0))
    for task in world.state.tasks():
        world.state.remove_task(task)
    return world


@pytest.mark.parametrize("loses_state", [False, True])
def test_switched_on_between_two_runs(calm: Any, loses_state: bool) -> None:
    """The rows come from the input, those that the store had go: a deletion may have left no trace in the topic."""
    world = new_world(reuse_source_topics=False)
    world.observer.crash_at = nth("commit.done", 1)
    with pytest.raises(SimulatedCrash):
        world.run()
    world.crash("drop")
    if loses_state:
        for task in world.state.tasks():
            world.state.remove_task(task)
    world.settings["reuse_source_topics"] = True
    heard = len(world.observer.events)
    world.run()
    assert outcome(world) == calm
    wiped = {
        str(fields["store"]): fields["reason"]
        for name, fields in world.observer.events[heard:]
        if name == "restore.started" and fields["wipe"]
    }
    assert wiped == ({} if loses_state else {"users-rows": "it had a changelog before"})


def test_what_was_skipped_is_not_there_after_a_restore() -> None:
    """A source that skips records has a changelog, switch or no switch."""

    def skipping(**settings: Any) -> App:
        app = App("reused", **{**SETTINGS, "reuse_source_topics": True, **settings}, on_error=skip)
        app.table("users", key=str, value=int, store="users-rows").map_values(lambda age: age + 1).to_stream().to("n")
        return app

    world = World(skipping)
    world.run()
    world.write("users", [("ann", "1"), ("bob", "two"), ("eve", "3"), ("ann", "one")])
    world.run()
    kept = {b"ann": b"1", b"eve": b"3"}
    assert world.store("users-rows") == kept
    for task in world.state.tasks():
        world.state.remove_task(task)
    world.run()
    assert world.store("users-rows") == kept
