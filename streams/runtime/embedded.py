"""The log inside this process: a Broker with its driver, and transports onto it. A shell.

Everything here runs on the thread that owns the broker, except the file syncs (``broker_core.sync_waves``). What is
written, and what an answer means, is decided elsewhere.
"""

from __future__ import annotations

import random as standard_random
from typing import Final

from broker_core.broker import Broker, Connection, NoReply
from broker_core.config import BrokerConfig, Durability, LogConfig
from broker_core.errors import DataDirectoryError
from broker_core.log.retention import UNLIMITED
from broker_core.os_filesystem import OsFilesystem
from broker_core.ports import Observer, Random
from broker_core.protocol.framing import Request
from broker_core.sync_waves import BrokerDriver, PoolSyncExecutor, SyncExecutor
from streams.client.errors import ConnectionLost
from streams.client.transport import Body, version_of
from streams.config import StreamsConfig

ONE_PROCESS: Final = (
    ". One process at a time has a log: while an application runs, send, read and query from that process (app.send, "
    "app.read, app.query), or run it with --listen host:port and reach it with --broker; an app.read that has not come "
    "to its end has the log, too"
)


class EmbeddedBroker(BrokerDriver):
    """A broker and its syncs, shared by any number of transports of one thread."""

    def __init__(self, broker: Broker, executor: SyncExecutor) -> None:
        super().__init__(broker, executor)
        self._connections = 0

    def connect(self, client_id: str) -> EmbeddedTransport:
        """One more client's way to the broker."""
        self._connections += 1
        return EmbeddedTransport(self, Connection(id=self._connections), client_id)


class EmbeddedTransport:
    """Hands request values to the broker of this process and its answers back; nothing is encoded."""

    def __init__(self, embedded: EmbeddedBroker, connection: Connection, client_id: str) -> None:
        self.connection = connection
        self._embedded = embedded
        self._client_id = client_id
        self._queue: list[tuple[int, Request]] = []
        self._answers: list[tuple[int, Body | Exception]] = []
        self._last_token = 0

    def send(self, node_id: int | None, body: Body, max_version: int | None = None) -> int:
        self._last_token += 1
        request = request_of(body, self._last_token, self._client_id, max_version)
        self._queue.append((self._last_token, request))
        return self._last_token

    def answer(self, token: int, body: Body) -> None:
        """Take an answer from the broker; handed out by the next ``poll``."""
        self._answers.append((token, ConnectionLost("acks=0 has no answer") if isinstance(body, NoReply) else body))

    def poll(self, now_ms: int) -> list[tuple[int, Body | Exception]]:
        queue, self._queue = self._queue, []
        for token, request in queue:
            self._embedded.handle(self, token, self.connection, request, now_ms)
        self._embedded.pump(now_ms, more_to_come=bool(queue))
        answers, self._answers = self._answers, []
        return answers

    def wait(self, timeout_ms: int) -> None:
        if not self._answers and not self._queue:
            self._embedded.wait(timeout_ms)

    def wake(self) -> None:
        self._embedded.wake()

    def next_deadline(self) -> int | None:
        return self._embedded.broker.next_deadline()

    def close(self, now_ms: int) -> None:
        """Leave the broker to the other transports; its owner closes it."""


def request_of(body: Body, token: int, client_id: str, max_version: int | None) -> Request:
    """A request value, in the newest version that is wanted."""
    return Request(
        api_key=body.API_KEY,
        api_version=version_of(body, max_version),
        correlation_id=token & 0x7FFF_FFFF,
        client_id=client_id,
        body=body,
    )


def broker_config(config: StreamsConfig) -> BrokerConfig:
    """The embedded broker's settings for an application's."""
    return BrokerConfig(
        num_partitions=config.partitions,
        durability=Durability(config.durability),
        sync_interval_ms=config.sync_interval_ms,
        # Nobody writes but our own producer. Retention counts from the time of the record, so that Kafka's seven days
        # would drop what is fed from history, read or not.
        log=LogConfig(check_records=False, retention_ms=UNLIMITED),
        # An idle partition commits nothing, and an application is no member whose presence keeps its offsets.
        offsets_retention_minutes=-1,
        group_initial_rebalance_delay_ms=0,  # members of one process do not straggle in over a network
        fetch_max_bytes=max(config.fetch_max_bytes, BrokerConfig().fetch_max_bytes),
    )


def open_broker(
    data_dir: str,
    config: BrokerConfig,
    now_ms: int,
    *,
    random: Random | None = None,
    observer: Observer | None = None,
) -> Broker:
    """Open (or make) the log in ``data_dir`` and recover it.

    Raises:
        DataDirectoryError: in use, of a newer version, or not writable.
        StorageError: a file holds what it should not.
    """
    broker = Broker(config, OsFilesystem(data_dir), random or standard_random.SystemRandom(), observer)
    try:
        broker.open(now_ms)
    except DataDirectoryError as error:
        hint = ONE_PROCESS if isinstance(error.__cause__, BlockingIOError) else ""
        raise DataDirectoryError(f"log in {data_dir}: {error}{hint}") from error.__cause__
    return broker


def open_embedded(
    data_dir: str,
    config: BrokerConfig,
    now_ms: int,
    *,
    random: Random | None = None,
    observer: Observer | None = None,
) -> EmbeddedBroker:
    """The log in ``data_dir``, owned by the caller's thread. Raises as ``open_broker``."""
    return EmbeddedBroker(open_broker(data_dir, config, now_ms, random=random, observer=observer), PoolSyncExecutor())
