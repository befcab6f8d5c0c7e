"""Activities wait without blocking, keep their order, and bring errors to whoever drives them."""

from __future__ import annotations

import pytest

from streams.client.pending import Pending
from streams.runtime.activity import Activity, Running, wait, wait_all


def test_runs_on_only_when_what_it_waits_for_is_done() -> None:
    first: Pending[int] = Pending()
    second: Pending[int] = Pending()

    def add() -> Activity[int]:
        a = yield from wait(first)
        b = yield from wait(second)
        return a + b

    running = Running(add())
    running.advance()
    second.resolve(2)
    assert running.advance() is False
    first.resolve(1)
    assert running.advance() is True
    assert running.done
    assert running.result() == 3


def test_a_settled_result_costs_no_turn() -> None:
    running = Running(wait_all([Pending.of(1), Pending.of(2)]))
    running.advance()
    assert running.result() == [1, 2]


def test_none_means_after_the_next_poll() -> None:
    def twice() -> Activity[str]:
        yield None
        yield None
        return "done"

    running = Running(twice())
    assert [running.advance(), running.advance(), running.advance()] == [False, False, True]
    assert running.result() == "done"


def test_errors_reach_the_activity_and_then_the_driver() -> None:
    failed: Pending[int] = Pending()
    failed.fail(ValueError("no"))
    cleaned = []

    def work() -> Activity[int]:
        try:
            return (yield from wait(failed))
        finally:
            cleaned.append(True)

    with pytest.raises(ValueError, match="no"):
        Running(work()).advance()
    assert cleaned == [True]


def test_closing_runs_the_clean_up() -> None:
    cleaned = []

    def work() -> Activity[None]:
        try:
            yield None
        finally:
            cleaned.append(True)

    running = Running(work())
    running.advance()
    running.close()
    assert cleaned == [True]
