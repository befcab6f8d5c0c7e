"""One turn after the other: a worker starts, runs, commits when due, stops when asked, and fails for good."""

from __future__ import annotations

import pytest

from state.errors import CorruptState
from streams import App
from streams.errors import ProcessingError, TransactionAborted
from streams.runtime.lifecycle import WorkerState
from tests.unit.streams.runtime.machine import Machine, counting

LINES = [("k", "a b"), ("k", "b c")]


def states(machine: Machine) -> list[object]:
    return [fields["state"] for name, fields in machine.world.observer.events if name == "worker.state"]


def test_a_whole_life() -> None:
    machine = Machine(lines=LINES)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    assert worker.state is WorkerState.STOPPED
    assert worker.metrics().records_processed == 2 + 4
    assert states(machine)[:2] == ["starting", "running"]
    assert states(machine)[-2:] == ["stopping", "stopped"]
    machine.close()
    assert machine.world.store("counts").keys() == {b"a", b"b", b"c"}


def test_a_commit_is_due_after_its_interval() -> None:
    machine = Machine(lines=LINES, commit_interval_ms=1_000)
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.processed)
    began = machine.world.now_ms
    assert worker.next_deadline() is not None
    machine.turn(worker, lambda: worker.totals.commits)
    assert 900 <= machine.world.now_ms - began <= 1_050
    machine.close()


def test_a_stop_commits_what_was_done_and_closes_state() -> None:
    machine = Machine(lines=LINES, commit_interval_ms=100_000)
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.totals.processed)
    worker.request_stop()
    machine.turn(worker, lambda: worker.finished)
    assert (worker.state, worker.totals.commits, worker.tasks) == (WorkerState.STOPPED, 1, ())
    machine.close()
    assert [record.value for record in machine.world.read("shouted")] == [b"A B", b"B C"]


def test_a_stop_before_the_start_is_over() -> None:
    machine = Machine(lines=LINES)
    worker = machine.worker()
    worker.run_once(machine.world.now_ms)
    worker.request_stop()
    machine.turn(worker, lambda: worker.finished, most=3)
    assert (worker.state, worker.totals.processed) == (WorkerState.STOPPED, 0)


def test_a_failure_is_final_and_aborted() -> None:
    def build(**settings: object) -> App:
        app = App("failing", partitions=1, **settings)  # type: ignore[arg-type]
        app.stream("lines", key=str, value=str).map_values(int, value=int).to("out")
        return app

    machine = Machine(build, lines=[("k", "1"), ("k", "no number")])
    worker = machine.worker()
    with pytest.raises(ProcessingError, match="no number"):
        machine.turn(worker, lambda: worker.finished)
    assert worker.state is WorkerState.FAILED
    machine.do(worker.abort())
    worker.close()
    machine.close()
    assert machine.world.read("out") == []


def test_a_lost_transaction_is_started_again() -> None:
    """The transaction is of no use any more, the identity is: everything since the last commit is done again."""
    machine = Machine(lines=LINES)
    worker = machine.worker()
    failed: list[bool] = []

    def lose(name: str, fields: dict[str, object]) -> bool:
        if name == "commit.step" and fields["step"] == "send_offsets" and not failed:
            failed.append(True)
            raise TransactionAborted(48, "timed out")
        return False

    machine.world.observer.crash_at = lose
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    assert "worker.restarting" in machine.world.observer.names()
    assert [record.value for record in machine.world.read("shouted")] == [b"A B", b"B C"]


def test_a_corrupt_database_of_nobody_is_a_failure() -> None:
    """Memory cannot set anything aside, so the error comes out."""
    machine = Machine(lines=LINES)
    worker = machine.worker()

    def rot(name: str, fields: dict[str, object]) -> bool:
        if name == "commit.step":
            raise CorruptState("rotten")
        return False

    machine.world.observer.crash_at = rot
    with pytest.raises(CorruptState, match="rotten"):
        machine.turn(worker, lambda: worker.finished)
    assert worker.state is WorkerState.FAILED


def test_close_in_the_middle_gives_up() -> None:
    machine = Machine(lines=LINES)
    worker = machine.worker()
    worker.run_once(machine.world.now_ms)
    worker.close()
    assert (worker.state, worker.tasks) == (WorkerState.FAILED, ())
    machine.close()
    assert counting().id == machine.app.id
