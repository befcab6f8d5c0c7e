"""The broker: owns a data directory and answers requests; no sockets, no threads, no clock, no sleeping.

One thread calls it. A shell (the embedded transport, the server) feeds it requests and time, carries out the file syncs
that it names, and sends the replies that it releases. What an API does lives in ``handlers``; how logs, groups and
transactions work lives below them. Nothing here knows a byte of a message.

The shell's loop::

    outcome = broker.handle(connection, request, now_ms)      # Reply, Parked(token) or NoReply
    wave = broker.pending_syncs()                             # fdatasync all their files, concurrently if it likes
    broker.synced(SyncResult(done=wave), now_ms)              # one wave at a time
    for token, body in broker.released(): ...                 # after every handle, synced and tick
    broker.tick(now_ms)                                       # at the latest at broker.next_deadline()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from broker_core.catalog import INTERNAL_TOPICS, Catalog
from broker_core.config import LONG_MAX, BrokerConfig
from broker_core.coordinator import Coordinator
from broker_core.data_directory import DataDirectory
from broker_core.disk_guard import DiskGuard
from broker_core.errors import ProtocolError, StorageError
from broker_core.fetch_session import FetchSessions
from broker_core.handlers import fetch
from broker_core.handlers.api_versions import unsupported_version
from broker_core.handlers.context import BrokerContext
from broker_core.handlers.table import HANDLERS
from broker_core.housekeeping import Housekeeping
from broker_core.internal_logs import InternalLogs
from broker_core.log.partition_log import PartitionLog
from broker_core.log.results import PendingSync
from broker_core.model import Isolation
from broker_core.outcome import Call, Connection, NoReply, Outcome, Parked, Released, Reply, SyncResult
from broker_core.partitions import Partitions
from broker_core.ports import Filesystem, NullObserver, Observer, Random
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.batch import iterate_batches
from broker_core.protocol.framing import Request
from broker_core.settings import Settings
from broker_core.topics import Topics
from broker_core.waiting import Waiting

__all__ = ["Broker", "Connection", "NoReply", "Outcome", "Parked", "Released", "Reply", "SyncResult"]

LOAD_BYTES: Final = 4 * 1024 * 1024
"""Read at once when the coordinators are loaded."""
MAX_SETTLING_ROUNDS: Final = 1_000
"""Steps of the coordinator after one event; each ends a phase of some transaction, so that more is a fault."""
CLOCK_TOLERANCE_MS: Final = 1_000
"""A clock that is set back by less only makes something late by as much."""
MAX_INLINE_WAVES: Final = 16
"""Sync waves carried out by ``open`` and ``close`` themselves; a transaction's end takes three."""


