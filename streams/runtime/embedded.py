"""The log inside this process: a Broker, the shell that syncs its files, and transports onto it. A shell.

Everything here runs on the thread that owns the broker, except the file syncs, which release the GIL and go on while
the worker works. One wave of syncs is under way at a time; it takes along every file that anybody waits for. What is
written, and what an answer means, is decided elsewhere.
"""

from __future__ import annotations

import random as standard_random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from broker_core.broker import Broker, Connection, NoReply, Parked, Reply, SyncResult
from broker_core.config import BrokerConfig, Durability, LogConfig
from broker_core.errors import DataDirectoryError
from broker_core.os_filesystem import OsFilesystem
from broker_core.ports import File, Observer, Random
from broker_core.protocol.framing import Request
from streams.client.errors import ConnectionLost
from streams.client.transport import Body, version_of
from streams.config import StreamsConfig

SYNC_THREADS: Final = 8
"""fdatasync of 8 dirty files takes 24 ms one after the other and about 1 ms in as many threads."""
MAX_HELD_BACK: Final = 4
"""For how many polls in a row a wave waits for requests that may follow."""

ONE_PROCESS: Final = (
    ". One process at a time has a log: while an application runs, send, read and query from that process (app.send, "
    "app.read, app.query); an app.read that has not come to its end has the log, too"
)


class SyncExecutor(Protocol):
    """Carries out one wave of file syncs at a time."""

    def start(self, files: Sequence[File]) -> None:
        """Begin to sync; the wave before must have been taken by ``finished``."""

    def finished(self) -> dict[int, OSError] | None:
        """The failures by position in ``files``, once the wave is over; None before, and once it was taken."""

    def wait(self, timeout_ms: int) -> None:
        """Block until the wave is over, at most ``timeout_ms``."""

    def wake(self) -> None:
        """End ``wait`` now; from any thread."""

    def close(self) -> None: ...


class InlineSyncExecutor:
    """Syncs at once, in the order given: for simulation, where nothing may depend on threads."""

    def __init__(self) -> None:
        self._failures: dict[int, OSError] | None = None

    def start(self, files: Sequence[File]) -> None:
        self._failures = {}
        for position, file in enumerate(files):
            try:
                file.sync()
            except OSError as error:
                self._failures[position] = error

    def finished(self) -> dict[int, OSError] | None:
        failures, self._failures = self._failures, None
        return failures

    def wait(self, timeout_ms: int) -> None:
        """Nothing is ever under way; simulated time does not pass by waiting."""

    def wake(self) -> None: ...

    def close(self) -> None: ...


class PoolSyncExecutor:
    """Syncs the files of a wave concurrently on a few threads."""

    def __init__(self, threads: int = SYNC_THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="log-sync")
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._under_way = False
        self._left = 0
        self._failures: dict[int, OSError] = {}

    def start(self, files: Sequence[File]) -> None:
        assert not self._under_way, "one wave at a time"
        self._under_way, self._left, self._failures = True, len(files), {}
        for position, file in enumerate(files):
            self._pool.submit(self._sync, position, file)

    def finished(self) -> dict[int, OSError] | None:
        with self._lock:
            if not self._under_way or self._left:
                return None
            self._under_way = False
            return self._failures

    def wait(self, timeout_ms: int) -> None:
        self._changed.wait(timeout_ms / 1000)
        self._changed.clear()

    def wake(self) -> None:
        self._changed.set()

    def close(self) -> None:
        self._pool.shutdown()

    def _sync(self, position: int, file: File) -> None:
        failure: OSError | None = None
        try:
            file.sync()
        except OSError as error:
            failure = error
        with self._lock:
            if failure is not None:
                self._failures[position] = failure
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            self._changed.set()


