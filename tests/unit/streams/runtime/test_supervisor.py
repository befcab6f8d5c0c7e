"""The shell around a worker: signals, other threads' calls, and what is left after a failure."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker_core.errors import DataDirectoryError
from streams import App
from streams.client.client import Client
from streams.errors import ConfigError, ProcessingError, StreamsError
from streams.runtime.activity import Activity, wait
from streams.runtime.connection import connect
from streams.runtime.run import run_app
from streams.runtime.supervisor import Supervisor, complete, stop_on_signals


class When:
    """Observer that acts once, at a state of the worker."""

    def __init__(self, state: str, action: Callable[[], object]) -> None:
        self._state, self._action = state, action
        self.done = False

    def event(self, name: str, **fields: object) -> None:
        if name == "worker.state" and fields["state"] == self._state and not self.done:
            self.done = True
            self._action()


def application(path: Path, function: Callable[[str], str] = str.upper) -> App:
    app = App("shell", data_dir=path, partitions=1)
    app.feed("in", ["a", "b"], value=str)
    app.stream("in", key=str, value=str).map_values(function, value=str).to("out")
    return app


def supervisor(app: App, **options: Any) -> Supervisor:
    return Supervisor(app.topology(), app.config(), app.feeds, **options)


def topics(client: Client) -> Activity[list[str]]:
    found = yield from wait(client.admin.list_topics())
    return sorted(name for name in found if not name.startswith("__"))


def test_it_runs_to_the_end_and_is_done(tmp_path: Path) -> None:
    runner = supervisor(application(tmp_path))
    assert runner.run(until_end=True).state == "stopped"
    assert runner.worker is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_handlers_are_put_back(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    runner = supervisor(application(tmp_path), observer=When("running", lambda: os.kill(os.getpid(), number)))
    with stop_on_signals(runner):
        assert runner.run(until_end=False).state == "stopped"
        assert signal.getsignal(number) is signal.SIG_DFL, "a second one would end the process"
    assert signal.getsignal(number) is before


def test_in_another_thread_signals_are_left_alone(tmp_path: Path) -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with stop_on_signals(supervisor(application(tmp_path))):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_another_threads_call_is_answered_while_it_runs(tmp_path: Path) -> None:
    found: list[Any] = []

    def start() -> None:
        thread.start()

    runner = supervisor(application(tmp_path), observer=When("running", start))

    def ask() -> None:
        found.append(runner.call(topics))
        try:
            runner.call(failing)
        except Exception as error:
            found.append(error)
        runner.stop()

    thread = threading.Thread(target=ask)
    runner.run(until_end=False)
    thread.join()
    assert found[0] == ["in", "out"]
    assert isinstance(found[1], ZeroDivisionError)


def failing(client: Client) -> Activity[None]:
    raise ZeroDivisionError
    yield


def test_a_call_from_its_own_thread_or_after_the_end_is_refused(tmp_path: Path) -> None:
    refused: list[Exception] = []

    def ask() -> None:
        with pytest.raises(StreamsError, match="a function of the topology cannot send, read or ask") as error:
            runner.call(topics)
        refused.append(error.value)

    runner = supervisor(application(tmp_path), observer=When("running", ask))
    runner.run(until_end=True)
    assert refused
    after: list[Any] = []

    def late() -> None:
        try:
            runner.call(topics)
        except StreamsError as error:
            after.append(str(error))

    thread = threading.Thread(target=late)
    thread.start()
    thread.join()
    assert after == ["the application has stopped"]


def test_after_a_failure_everything_is_closed_and_the_failure_comes_out(tmp_path: Path) -> None:
    def fail(line: str) -> str:
        raise RuntimeError("not today")

    with pytest.raises(ProcessingError, match="not today"):
        supervisor(application(tmp_path, fail)).run(until_end=True)
    assert supervisor(application(tmp_path)).run(until_end=True).records_processed == 2


def test_what_the_topology_may_not_do_is_found_before_state_is_opened(tmp_path: Path) -> None:
    supervisor(application(tmp_path)).run(until_end=True)
    other = App("other", data_dir=tmp_path)
    other.stream("in", key=str, value=str).to("out")
    with pytest.raises(ConfigError, match="belongs to application 'shell'"):
        supervisor(other).run(until_end=True)
    with connect(application(tmp_path).config()):
        with pytest.raises(DataDirectoryError, match="in use"):
            supervisor(application(tmp_path)).run(until_end=True)


def test_complete_gives_up_after_its_time(tmp_path: Path) -> None:
    def forever(client: Client) -> Activity[None]:
        while True:
            yield None

    with connect(application(tmp_path).config()) as client:
        assert complete(client, topics(client)) == []
        with pytest.raises(ConfigError, match="no answer from the broker within 0 s"):
            complete(client, forever(client), timeout_ms=0)


def test_state_in_memory_leaves_no_database_and_is_restored(tmp_path: Path) -> None:
    """A second run counts on from the changelog, though nothing of the first one's state is on disk."""
    for run in (1, 2):
        app = App("memory", data_dir=tmp_path, state_backend="memory")
        app.stream("lines", key=str, value=str).group_by_key().count(store="counts").to_stream().to("counts")
        app.feed("lines", [("a", "x")] * run, keyed=True)
        run_app(app, until_end=True, quiet=True)
        assert not (tmp_path / "state").exists()
    assert [record.value for record in app.read("counts")] == [1, 2]
