"""The broker: owns a data directory and answers requests; no sockets, no threads, no clock, no sleeping.

One thread calls it. A shell (the embedded transport, the server) feeds it requests and time, carries out the file syncs
that it names, and sends the replies that it releases. What an API does lives in ``handlers``; how logs, groups and
transactions work lives below them. Nothing here knows a byte of a message.

The shell's loop::

    outcome = broker.handle(connection, request, now_ms)      # Reply, Parked(token) or NoReply
    wave = broker.pending_syncs()                             # fdatasync all files of the wave, concurrently if it likes
    broker.synced(SyncResult(done=wave), now_ms)              # one wave at a time
    for token, body in broker.released(): ...                 # after every handle, synced and tick
    broker.tick(now_ms)                                       # at the latest at broker.next_deadline()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker_core.config import BrokerConfig
from broker_core.outcome import Connection, NoReply, Outcome, Parked, Released, Reply, SyncResult
from broker_core.ports import Filesystem, NullObserver, Observer, Random

if TYPE_CHECKING:
    from broker_core.log.partition_log import PendingSync
    from broker_core.protocol.framing import Request

__all__ = ["Broker", "Connection", "NoReply", "Outcome", "Parked", "Released", "Reply", "SyncResult"]


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
        self._config = config
        self._filesystem = filesystem
        self._random = random
        self._observer = observer or NullObserver()

    def open(self, now_ms: int) -> None:
        """Claim the data directory, recover every log, load the coordinators and finish prepared transactions.

        Raises:
            DataDirectoryError: the directory is in use, written by a newer version, or not writable.
            StorageError: a file holds what it should not.
        """
        raise NotImplementedError

    def handle(self, connection: Connection, request: Request, now_ms: int) -> Outcome:
        """Carry out one request.

        Returns:
            ``Reply`` with the answer; ``Parked`` when it comes later through ``released`` (requests of one connection
            that arrive meanwhile may be handled, but are to be answered in order); ``NoReply`` for ``acks=0``.

        Raises:
            ProtocolError: no such API or version; the connection is to be closed.
        """
        raise NotImplementedError

    def released(self) -> list[Released]:
        """Answers of parked requests that became ready since the last call, each returned once."""
        raise NotImplementedError

    def pending_syncs(self) -> tuple[PendingSync, ...]:
        """The files with bytes that somebody waits for, one entry per partition; empty when there is nothing to do.

        The shell syncs all their files and then calls ``synced``; until then it does not call this again.
        """
        raise NotImplementedError

    def synced(self, result: SyncResult, now_ms: int) -> None:
        """Take note of a sync wave: raise high watermarks, release replies, fail logs whose files failed."""
        raise NotImplementedError

    def tick(self, now_ms: int) -> None:
        """Do what is due: expire fetches and transactions, write checkpoints. Early and repeated calls are harmless."""
        raise NotImplementedError

    def next_deadline(self) -> int | None:
        """When ``tick`` has work next, in ms; ``None`` for never."""
        raise NotImplementedError

    def close(self, now_ms: int) -> None:
        """Sync and close everything so that the next ``open`` scans nothing, and give up the directory.

        What became ready meanwhile is still to be had from ``released``. A second call does nothing.
        """
        raise NotImplementedError
