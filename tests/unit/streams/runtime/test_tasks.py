"""A running task carries its own changelog positions."""

from __future__ import annotations

from tests.unit.streams.runtime.machine import Machine


def test_positions_are_each_tasks_own() -> None:
    machine = Machine(lines=[("k", "a b")])
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.commits > 1)
    positions = {str(running.plan.id): running.changelog_next for running in worker.tasks}
    assert positions.keys() == {"0_0", "0_1", "1_0", "1_1"}
    assert positions["0_0"] == {} == positions["0_1"]
    assert positions["1_0"] is not positions["1_1"]
    assert sum(running["words-counts-changelog"] for running in (positions["1_0"], positions["1_1"])) >= 2
