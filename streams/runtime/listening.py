"""The log inside this process, served to others as well: a thread owns broker and server, a queue leads to it. A shell.

Without listeners the worker's thread owns the broker (``embedded``). With one, the broker lives on the server's event
loop: requests of this process are handed over as values, like those that came through a socket, and answers come back
the same way. Above the transport nothing differs.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from broker_core.broker import Broker, Connection, NoReply
from broker_core.config import BrokerConfig
from broker_core.errors import StorageError
from broker_core.ports import Observer
from broker_core.protocol.framing import Request
from broker_core.server import BrokerServer
from broker_core.serving import take_address
from broker_core.start_settings import parse_listener
from streams.client.errors import ConnectionLost
from streams.client.transport import Body
from streams.runtime.embedded import open_broker, request_of

START_S: Final = 30.0
"""How long the thread may take to begin to listen; the log is open by then."""


class ListeningBroker:
    """An open log that is served. To be closed.

    Attributes:
        address: ``host:port`` that clients are told to connect to.
    """

    def __init__(
        self,
        broker: Broker,
        config: BrokerConfig,
        listener: socket.socket,
        *,
        clock_ms: Callable[[], int],
        observer: Observer | None = None,
    ) -> None:
        self.address = f"{config.advertised_host}:{config.advertised_port}"
        self._broker = broker
        self._config = config
        self._listener = listener
        self._clock_ms = clock_ms
        self._observer = observer
        self._server: BrokerServer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._lock = threading.Lock()
        self._transports: list[QueuedTransport] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="log-server", daemon=True)
        self._thread.start()
        assert self._started.wait(START_S), "the server's thread does not start"
        if self._failure is not None:
            self.close(0)

    def connect(self, client_id: str) -> QueuedTransport:
        """One more client's way to the broker."""
        with self._lock:
            transport = QueuedTransport(self, Connection(id=-1 - len(self._transports)), client_id)
            self._transports.append(transport)
        return transport

    def submit(self, transport: QueuedTransport, requests: Sequence[tuple[int, Request]]) -> None:
        """Hand requests over to the broker's thread; every one is answered, if only with the thread's end."""
        loop = self._loop
        try:
            if loop is None or self._failure is not None:
                raise RuntimeError(str(self._failure or "the log is closed"))
            loop.call_soon_threadsafe(self._carry_out, transport, requests)
        except RuntimeError as error:  # the loop has ended
            for token, _ in requests:
                transport.answer(token, ConnectionLost(f"the log's thread has ended: {error}"))

    def close(self, now_ms: int) -> None:
        """Answer what was taken, close the log cleanly; a second call does nothing.

        Raises:
            StorageError: it could not be closed cleanly; the next start recovers it.
        """
        loop, server = self._loop, self._server
        if self._thread.is_alive() and loop is not None and server is not None:
            loop.call_soon_threadsafe(server.request_stop)
        self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise _storage_error(failure)

    def check(self) -> None:
        """Raises StorageError when the broker has failed: nobody need wait or try again."""
        if self._failure is not None:
            raise _storage_error(self._failure)

    # -- on the broker's thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._listener.close()
            self._loop = None
            self._started.set()
            for transport in self._transports:
                transport.lose(self._failure)

    async def _serve(self) -> None:
        self._server = BrokerServer(self._broker, self._config.server, observer=self._observer, clock_ms=self._clock_ms)
        await self._server.listen(self._listener)
        self._loop = asyncio.get_running_loop()
        self._started.set()
        await self._server.run()

    def _carry_out(self, transport: QueuedTransport, requests: Sequence[tuple[int, Request]]) -> None:
        assert self._server is not None
        for token, request in requests:
            if self._server.is_stopping:
                transport.answer(token, ConnectionLost("the log is closed"))
                continue
            try:
                self._server.handle(transport, transport.connection, request, token)
            except Exception as error:  # it is the sender's, as on one thread
                transport.answer(token, error)


def _storage_error(failure: BaseException) -> StorageError:
    if isinstance(failure, StorageError):
        return failure
    error = StorageError(f"the log's thread has failed, the next start recovers what it acknowledged: {failure!r}")
    error.__cause__ = failure
    return error


class QueuedTransport:
    """Hands request values to the broker's thread and takes its answers back; nothing is encoded."""

    def __init__(self, listening: ListeningBroker, connection: Connection, client_id: str) -> None:
        self.connection = connection
        self._listening = listening
        self._client_id = client_id
        self._queue: list[tuple[int, Request]] = []
        self._answers: deque[tuple[int, Body | Exception]] = deque()
        self._outstanding: set[int] = set()
        self._arrived = threading.Event()
        self._last_token = 0

    def send(self, node_id: int | None, body: Body, max_version: int | None = None) -> int:
        self._last_token += 1
        self._queue.append((self._last_token, request_of(body, self._last_token, self._client_id, max_version)))
        return self._last_token

    def poll(self, now_ms: int) -> list[tuple[int, Body | Exception]]:
        self._listening.check()
        queue, self._queue = self._queue, []
        if queue:
            self._outstanding.update(token for token, _ in queue)
            self._listening.submit(self, queue)
        answers = []
        while self._answers:
            token, body = self._answers.popleft()
            if token in self._outstanding:
                self._outstanding.discard(token)
                answers.append((token, body))
        return answers

    def wait(self, timeout_ms: int) -> None:
        if not self._answers and not self._queue:
            self._arrived.wait(timeout_ms / 1000)
        self._arrived.clear()

    def wake(self) -> None:
        self._arrived.set()

    def next_deadline(self) -> int | None:
        """The broker's thread keeps its own time."""
        return None

    def close(self, now_ms: int) -> None:
        """Leave the broker to the other transports; its owner closes it."""

    def answer(self, token: int, body: Body) -> None:
        """Take an answer; from any thread."""
        self._answers.append((token, ConnectionLost("acks=0 has no answer") if isinstance(body, NoReply) else body))
        self._arrived.set()

    def lose(self, reason: BaseException | None) -> None:
        """The broker's thread has ended: nothing that waits will be answered otherwise."""
        for token in tuple(self._outstanding):
            self.answer(token, ConnectionLost(f"the log's thread has ended: {reason or 'it was closed'}"))


def open_listening(
    data_dir: str,
    config: BrokerConfig,
    listen: str,
    clock_ms: Callable[[], int],
    *,
    observer: Observer | None = None,
) -> ListeningBroker:
    """Open (or make) the log in ``data_dir``, recover it, and serve it at ``listen`` (``host:port``).

    Raises:
        BrokerError: ``listen`` is no address.
        DataDirectoryError: in use, of a newer version, or not writable.
        StorageError: a file holds what it should not, or the address cannot be had.
    """
    host, port = parse_listener(listen, "listen")
    config = replace(config, server=replace(config.server, listen_host=host, listen_port=port), log_dirs=data_dir)
    # Others write, too: what our own producer need not be checked for, theirs must be.
    config = replace(config, log=replace(config.log, check_records=True))
    listener, config = take_address(config, {})
    try:
        broker = open_broker(data_dir, config, clock_ms(), observer=observer)
    except BaseException:
        listener.close()
        raise
    return ListeningBroker(broker, config, listener, clock_ms=clock_ms, observer=observer)
