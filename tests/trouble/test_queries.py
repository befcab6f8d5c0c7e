"""Queries at the wrong time or of what is not there: told at once, and nothing hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams import App
from streams.errors import SerdeError, StreamsError, TopologyError
from streams.runtime.run import run_app
from tests.trouble.kit import counting, counts, run, send_lines


class At:
    """Observer that calls a function once, at an event of a worker."""

    def __init__(self, name: str, action: Callable[[], object], **fields: object) -> None:
        self._name, self._fields, self._action = name, fields, action
        self.result: object = None

    def event(self, name: str, **fields: object) -> None:
        if self.result is None and name == self._name and self._fields.items() <= fields.items():
            self.result = self._action()


def in_a_thread(action: Callable[[], Any]) -> Any:
    """What another thread gets, or the exception it meets."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(action())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "it hangs"
    return found[0]


@pytest.fixture
def app(tmp_path: Path) -> App:
    made = counting(tmp_path)
    send_lines(made, "a b", "b")
    return made


def test_an_unknown_store(app: App) -> None:
    with pytest.raises(TopologyError, match="application 'words' has no store 'count'; its stores: counts"):
        app.query("count")
    table_of_none: Any = None
    with pytest.raises(TopologyError, match="has no store None; its stores: counts"):
        app.query(table_of_none)
    empty = App("empty")
    empty.stream("a", key=str, value=str).to("b")
    with pytest.raises(
        TopologyError, match=r"has no store 'x'; its stores: none; aggregations and table\(store='\.\.\.'\) make one"
    ):
        empty.query("x")


def test_before_the_first_run(app: App) -> None:
    with pytest.raises(StreamsError, match=r"store 'counts' has no local state in .*state; run the application first"):
        app.query("counts")
    run(app)
    assert counts(app) == {"a": 1, "b": 2}


@pytest.mark.parametrize("state", ["starting", "stopping"])
def test_while_the_application_starts_or_stops(app: App, state: str) -> None:
    """From another thread: an error that says to try again, not a wait; afterwards the same object answers."""
    store: list[Any] = []

    def query() -> Any:
        store.append(app.query("counts"))
        return store[0].get("b")

    observer = At("worker.state", lambda: in_a_thread(query), state=state)
    run_app(app, until_end=True, quiet=True, observer=observer)
    if state == "starting":
        assert isinstance(observer.result, StreamsError)
        assert "store 'counts' is not open: the application is starting, restoring or has stopped" in str(
            observer.result
        )
    else:
        assert observer.result == 2
    with pytest.raises(StreamsError, match="not open"):
        store[0].get("b")


def test_during_a_run_only_commits_are_seen(app: App) -> None:
    observer = At("commit.step", lambda: in_a_thread(lambda: app.query("counts").get("b", 0)), step="apply", at="after")
    before = At("commit.step", lambda: in_a_thread(lambda: app.query("counts").get("b", 0)), step="apply", at="before")

    class Both:
        def event(self, name: str, **fields: object) -> None:
            before.event(name, **fields)
            observer.event(name, **fields)

    run_app(app, until_end=True, quiet=True, observer=Both())
    assert (before.result, counts(app)["b"]) == (0, 2)


def test_a_function_of_the_topology_cannot_ask_its_own_worker(tmp_path: Path) -> None:
    """It would wait for itself: told at once, as that record's failure."""
    asking = App("asking", data_dir=tmp_path / "data", partitions=1)

    def ask(line: str) -> str:
        asking.send("elsewhere", "k", line)
        return line

    asking.stream("lines", key=str, value=str).map_values(ask, value=str).to("out")
    asking.send("lines", "k", "a")
    with pytest.raises(
        StreamsError, match=r"cannot send, read or ask the log for anything: .*\(.to\), or use another thr"
    ):
        run(asking)


def test_a_call_from_another_thread_ends_with_the_application(app: App) -> None:
    """Whoever waits for an answer is told when there will be none."""
    told: list[Any] = []

    def late() -> None:
        running = app.running
        assert running is not None
        told.append(running)

    run_app(app, until_end=True, quiet=True, observer=At("worker.state", late, state="running"))
    result = in_a_thread(lambda: told[0].call(lambda client: iter(())))
    assert isinstance(result, StreamsError)
    assert "has stopped" in str(result)


def test_keys_that_do_not_fit_or_do_not_sort(app: App) -> None:
    run(app)
    store: Any
    with app.query("counts") as store:
        with pytest.raises((SerdeError, TypeError, AttributeError)):
            store.get(7)
        with pytest.raises(KeyError):
            store["nobody"]
        assert store.get("nobody", 0) == 0
        assert list(store.range("a", "a")) == [("a", 1)]
