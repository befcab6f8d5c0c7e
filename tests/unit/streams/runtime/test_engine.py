"""The data path between two commits: what a turn does, and what it leaves for later."""

from __future__ import annotations

from streams import App
from streams.runtime.engine import PROCESS_BUDGET_RECORDS, Turn
from tests.unit.streams.runtime.machine import Machine


def test_what_counts_as_moved_and_as_dirty() -> None:
    assert not Turn(False, 0, 0).moved
    assert Turn(True, 0, 0).moved
    assert not Turn(True, 0, 0).made_dirty
    assert Turn(False, 1, 0).made_dirty
    assert Turn(False, 0, 1).made_dirty


def test_a_turn_takes_a_bounded_number_of_records() -> None:
    lines = [("k", "a")] * (PROCESS_BUDGET_RECORDS + 1_000)
    machine = Machine(lines=lines, partitions=1, commit_interval_ms=50_000)
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.processed)
    assert worker.totals.processed <= 2 * PROCESS_BUDGET_RECORDS
    machine.turn(worker, lambda: worker.totals.processed >= len(lines))


def test_staged_writes_force_an_early_commit() -> None:
    def build(**settings: object) -> App:
        app = App("staging", partitions=1, commit_interval_ms=50_000, **settings)  # type: ignore[arg-type]
        app.stream("lines", key=str, value=str).group_by_key().count(store="counts")
        return app

    machine = Machine(build, lines=[("k", "a")] * 50, staging_max_bytes=1)
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.commits)
    assert worker.totals.processed


def test_topics_that_a_function_names_are_made_on_the_way() -> None:
    """Their partition counts are looked up first; meanwhile no turn is taken, and no record overtakes another."""

    def build(**settings: object) -> App:
        app = App("routing", partitions=3, **settings)  # type: ignore[arg-type]
        app.stream("lines", key=str, value=str).to(lambda line: f"to-{line[0]}")
        return app

    machine = Machine(build, lines=[("k", "a1"), ("k", "b1"), ("k", "a2")])
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    assert [record.value for record in machine.world.read("to-a")] == [b"a1", b"a2"]
    assert [record.value for record in machine.world.read("to-b")] == [b"b1"]


def test_feeding_waits_for_the_tasks() -> None:
    """A feed is not read to its end while the tasks are far behind."""
    taken: list[int] = []

    def source(position: object) -> object:
        for index in range(500_000):
            taken.append(index)
            yield "a"

    def build(**settings: object) -> App:
        app = App("fed", partitions=1, commit_interval_ms=50_000, **settings)  # type: ignore[arg-type]
        app.feed("lines", source, value=str)  # type: ignore[arg-type]
        app.stream("lines", key=str, value=str).to("out")
        return app

    machine = Machine(build)
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.fed >= 10_000)
    assert len(taken) < 500_000
