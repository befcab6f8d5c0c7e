"""The transport over TCP: ``network``, its sockets, and the heartbeats' thread. A shell.

Sockets are read and written by whoever calls ``poll``, in its own thread: an answer needs no second thread's turn at
the interpreter. Only heartbeats (``pulse``) have a thread, made with the first of them, which does the same round when
one is due and the caller is busy. A lock lets one in at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from streams.client.network import Network
from streams.client.peers import Address
from streams.client.pulses import Pulses
from streams.client.settings import ConnectionSettings
from streams.client.sockets import Sockets
from streams.client.transport import Answer, Body
from streams.errors import ConfigError
from streams.ports import NullObserver, Observer, Random

KEEPER_SLEEP_MS: Final = 1_000
KEEPER_ROUND_MS: Final = 20
"""While a heartbeat is under way: connecting anew takes some rounds."""


class TcpTransport:
    """``Transport`` and ``Pulsing`` over TCP.

    Arguments:
        bootstrap: addresses of some brokers of one cluster.
        clock: the time in milliseconds, as ``poll`` is told it.
        random: jitter.
        observer: hears ``broker.lost`` (``broker``, ``reason``) and ``broker.reached``, on the thread that polls.
    """

    def __init__(
        self,
        bootstrap: Sequence[Address],
        *,
        client_id: str,
        clock: Callable[[], int],
        random: Random,
        settings: ConnectionSettings | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._clock = clock
        self._observer = observer or NullObserver()
        self._network = Network(
            bootstrap, client_id=client_id, random=random, settings=settings or ConnectionSettings()
        )
        self._pulses = Pulses(clock())
        self._sockets = Sockets(self._network)
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self._last_token = 0
        self._keeper: threading.Thread | None = None
        self._keeper_called = threading.Event()
        self._closed = False

    def send(self, node_id: int | None, body: Body, max_version: int | None = None) -> int:
        with self._lock:
            self._last_token += 1
            self._network.send(self._last_token, node_id, body, max_version)
            return self._last_token

    def poll(self, now_ms: int) -> list[Answer]:
        with self._lock:
            self._pulses.heard(now_ms)
            self._round(now_ms)
            answers, self._answers = self._answers, []
            events = self._network.peers.events[:]
            self._network.peers.events.clear()
        for name, fields in events:
            self._observer.event(name, **fields)
        return answers

    def wait(self, timeout_ms: int) -> None:
        with self._lock:
            if not self._answers and not self._network.has_news:
                self._sockets.wait(timeout_ms)

    def wake(self) -> None:
        """End ``wait`` now; from any thread, or a signal handler."""
        self._sockets.wake()

    def next_deadline(self) -> int | None:
        with self._lock:
            deadlines = (self._network.next_deadline, self._pulses.next_deadline())
            return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def close(self, now_ms: int) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._network.close()
            self._sockets.close()
        self._keeper_called.set()
        if self._keeper is not None:
            self._keeper.join()

    def pulse(
        self, node_id: int, body: Body, interval_ms: int, *, silence_limit_ms: int, max_version: int | None = None
    ) -> int:
        with self._lock:
            self._last_token += 1
            self._pulses.start(self._last_token, node_id, body, max_version, interval_ms, silence_limit_ms)
            token = self._last_token
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="heartbeats", daemon=True)
            self._keeper.start()
        self._keeper_called.set()
        return token

    def stop_pulse(self, token: int) -> None:
        with self._lock:
            self._pulses.stop(token)

    def connect(self, timeout_ms: int) -> None:
        """Wait until one of the bootstrap addresses has answered as a Kafka broker does.

        Raises:
            ConfigError: none did; says of each why.
        """
        end_ms = self._clock() + timeout_ms
        while True:
            now_ms = self._clock()
            with self._lock:
                hopeful = self._network.connect(now_ms)
                self._round(now_ms)
                if self._network.has_been_ready:
                    return
                troubles = self._network.troubles
            if not hopeful or now_ms >= end_ms:
                said = "; ".join(troubles)
                said = said if said.endswith("?") else f"{said}."
                raise ConfigError(
                    f"{said} 'streams broker' starts one; without a broker named (--broker, "
                    "STREAMS_BROKER, App(broker=...)) the log is in the data directory"
                )
            self.wait(min(100, max(0, end_ms - now_ms)))

    def _round(self, now_ms: int) -> None:
        """Everything that can be done without blocking."""
        for token, node_id, body, max_version in self._pulses.due(now_ms):
            self._last_token += 1
            self._pulses.sent(token, self._last_token)
            self._network.send(self._last_token, node_id, body, max_version)
        self._network.advance(now_ms)
        self._sockets.round(now_ms)
        self._answers += self._pulses.sift(self._network.take_answers(), now_ms)

    def _keep(self) -> None:
        """The heartbeats' thread: a round whenever one is due, and some more while its answer is."""
        while not self._closed:
            now_ms = self._clock()
            with self._lock:
                if self._closed:
                    return
                due_ms = self._pulses.next_deadline()
                if self._pulses.is_answer_due or (due_ms is not None and due_ms <= now_ms):
                    self._round(now_ms)
                    due_ms = self._pulses.next_deadline()
                longest_ms = KEEPER_ROUND_MS if self._pulses.is_answer_due else KEEPER_SLEEP_MS
            sleep_ms = longest_ms if due_ms is None else max(1, min(longest_ms, due_ms - now_ms))
            self._keeper_called.wait(sleep_ms / 1000)
            self._keeper_called.clear()


def parse_addresses(text: str) -> tuple[Address, ...]:
    """``host:port`` or several with commas between; ``[::1]:9092`` for IPv6.

    Raises:
        ConfigError: something else.
    """
    addresses = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        host, _, port = part.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536 or "//" in host or "/" in port:
            raise ConfigError(f"broker={text!r}: {part!r} is not host:port (several are separated by commas)")
        addresses.append(Address(host.removeprefix("[").removesuffix("]"), int(port)))
    if not addresses:
        raise ConfigError(f"broker={text!r} names no address; give host:port")
    return tuple(addresses)
