"""The shell around a worker: the clock, the signals, the live line, and the other threads' calls.

Everything that decides is in ``worker``; this module only turns it round and waits. One thread (the caller of ``run``)
owns broker, client and worker; other threads hand activities in through ``call``.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console

from state.backends.rocksdb import RocksMemory
from state.directory import StateDirectory
from state.memory_directory import MemoryStateDirectory
from streams.client.client import Client
from streams.config import StreamsConfig
from streams.errors import ConfigError, StreamsError
from streams.ports import Observer, TaskStateOpener
from streams.runtime.activity import Activity, Running
from streams.runtime.connection import clock_ms, connect
from streams.runtime.live import LiveLine
from streams.runtime.manifest_file import check_manifest
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.notices import Notices
from streams.runtime.process_tuning import tune_process
from streams.runtime.worker import Worker
from streams.topology.compile import CompiledTopology
from streams.topology.feed import Feed

T = TypeVar("T")
MAX_WAIT_MS: Final = 100
"""How long the loop sleeps at most before it looks at signals and other threads' calls again."""
CALL_TIMEOUT_S: Final = 60.0
"""How long another thread's call waits for the worker's thread."""


class Supervisor:
    """Runs one application in this process until it is stopped, ends or fails.

    Arguments:
        topology, config, feeds: what to run.
        observer: hears what worker and commits do.
        console: where the live line goes; None for silence.
    """

    def __init__(
        self,
        topology: CompiledTopology,
        config: StreamsConfig,
        feeds: Sequence[Feed],
        *,
        observer: Observer | None = None,
        console: Console | None = None,
    ) -> None:
        self._topology = topology
        self._config = config
        self._feeds = feeds
        self._live = LiveLine(config.application_id, console) if console is not None else None
        self._observer = Notices(observer, self.say)
        self._calls: queue.SimpleQueue[tuple[Callable[[Client], Activity[Any]], Future[Any]]] = queue.SimpleQueue()
        self._active: list[tuple[Running[Any], Future[Any]]] = []
        self._stop = threading.Event()
        self._worker: Worker | None = None
        self._thread: int | None = None
        """Who runs the worker."""

    def say(self, text: str) -> None:
        """Show a line to the person who watches, if anybody does."""
        if self._live is not None:
            self._live.say(f"{self._config.application_id}: {text}")

    @property
    def topology(self) -> CompiledTopology:
        """What runs; the settings of this run may have switched compile passes."""
        return self._topology

    @property
    def worker(self) -> Worker | None:
        """The worker while ``run`` is under way."""
        return self._worker

    def metrics(self) -> WorkerMetrics:
        """The worker's numbers as they are now; from any thread.

        Raises:
            StreamsError: the application has stopped, or no answer in time.
        """
        worker = self._worker
        if worker is None:
            raise StreamsError("the application has stopped")
        return worker.metrics() if threading.get_ident() == self._thread else self.call(lambda _: _now(worker.metrics))

    def stop(self) -> None:
        """Ask the application to commit and stop; from any thread or signal handler."""
        self._stop.set()

    def run(self, *, until_end: bool, accept: bool = False, cache: bool = True, tune: bool = False) -> WorkerMetrics:
        """Run until stopped (or until all input is processed); returns the final metrics.

        Arguments:
            until_end: stop once all inputs and internal topics are at their ends and committed.
            accept: let go of state that the topology no longer has.
            cache: whether record caches are used.
            tune: set the garbage collector up for a worker; only in a process that exists for it.

        Raises:
            StreamsError, StateError, StorageError: what went wrong, after everything has been closed.
        """
        data_dir = Path(self._config.data_dir)
        started_ms = clock_ms()
        self._thread = threading.get_ident()
        with connect(self._config, self._observer, listen=self._config.listen) as client:
            check_manifest(data_dir, self._topology, accept=accept)
            state = self._open_state(data_dir)
            try:
                worker = self._make_worker(client, state, until_end=until_end, cache=cache)
                self._worker = worker
                with tune_process() if tune else nullcontext():
                    self._loop(worker, client)
                final = worker.metrics()
            except BaseException:
                self._give_up(client, state)
                raise
            finally:
                self._worker = None
                self._refuse_calls()
            state.close()
        if self._live is not None:
            self._live.close(final, started_ms, clock_ms())
        return final

    def call(self, activity: Callable[[Client], Activity[T]]) -> T:
        """Have an activity run on the worker's thread; from any other thread. Blocks for its result.

        Raises:
            StreamsError: called from the worker's own thread, the application has stopped, or no answer in time.
        """
        if threading.get_ident() == self._thread:
            raise StreamsError(
                "a function of the topology cannot send, read or ask the log for anything: it runs on the thread that "
                "would have to answer. Return the records and let an operator write them (.to), or use another thread"
            )
        future: Future[T] = Future()
        self._calls.put((activity, future))
        if self._worker is None:
            self._refuse_calls()
        try:
            return future.result(CALL_TIMEOUT_S)
        except TimeoutError as error:
            raise StreamsError(
                f"the application did not answer within {CALL_TIMEOUT_S:.0f} s: some function of its topology takes "
                "that long for a record"
            ) from error

    def _open_state(self, data_dir: Path) -> StateDirectory | MemoryStateDirectory:
        """In memory nothing outlives the run; every start restores from the changelogs."""
        if self._config.state_backend == "memory":
            return MemoryStateDirectory()
        return StateDirectory(data_dir / "state", RocksMemory().open, self._observer)

    def _make_worker(self, client: Client, state: TaskStateOpener, *, until_end: bool, cache: bool) -> Worker:
        return Worker(
            topology=self._topology,
            config=self._config,
            client=client,
            state=state,
            feeds=self._feeds,
            observer=self._observer,
            cache=cache,
            stop_at_end=until_end,
        )

    def _loop(self, worker: Worker, client: Client) -> None:
        metrics = worker.metrics()
        while not worker.finished:
            now_ms = clock_ms()
            if self._stop.is_set():
                worker.request_stop()
            moved = worker.run_once(now_ms)
            moved = self._serve_calls(client) or moved
            if self._live is not None and self._live.is_due(now_ms):
                metrics = worker.metrics()
                self._live.show(metrics, now_ms)
            if not moved and not worker.finished:
                deadline = worker.next_deadline()
                wait_ms = MAX_WAIT_MS if deadline is None else max(0, min(MAX_WAIT_MS, deadline - clock_ms()))
                client.wait(wait_ms)

    def _serve_calls(self, client: Client) -> bool:
        """Run other threads' activities a step further."""
        while not self._calls.empty():
            activity, future = self._calls.get()
            self._active.append((Running(activity(client)), future))
        moved = False
        for running, future in list(self._active):
            try:
                moved = running.advance() or moved
            except Exception as error:
                future.set_exception(error)
                self._active.remove((running, future))
                continue
            if running.done:
                future.set_result(running.result())
                self._active.remove((running, future))
        return moved

    def _give_up(self, client: Client, state: StateDirectory | MemoryStateDirectory) -> None:
        """After a failure: abort what is open, so that readers need not wait for it, and close.

        The failure that is already on its way to the user says more than that of the clean-up.
        """
        worker = self._worker
        if worker is not None:
            with suppress(Exception):
                complete(client, worker.abort())
            with suppress(Exception):
                worker.close()
        with suppress(Exception):
            state.close()

    def _refuse_calls(self) -> None:
        """Tell the threads that wait for an answer that none will come."""
        gone = StreamsError("the application has stopped")
        with suppress(queue.Empty):
            while True:  # a late caller may be here too: whoever takes a call answers it
                self._calls.get_nowait()[1].set_exception(gone)
        active, self._active = self._active, []
        for _, future in active:
            future.set_exception(gone)


def _now(function: Callable[[], T]) -> Activity[T]:
    """An activity that waits for nothing."""
    return function()
    yield


def complete(client: Client, activity: Activity[T], timeout_ms: int = 60_000) -> T:
    """Run an activity to its end on this thread, pumping the client."""
    running = Running(activity)
    deadline = clock_ms() + timeout_ms
    while not running.done:
        now_ms = clock_ms()
        if now_ms > deadline:
            running.close()
            raise ConfigError(f"no answer from the broker within {timeout_ms / 1000:.0f} s")
        moved = client.poll(now_ms)
        moved = running.advance() or moved
        if not moved and not running.done:
            client.wait(MAX_WAIT_MS)
    return running.result()


@contextmanager
def stop_on_signals(supervisor: Supervisor, on_signal: Callable[[int], None] | None = None) -> Iterator[None]:
    """Ctrl-C and SIGTERM commit and stop; a second one ends the process at once, as a crash that loses nothing.

    Outside of the main thread signals are left alone. ``on_signal`` is told the number of the one that stopped the run.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: object) -> None:
        supervisor.stop()
        signal.signal(number, signal.SIG_DFL)
        if on_signal is not None:
            on_signal(number)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
