"""One turn after the other: a worker starts, runs, commits when due, stops when asked, and fails for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from state.errors import CorruptState
from streams import App
from streams.errors import ProcessingError, StreamsError, TransactionAborted
from streams.runtime.lifecycle import WorkerState
from tests.unit.streams.runtime.machine import Machine, counting

LINES = [("k", "a b"), ("k", "b c")]


def states(machine: Machine) -> list[object]:
    return [fields["state"] for name, fields in machine.world.observer.events if name == "worker.state"]


def lost_once() -> Callable[[str, dict[str, object]], bool]:
    """The first transaction cannot be committed any more when its offsets are sent."""
    failed: list[bool] = []

    def lose(name: str, fields: dict[str, object]) -> bool:
        if name == "commit.step" and fields["step"] == "send_offsets" and not failed:
            failed.append(True)
            raise TransactionAborted(48, "timed out")
        return False

    return lose


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
    machine = Machine(lines=LINES, commit_interval_ms=50_000)
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
    machine.world.observer.crash_at = lost_once()
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    assert "worker.restarting" in machine.world.observer.names()
    assert [record.value for record in machine.world.read("shouted")] == [b"A B", b"B C"]


def test_a_transaction_that_can_never_be_committed_is_a_failure() -> None:
    """Starting again helps against bad luck, not against a record that the topic does not take."""

    def build(**settings: Any) -> App:
        app = App("huge", partitions=1, commit_interval_ms=5, **settings)
        app.stream("lines", key=str, value=str).map_values(lambda line: line * 2_000_000, value=str).to("out")
        return app

    machine = Machine(build, lines=[("k", "x")])
    worker = machine.worker()
    with pytest.raises(TransactionAborted, match="writing to out-0 was refused: MESSAGE_TOO_LARGE"):
        machine.turn(worker, lambda: worker.finished)
    assert worker.state is WorkerState.FAILED
    assert machine.world.observer.names().count("worker.restarting") == 3


def test_an_open_file_that_was_fed_is_not_skipped_after_a_restart() -> None:
    """A lost transaction takes its records with it, and a source that gives them once cannot give them again."""

    def build(**settings: Any) -> App:
        app = App("fed", partitions=1, commit_interval_ms=5, **settings)
        app.feed("lines", iter(["a", "b", "c"]), value=str)
        app.stream("lines", key=str, value=str).to("out")
        return app

    machine = Machine(build)
    worker = machine.worker()
    machine.world.observer.crash_at = lost_once()
    with pytest.raises(StreamsError, match="has given 3 items, of which 0 are committed"):
        machine.turn(worker, lambda: worker.finished)


@pytest.mark.parametrize("cache", [False, True])
def test_a_restart_leaves_nothing_of_the_life_before(cache: bool) -> None:
    machine = Machine(lines=LINES)
    worker = machine.worker(cache=cache)
    machine.world.observer.crash_at = lost_once()
    machine.turn(worker, lambda: "worker.restarting" in machine.world.observer.names())
    machine.turn(worker, lambda: worker.totals.commits)
    assert len(machine.client._cores) == 2, "one producer and one consumer"
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    assert machine.world.store("counts") == {b"a": b"1", b"b": b"2", b"c": b"1"}


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
