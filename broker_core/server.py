"""The broker on the network: an asyncio event loop that owns a ``Broker`` and serves its connections. A shell.

Exactly one thread, the loop's, touches the broker. Requests are handed to it as they come; file syncs run on a few
threads, one wave at a time, and a wave takes along what all connections wait for. What the server decides is who may
connect and how much it holds; what a request means is the broker's business.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from broker_core.broker import Broker
from broker_core.config import ServerConfig
from broker_core.errors import StorageError
from broker_core.outcome import Connection
from broker_core.ports import NullObserver, Observer
from broker_core.protocol.framing import Request
from broker_core.server_connection import ServerConnection
from broker_core.sync_waves import BrokerDriver, PoolSyncExecutor, Sender, SyncExecutor

SHARED_BUFFER_BYTES: Final = 256 * 1024
"""What one read of a socket takes at most; all connections take turns at it."""
ACCEPT_BACKLOG: Final = 1024
SWEEP_INTERVAL_S: Final = 5.0
"""How often connections are looked at for whether anything moves."""
STALLED_S: Final = 10.0
"""While memory is short: who holds some of it and does not move for so long loses the connection."""
MAX_SLEEP_MS: Final = 60_000
"""The broker is looked after at least so often, so that a clock that was set cannot put a deadline off for long."""
CLOSING_S: Final = 5.0
"""How long clients have, when the server stops, to take the last answers."""


def wall_clock_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to ``host`` (empty for all interfaces) and ``port`` (0 for a free one), not listening yet.

    Raises:
        OSError: the address is in use, or not of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


class BrokerServer:
    """Serves one broker. To be made, and used, on the thread of a running event loop.

    Arguments:
        broker: opened already; closed by ``close``.
        limits: what it takes.
        observer: hears of connections and faults.
        clock_ms: epoch milliseconds.
        executor: carries out the file syncs; by default a few threads.
    """

    def __init__(
        self,
        broker: Broker,
        limits: ServerConfig,
        *,
        observer: Observer | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
        executor: SyncExecutor | None = None,
    ) -> None:
        self.limits = limits
        self.observer = observer or NullObserver()
        self.shared_buffer = bytearray(SHARED_BUFFER_BYTES)
        self.is_stopping = False
        self.is_saturated = False
        self._loop = asyncio.get_running_loop()
        self.time_s = self._loop.time
        self._clock_ms = clock_ms
        self._driver = BrokerDriver(broker, executor or PoolSyncExecutor(on_over=self._wave_over))
        self._connections: dict[ServerConnection, None] = {}
        self._last_connection_id = 0
        self._held_bytes = 0
        self._listener: asyncio.Server | None = None
        self._is_pump_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._stop = asyncio.Event()
        self._failure: Exception | None = None
        self._sweeper = self._loop.call_later(self._sweep_interval_s, self._sweep)
        self._pump()

    # -- life

    async def listen(self, listener: socket.socket) -> None:
        """Begin to accept connections on a bound socket.

        Raises:
            StorageError: another process was faster to listen there; the broker is closed.
        """
        try:
            self._listener = await self._loop.create_server(
                lambda: ServerConnection(self), sock=listener, backlog=ACCEPT_BACKLOG
            )
        except OSError as error:
            await self.close()
            raise StorageError(f"cannot listen on {':'.join(map(str, address_of(listener)))}: {error}") from error

    def request_stop(self) -> None:
        """Let ``run`` come to its end; on the loop's thread."""
        self._stop.set()

    async def run(self) -> None:
        """Serve until ``request_stop``, then close.

        Raises:
            StorageError: the data directory could not be closed cleanly; the next start recovers it.
            Exception: the broker failed; it was closed as far as possible.
        """
        await self._stop.wait()
        await self.close()
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Take nothing new, sync and answer what was taken, close the broker and the connections."""
        self.is_stopping = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.update_reading()
        self._sweeper.cancel()
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._driver.close(self._clock_ms())
        except Exception:
            if self._failure is None:
                raise
        finally:
            for connection in list(self._connections):
                connection.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    while self._connections:
                        await asyncio.sleep(0.005)
            for connection in list(self._connections):
                connection.close(at_once=True)
            await asyncio.sleep(0)

    # -- requests

    def handle(self, sender: Sender, connection: Connection, request: Request, token: int = 0) -> int | None:
        """Carry out one request, of a connection or of this process; as ``BrokerDriver.handle``."""
        ticket = self._driver.handle(sender, token, connection, request, self._clock_ms())
        if not self._is_pump_due:
            self._is_pump_due = True
            self._loop.call_soon(self._pump)
        return ticket

    def abandon(self, ticket: int) -> None:
        """The sender of a parked request is gone."""
        self._driver.abandon(ticket)

    def failed(self, connection: Connection, payload: bytes, error: Exception) -> None:
        """A request was not refused but broke: a fault of ours, to be reported with what it takes to see it again."""
        self.observer.event("request.failed", client=connection.client_address, request=payload[:64].hex(), error=error)

    # -- connections

    def next_connection_id(self) -> int:
        self._last_connection_id += 1
        return self._last_connection_id

    def connected(self, connection: ServerConnection) -> bool:
        """Whether one more connection may stay."""
        if self.is_stopping or len(self._connections) >= self.limits.max_connections:
            self.observer.event("connection.limit", connections=len(self._connections))
            return False
        self._connections[connection] = None
        return True

    def disconnected(self, connection: ServerConnection) -> None:
        self._connections.pop(connection, None)

    def account(self, difference: int) -> None:
        """What all connections hold has changed: above the limit no new request is read."""
        self._held_bytes += difference
        saturated = self._held_bytes > self.limits.queued_max_request_bytes
        if saturated != self.is_saturated:
            self.is_saturated = saturated
            self.observer.event("server.saturated" if saturated else "server.relieved", held_bytes=self._held_bytes)
            for connection in list(self._connections):
                connection.update_reading()

    # -- inside

    @property
    def _sweep_interval_s(self) -> float:
        return min(SWEEP_INTERVAL_S, self.limits.connections_max_idle_ms / 4000)

    def _sweep(self) -> None:
        """Close the connections on which nothing moves: idle ones, and stalled ones when memory is short."""
        self._sweeper = self._loop.call_later(self._sweep_interval_s, self._sweep)
        now_s = self.time_s()
        for connection in list(self._connections):
            connection.progressed()
            if connection.has_work:
                continue
            quiet_s = now_s - connection.active_s
            is_stalled = self.is_saturated and connection.held_bytes > 0 and quiet_s > STALLED_S
            if is_stalled or quiet_s * 1000 > self.limits.connections_max_idle_ms:
                connection.close(at_once=True)

    def _wave_over(self) -> None:
        """On the thread that ended a wave."""
        with suppress(RuntimeError):  # the loop is closed: whoever closes the driver has waited for the wave
            self._loop.call_soon_threadsafe(self._pump)

    def _pump(self) -> None:
        self._is_pump_due = False
        if self.is_stopping:
            return
        now_ms = self._clock_ms()
        try:
            self._driver.pump(now_ms)
        except Exception as error:  # the broker's state is in doubt: to stop and recover is what it is built for
            self._failure = error
            self.observer.event("server.failed", error=error)
            self._stop.set()
            return
        self._arm(now_ms)

    def _arm(self, now_ms: int) -> None:
        """Have ``_pump`` called at the broker's next deadline."""
        deadline_ms = self._driver.broker.next_deadline()
        sleep_ms = MAX_SLEEP_MS if deadline_ms is None else min(MAX_SLEEP_MS, max(1, deadline_ms - now_ms))
        wanted_s = self._loop.time() + sleep_ms / 1000
        timer = self._timer
        if timer is not None and not timer.cancelled() and self._loop.time() < timer.when() <= wanted_s:
            return  # it looks again when it goes off
        if timer is not None:
            timer.cancel()
        self._timer = self._loop.call_at(wanted_s, self._pump)


def address_of(listener: socket.socket) -> tuple[str, int]:
    """Host and port that a bound socket has."""
    name: Any = listener.getsockname()
    return str(name[0]), int(name[1])