class Broker:
    """One broker over one data directory.

    Arguments:
        config: its settings.
        filesystem: the data directory.
        random: makes topic ids and the cluster id.
        observer: hears what happens; by default nobody does.
    """

    def __init__(
        self, config: BrokerConfig, filesystem: Filesystem, random: Random, observer: Observer | None = None
    ) -> None:
        observer = observer or NullObserver()
        self._config = config
        self._filesystem = filesystem
        self._observer = observer
        self._catalog = Catalog(filesystem, random)
        self._waiting = Waiting()
        self._partitions = Partitions(
            filesystem, config.durability, observer, self._waiting, sync_interval_ms=config.sync_interval_ms
        )
        guard = DiskGuard(filesystem, config.min_free_bytes)
        settings = Settings(config, self._catalog, self._partitions)
        self._topics = Topics(config, self._catalog, self._partitions, guard, settings)
        self._coordinator = Coordinator(
            config, InternalLogs(self._catalog, self._partitions), self._catalog.next_producer_id, random, observer
        )
        self._context = BrokerContext(
            config=config,
            filesystem=filesystem,
            catalog=self._catalog,
            topics=self._topics,
            settings=settings,
            partitions=self._partitions,
            coordinator=self._coordinator,
            guard=guard,
            waiting=self._waiting,
            fetch_sessions=FetchSessions(random, config.fetch_session_slots),
            observer=observer,
            served=frozenset(HANDLERS),
        )
        self._housekeeping = Housekeeping(self._partitions, observer)
        self._directory: DataDirectory | None = None
        self._latest_ms = 0

    def open(self, now_ms: int) -> None:
        """Claim the data directory, recover every log, load the coordinators and finish prepared transactions.

        Raises:
            DataDirectoryError: the directory is in use, written by a newer version, or not writable.
            StorageError: a file holds what it should not.
        """
        assert self._directory is None, "a broker is opened once"
        directory = DataDirectory.claim(self._filesystem)
        try:
            self._catalog.load(self._config.cluster_id)
            self._topics.open(was_clean=directory.was_clean, now_ms=now_ms)
            self._sync_inline(now_ms)
            self._load_coordinator(now_ms)
        except OSError as error:
            directory.release()
            raise StorageError(f"the data directory cannot be opened: {error}") from error
        except BaseException:
            directory.release()
            raise
        self._directory = directory
        self._housekeeping.open(now_ms)
        self._settle(now_ms)
        self._sync_inline(now_ms)

    def handle(self, connection: Connection, request: Request, now_ms: int) -> Outcome:
        """Carry out one request.

        Returns:
            ``Reply`` with the answer; ``Parked`` when it comes later through ``released`` (requests of one connection
            that arrive meanwhile may be handled, but are to be answered in order); ``NoReply`` for ``acks=0``.

        Raises:
            ProtocolError: no such API or version; the connection is to be closed.
        """
        handler = HANDLERS.get(request.api_key)
        spec = API.get(request.api_key)
        if handler is None or spec is None or not spec.min_version <= request.api_version <= spec.max_version:
            if request.api_key == ApiKey.API_VERSIONS:
                return Reply(unsupported_version())
            raise ProtocolError(f"API key {request.api_key} version {request.api_version} is not served here")
        self._latest_ms = max(self._latest_ms, now_ms)
        call = Call(connection, request.api_version, request.client_id, now_ms)
        outcome = handler(self._context, request.body, call)
        if self._waiting.moved or self._waiting.failed:
            self._settle(now_ms)
        return outcome

    def released(self) -> list[Released]:
        """Answers of parked requests that became ready since the last call, each returned once."""
        waiting = self._waiting
        for token, parked in waiting.fetches.touched():
            response = fetch.attempt(self._context, parked, final=False)
            if response is not None:
                waiting.fetches.remove(token)
                waiting.ready.append(Released(token, response))
        return waiting.drain()

    def abandon(self, token: int) -> bool:
        """Nobody waits for a parked request any more. A fetch is dropped; anything else goes on, as it changes things.

        Returns:
            whether it was dropped: ``released`` will not name it.
        """
        dropped = self._waiting.fetches.is_parked(token)
        self._waiting.fetches.remove(token)
        return dropped

    def pending_syncs(self) -> tuple[PendingSync, ...]:
        """The files with bytes that somebody waits for, one entry per partition; empty when there is nothing to do.

        The shell syncs all their files and then calls ``synced``; until then it does not call this again.
        """
        return self._partitions.pending_syncs() + self._housekeeping.pending_syncs()

    def synced(self, result: SyncResult, now_ms: int) -> None:
        """Take note of a sync wave: raise high watermarks, release replies, fail logs whose files failed."""
        self._partitions.synced(self._housekeeping.synced(result))
        self._settle(now_ms)

    def tick(self, now_ms: int) -> None:
        """Do what is due: expire fetches and transactions, take a step of housekeeping, write checkpoints.

        Early and repeated calls are harmless.
        """
        if now_ms < self._latest_ms - CLOCK_TOLERANCE_MS:
            self._clock_went_back(now_ms)
        self._latest_ms = now_ms
        self._answer_fetches(self._waiting.fetches.expired(now_ms))
        self._waiting.release_coordinated(self._coordinator.tick(now_ms))
        self._settle(now_ms)
        self._partitions.sync_if_due(now_ms)
        self._housekeeping.tick(now_ms)
        self._partitions.checkpoint_if_due(now_ms)

    def is_due(self, now_ms: int) -> bool:
        """Whether ``tick`` has work: a deadline has come, or the clock went back, so that none means anything."""
        deadline = self.next_deadline()
        return (deadline is not None and deadline <= now_ms) or now_ms < self._latest_ms - CLOCK_TOLERANCE_MS

    def next_deadline(self) -> int | None:
        """When ``tick`` has work next, in ms; ``None`` for never."""
        deadlines = (
            self._waiting.fetches.next_deadline(),
            self._coordinator.next_deadline(),
            self._partitions.next_deadline(),
            self._housekeeping.next_deadline(),
        )
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def close(self, now_ms: int) -> None:
        """Sync and close everything so that the next ``open`` scans nothing, and give up the directory.

        What became ready meanwhile is still to be had from ``released``. A second call does nothing.
        """
        directory, self._directory = self._directory, None
        if directory is None:
            return
        try:
            self._housekeeping.close()
            self._sync_inline(now_ms)
            self._answer_fetches(self._waiting.fetches.all())
            if self._partitions.close(now_ms):
                directory.mark_clean()
        except OSError as error:
            raise StorageError(
                f"the data directory was not closed cleanly, the next start recovers it: {error}"
            ) from error
        finally:
            directory.release()

    # -- inside

    def _clock_went_back(self, now_ms: int) -> None:
        """Deadlines were set by a clock that was wrong, or by one that is wrong now: begin all of them anew."""
        self._observer.event("broker.clock_went_back", by_ms=self._latest_ms - now_ms)
        self._answer_fetches(self._waiting.fetches.all())
        self._partitions.sync_if_due(LONG_MAX)
        self._housekeeping.clock_went_back(now_ms)

    def _settle(self, now_ms: int) -> None:
        """Let the coordinator take every step that the partitions' progress allows."""
        waiting, coordinator = self._waiting, self._coordinator
        for _ in range(MAX_SETTLING_ROUNDS):
            if not waiting.moved and not waiting.failed:
                return
            waiting.moved = False
            failed, waiting.failed = waiting.failed, []
            for partition in failed:
                waiting.release_coordinated(coordinator.on_failed(partition, now_ms))
            waiting.release_coordinated(coordinator.on_synced(now_ms))
        raise AssertionError("the coordinator does not come to rest")

    def _sync_inline(self, now_ms: int) -> None:
        """Sync waves on the caller's thread until nothing is pending: at start, and before closing."""
        for _ in range(MAX_INLINE_WAVES):
            wave = self.pending_syncs()
            if not wave:
                return
            done, failed = [], []
            for pending in wave:
                try:
                    for file in pending.files:
                        file.sync()
                    done.append(pending)
                except OSError as error:
                    failed.append((pending, error))
            self.synced(SyncResult(done=tuple(done), failed=tuple(failed)), now_ms)

    def _load_coordinator(self, now_ms: int) -> None:
        logs = sorted(self._partitions.logs.items())
        for partition, log in logs:
            if partition.topic in INTERNAL_TOPICS:
                for records in _chunks(log):
                    self._coordinator.load(partition, records)
        self._coordinator.recover(
            [
                (partition, transaction.producer_id, transaction.producer_epoch)
                for partition, log in logs
                for transaction in log.open_transactions()
            ],
            now_ms,
        )

    def _answer_fetches(self, fetches: Iterable[tuple[int, fetch.ParkedFetch]]) -> None:
        for token, parked in fetches:
            response = fetch.attempt(self._context, parked, final=True)
            self._waiting.ready.append(Released(token, response))


def _chunks(log: PartitionLog) -> Iterator[bytes]:
    """All batches of ``log`` in order, some megabytes at a time."""
    offset = log.start_offset
    while offset < log.end_offset:
        records = log.read(offset, LOAD_BYTES, Isolation.READ_UNCOMMITTED).records
        if not records:
            raise StorageError(f"{log.topic_partition} cannot be read at offset {offset}")
        yield records
        *_, (_, last) = iterate_batches(records)
        offset = last.next_offset
