"""Input on its way to the tasks: bounded buffers, lag, and where the end is."""

from __future__ import annotations

from tests.unit.streams.runtime.machine import Machine

LINES = [("k", f"line {index}") for index in range(400)]


def test_a_full_buffer_pauses_its_partition_until_half_is_processed() -> None:
    machine = Machine(lines=LINES, buffered_records=20, fetch_max_bytes=300, partitions=1)
    worker = machine.worker()
    most = 0

    def finished() -> bool:
        nonlocal most
        most = max([most, *(running.task.buffered(tp) for running in worker.tasks for tp in running.plan.inputs)])
        return worker.finished

    machine.turn(worker, finished)
    assert worker.metrics().records_processed == 400 + 800
    assert most <= 20 + 400, "one batch above the limit at most"


def test_lag_falls_to_nothing() -> None:
    machine = Machine(lines=LINES, partitions=1, commit_interval_ms=50_000)
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.processed)
    machine.turn(worker, lambda: worker.metrics().lag == 0)
    assert worker.totals.processed >= 400


def test_the_end_includes_what_is_fed_back_through_internal_topics() -> None:
    machine = Machine(lines=LINES[:5])
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    assert worker.metrics().records_processed == 5 + 10


def test_an_empty_topic_ends_at_once() -> None:
    machine = Machine()
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished, most=200)
    assert worker.metrics().records_processed == 0
