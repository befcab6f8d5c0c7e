"""Numbers of a worker, with and without tasks."""

from __future__ import annotations

from streams.codegen.counters import DropCounters
from streams.runtime.metrics import Totals, snapshot
from tests.unit.streams.runtime.machine import Machine


def test_before_the_start_there_are_totals_only() -> None:
    counters = DropCounters()
    counters.counts["count", "null key"] = 2
    counters.counts["count", "late"] = 3
    counters.counts["parse", "skipped"] = 4
    counters.counts["parse", "dead letter"] = 5
    metrics = snapshot("starting", Totals(processed=3, fed=4, commits=5, last_commit_ms=6), None, counters)
    assert (metrics.state, metrics.lag, metrics.state_rows, metrics.state_bytes) == ("starting", 0, 0, 0)
    assert (metrics.records_processed, metrics.records_fed, metrics.commits, metrics.last_commit_ms) == (3, 4, 5, 6)
    assert metrics.dropped == {"count: null key": 2}
    assert (metrics.late, metrics.skipped, metrics.dead_lettered) == ({"count": 3}, {"parse": 4}, {"parse": 5})


def test_while_tasks_run_lag_and_rows_are_counted() -> None:
    machine = Machine(lines=[("k", "a b c"), (None, "a")])
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.metrics().state_rows == 3)
    assert worker.metrics().state_bytes > 0
    machine.turn(worker, lambda: worker.metrics().lag == 0)
