"""The thread that owns a client: runs other threads' commands, and pumps while they do something else. A shell.

So heartbeats leave, batches go out and fetches come in while user code runs, blocks or waits in an event loop. What is
asked and answered is the cores' business.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from streams.client.client import Client
from streams.client.pending import Pending
from streams.errors import StreamsError

T = TypeVar("T")
Command = Callable[[Client, int], T]
"""Something to be done on the thread: gets the client and the time."""
MAX_WAIT_MS: Final = 1_000


class Driver:
    """One client and its thread, shared by everybody in this process who uses what is behind it.

    Arguments:
        connect: opens the client, on the thread; its end closes it.
        clock: the time in milliseconds.
        name: of the thread.
    """

    def __init__(
        self, connect: Callable[[], AbstractContextManager[Client]], clock: Callable[[], int], name: str
    ) -> None:
        self._connect, self.clock = connect, clock
        self._commands: deque[tuple[Command[Any], Future[Any]]] = deque()
        self._lock = threading.Lock()
        self._open: set[Future[Any]] = set()
        self._client: Client | None = None
        self._stops = False
        self._end: BaseException | None = None
        self.opened: Future[None] = Future()
        """Done once the client is there, or failed with the reason why it is not."""
        self._thread = threading.Thread(target=self._run, name=f"streams-{name}", daemon=True)
        self._thread.start()

    def call(self, command: Command[T]) -> Future[T]:
        """Have the thread do something; from any thread. The future has its result."""
        return self._put(command)

    def ask(self, command: Command[Pending[T]]) -> Future[T]:
        """As ``call``, for what is settled later: the future has what its ``Pending`` is settled with."""
        return self._put(command)

    def _put(self, command: Command[Any]) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            if self._end is not None or self._stops:
                future.set_exception(_closed(self._end))
                return future
            self._commands.append((command, future))
            client = self._client
        if client is not None:
            client.wake()
        return future

    @property
    def is_over(self) -> bool:
        """Whether the client could not be opened, or has failed."""
        return self._end is not None

    def close(self) -> None:
        """Carry out what was asked for, close the client, and wait for the thread to end.

        Raises:
            StreamsError and others: what closing the client raised.
        """
        with self._lock:
            self._stops = True
            client = self._client
        if client is not None:
            client.wake()
        self._thread.join()
        if self._end is not None and self.opened.exception() is None:
            raise self._end

    def _run(self) -> None:
        try:
            with self._connect() as client:
                with self._lock:
                    self._client = client
                self.opened.set_result(None)
                while self._turn(client):
                    pass
        except BaseException as error:  # whoever waits gets it; nobody could catch it here
            self._end = error
            if not self.opened.done():
                self.opened.set_exception(error)
        finally:
            self._refuse()

    def _turn(self, client: Client) -> bool:
        """One round; False once it was the last."""
        now_ms = self.clock()
        moved = bool(self._commands)
        while self._commands:
            command, future = self._commands.popleft()
            self._carry_out(client, now_ms, command, future)
        moved |= client.poll(now_ms)
        if moved:
            return True
        if self._stops and not self._commands:
            return False
        deadline = client.next_deadline()
        wait_ms = MAX_WAIT_MS if deadline is None else min(MAX_WAIT_MS, max(0, deadline - self.clock()))
        if wait_ms and not self._commands:
            client.wait(wait_ms)
        return True

    def _carry_out(self, client: Client, now_ms: int, command: Command[Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return  # an event loop gave up waiting; from here on it cannot
        try:
            outcome = command(client, now_ms)
        except Exception as error:
            future.set_exception(error)
            return
        if not isinstance(outcome, Pending):
            future.set_result(outcome)
            return
        self._open.add(future)
        outcome.then(lambda settled: self._settle(future, settled))

    def _settle(self, future: Future[Any], settled: Pending[Any]) -> None:
        self._open.discard(future)
        if settled.error is not None:
            future.set_exception(settled.error)
        else:
            future.set_result(settled.result())

    def _refuse(self) -> None:
        """Nobody is left waiting."""
        with self._lock:
            self._stops = True
            waiting = [future for _, future in self._commands]
            self._commands.clear()
        for future in (*waiting, *self._open):
            if not future.done():
                future.set_exception(_closed(self._end))
        self._open.clear()


def _closed(error: BaseException | None) -> BaseException:
    if error is None:
        return StreamsError("the client is closed")
    return error


class Drivers:
    """The drivers of embedded logs that are open in this process: one per data directory, whoever uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[str, tuple[Driver, int]] = {}

    def share(self, place: str, start: Callable[[], Driver]) -> Driver:
        """The driver of ``place``; made by the first who asks."""
        with self._lock:
            driver, users = self._shared.get(place, (None, 0))
            if driver is None or driver.is_over:
                driver, users = start(), 0
            self._shared[place] = (driver, users + 1)
            return driver

    def give_back(self, place: str, driver: Driver) -> None:
        """Closed by the last who gives it back."""
        with self._lock:
            known, users = self._shared.get(place, (driver, 1))
            if known is driver and users > 1:
                self._shared[place] = (driver, users - 1)
                return
            if known is driver:
                self._shared.pop(place, None)
            driver.close()  # within the lock: the next who opens the directory finds it closed


drivers: Final = Drivers()