class EmbeddedBroker:
    """A broker and its syncs, shared by any number of transports of one thread.

    Arguments:
        broker: opened already.
        executor: carries out its file syncs; closed with it.
    """

    def __init__(self, broker: Broker, executor: SyncExecutor) -> None:
        self.broker = broker
        self._executor = executor
        self._wave = SyncResult().done
        self._wave_files: list[tuple[int, ...]] = []
        self._parked: dict[int, tuple[EmbeddedTransport, int]] = {}
        self._connections = 0
        self._held_back = 0
        self._closed = False

    def connect(self, client_id: str) -> EmbeddedTransport:
        """One more client's way to the broker."""
        self._connections += 1
        return EmbeddedTransport(self, Connection(id=self._connections), client_id)

    def handle(self, transport: EmbeddedTransport, token: int, request: Request, now_ms: int) -> None:
        """Carry out one request; its answer goes to the transport, now or from a later ``pump``."""
        outcome = self.broker.handle(transport.connection, request, now_ms)
        if isinstance(outcome, Reply):
            transport.answer(token, outcome.body)
        elif isinstance(outcome, Parked):
            self._parked[outcome.token] = (transport, token)
        else:
            assert isinstance(outcome, NoReply)
            transport.answer(token, ConnectionLost("acks=0 has no answer"))

    def pump(self, now_ms: int, *, more_to_come: bool = False) -> None:
        """Take finished syncs, start the next wave, do what is due, and hand out what became ready. Never blocks.

        Arguments:
            more_to_come: requests were handled just now, and their answers may bring more. The next wave waits for
                these and takes them along (the announcement of a transaction's partitions is followed by its records),
                for so many polls.
        """
        self._held_back = self._held_back + 1 if more_to_come else 0
        if self.broker.is_due(now_ms):
            self.broker.tick(now_ms)
        self._take_wave(now_ms)
        while not self._wave and not 0 < self._held_back <= MAX_HELD_BACK and self._start_wave():
            self._take_wave(now_ms)
        self._release()

    def wait(self, timeout_ms: int) -> None:
        """Block until a sync wave is over or somebody calls ``wake``, at most ``timeout_ms``."""
        self._executor.wait(timeout_ms)

    def wake(self) -> None:
        """End ``wait`` now; from any thread, or a signal handler."""
        self._executor.wake()

    def close(self, now_ms: int) -> None:
        """Wait for the wave under way, close the broker cleanly; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        while self._wave:
            self._executor.wait(1_000)
            self._take_wave(now_ms)
        self._executor.close()
        self.broker.close(now_ms)
        self._release()

    def _start_wave(self) -> bool:
        self._wave = self.broker.pending_syncs()
        if not self._wave:
            return False
        files: list[File] = []
        places: dict[int, int] = {}
        self._wave_files = []
        for pending in self._wave:
            for file in pending.files:
                if id(file) not in places:
                    places[id(file)] = len(files)
                    files.append(file)
            self._wave_files.append(tuple(places[id(file)] for file in pending.files))
        self._executor.start(files)
        return True

    def _take_wave(self, now_ms: int) -> None:
        failures = self._executor.finished() if self._wave else None
        if failures is None:
            return
        wave, self._wave = self._wave, ()
        failed = [
            (pending, next(failures[place] for place in places if place in failures))
            for pending, places in zip(wave, self._wave_files, strict=True)
            if any(place in failures for place in places)
        ]
        done = tuple(pending for pending in wave if all(pending is not lost for lost, _ in failed))
        self.broker.synced(SyncResult(done=done, failed=tuple(failed)), now_ms)

    def _release(self) -> None:
        for released in self.broker.released():
            transport, token = self._parked.pop(released.token)
            transport.answer(token, released.body)


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
        request = Request(
            api_key=body.API_KEY,
            api_version=version_of(body, max_version),
            correlation_id=self._last_token & 0x7FFF_FFFF,
            client_id=self._client_id,
            body=body,
        )
        self._queue.append((self._last_token, request))
        return self._last_token

    def answer(self, token: int, body: Body | Exception) -> None:
        """Take an answer from the broker; handed out by the next ``poll``."""
        self._answers.append((token, body))

    def poll(self, now_ms: int) -> list[tuple[int, Body | Exception]]:
        queue, self._queue = self._queue, []
        for token, request in queue:
            self._embedded.handle(self, token, request, now_ms)
        self._embedded.pump(now_ms, more_to_come=bool(queue))
        answers, self._answers = self._answers, []
        return answers

    def wait(self, timeout_ms: int) -> None:
        if not self._answers and not self._queue:
            self._embedded.wait(timeout_ms)

    def next_deadline(self) -> int | None:
        return self._embedded.broker.next_deadline()

    def close(self, now_ms: int) -> None:
        """Leave the broker to the other transports; its owner closes it."""


def broker_config(config: StreamsConfig) -> BrokerConfig:
    """The embedded broker's settings for an application's."""
    return BrokerConfig(
        num_partitions=config.partitions,
        durability=Durability(config.durability),
        sync_interval_ms=config.sync_interval_ms,
        log=LogConfig(check_records=False),  # nobody writes but our own producer
        # An idle partition commits nothing, and an application is no member whose presence keeps its offsets.
        offsets_retention_minutes=-1,
        fetch_max_bytes=max(config.fetch_max_bytes, BrokerConfig().fetch_max_bytes),
    )


def open_embedded(
    data_dir: str,
    config: BrokerConfig,
    now_ms: int,
    *,
    random: Random | None = None,
    observer: Observer | None = None,
) -> EmbeddedBroker:
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
    return EmbeddedBroker(broker, PoolSyncExecutor())
