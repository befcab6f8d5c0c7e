"""One partition's log: what may be appended, what may be read, what is durable.

The facade over ``segments``, ``writer``, ``reader``, ``producer_state``, ``epochs`` and ``recovery``. An append never
waits for a sync: the log says what is to be synced (``pending_sync``) and is told when that is done
(``mark_synced``). Nobody reads beyond the synced offset. Retention and compaction are ``upkeep``'s and ``cleaner``'s.
"""

from __future__ import annotations

from typing import NamedTuple

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.log.aborted import AbortedTransaction, collect_aborts
from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.producer_state import OpenTransaction, ProducerEntry, ProducerStates
from broker_core.log.reader import LogReader
from broker_core.log.recovery import RecoveredLog, first_segment, recover
from broker_core.log.results import AppendResult, FoundOffset, PendingSync, ReadResult
from broker_core.log.segments import SegmentList
from broker_core.log.writer import LogWriter
from broker_core.model import (
    Isolation,
    LeaderEpoch,
    Offset,
    ProducerEpoch,
    ProducerId,
    TimestampMs,
    TopicPartition,
)
from broker_core.ports import Filesystem, Observer

__all__ = [
    "AbortedTransaction", "AppendResult", "FoundOffset", "OpenTransaction", "PartitionLog", "PendingSync", "ReadResult",
]  # fmt: skip


class LogParts(NamedTuple):
    """The parts of one log."""

    directory: LogDirectory
    segments: SegmentList
    producers: ProducerStates
    epochs: LeaderEpochs
    reader: LogReader
    writer: LogWriter


class PartitionLog:
    """The log of one partition; made by ``open``. Belongs to one thread.

    Attributes:
        topic_partition, config: as given to ``open``.
        leader_epoch: stamped into every batch that is appended.
        start_offset: the first offset that may be read.
        high_watermark: readers see what lies below; grows with ``mark_synced``.
    """

    def __init__(
        self,
        directory: LogDirectory,
        recovered: RecoveredLog,
        observer: Observer,
        *,
        leader_epoch: LeaderEpoch,
    ) -> None:
        self.topic_partition = directory.topic_partition
        self.config = directory.config
        self.leader_epoch = leader_epoch
        self.start_offset = recovered.start_offset
        self._directory = directory
        self._producers = recovered.producers
        self._epochs = recovered.epochs
        self._segments = SegmentList(directory, recovered.segments)
        self._reader = LogReader(self._segments, self._epochs, gaps=self.config.may_have_gaps)
        self._writer = LogWriter(
            directory, observer, self._segments, self._producers, self._epochs,
            leader_epoch=leader_epoch, is_sealed=recovered.is_sealed,
        )  # fmt: skip
        self.high_watermark: Offset = self._segments.active.next_offset

    @classmethod
    def open(
        cls,
        filesystem: Filesystem,
        directory: str,
        topic_partition: TopicPartition,
        config: LogConfig,
        now_ms: TimestampMs,
        observer: Observer,
        *,
        clean: bool,
        recovery_point: Offset,
        leader_epoch: LeaderEpoch | None = None,
        start_offset: Offset | None = None,
    ) -> PartitionLog:
        """Open the log in ``directory``, or create it. Everything in it is durable when this returns.

        Arguments:
            directory: relative to the filesystem's root, such as ``logs/orders-0``.
            clean: the last owner ended with ``close``: nothing is scanned.
            recovery_point: an offset up to which the log was durable (``synced_offset`` at some moment; 0 if unknown).
                Drop it from the checkpoint when the topic is deleted: less data than this is an error.
            leader_epoch: this run's epoch, at least the last one's. None: go on with the log's newest.
            start_offset: what ``delete_records_before`` last returned, from the checkpoint of start offsets.

        Raises:
            StorageError: durable data is damaged or missing, or the disk failed; names file and position.
        """
        place = LogDirectory(filesystem=filesystem, path=directory, topic_partition=topic_partition, config=config)
        recovered = recover(
            place, observer, now_ms,
            clean=clean, recovery_point=recovery_point, leader_epoch=leader_epoch, start_offset=start_offset,
        )  # fmt: skip
        return cls(place, recovered, observer, leader_epoch=max(leader_epoch or 0, recovered.epochs.latest))

    def configure(self, config: LogConfig) -> None:
        """Go by ``config`` from the next append on. Whoever calls it has made it durable."""
        self.config = self._directory.config = config
        self._segments.active.index_interval_bytes = config.index_interval_bytes
        self._writer.configure(config)
        self._reader.gaps = config.may_have_gaps

    # -- where things stand

    @property
    def end_offset(self) -> Offset:
        """The offset that the next record gets."""
        return self._segments.active.next_offset

    @property
    def synced_offset(self) -> Offset:
        """Everything below is durable (or as durable as the caller of ``mark_synced`` wants it)."""
        return self.high_watermark

    @property
    def last_stable_offset(self) -> Offset:
        """Below it every transaction is decided, and its marker is below the high watermark."""
        return self._producers.stable_offset(self.high_watermark)

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments' logs."""
        return self._segments.size_bytes

    def open_transactions(self) -> tuple[OpenTransaction, ...]:
        """Transactions without a marker, oldest first: (producer id, epoch, first offset)."""
        return self._producers.open_transactions()

    def producers(self) -> tuple[ProducerEntry, ...]:
        """The producers that the log remembers, by id."""
        return self._producers.entries()

    # -- appending

    def append(self, batch: bytes, now_ms: TimestampMs, *, from_coordinator: bool = False) -> AppendResult:
        """Append one batch. It is neither durable nor readable before ``mark_synced``.

        Arguments:
            batch: one v2 record batch with base offset 0; not changed.
            from_coordinator: the broker itself writes: sequences, sizes and keys are not checked.

        Returns:
            Where it is; for a batch that the log has already, where that one is.

        Raises:
            BrokerError: refused by the rules of ``validation`` or ``producer_state``; nothing was written.
            StorageError: no space, and then the log is as before, or a failure after which the log is given up.
        """
        return self._writer.append(batch, now_ms, from_coordinator=from_coordinator)

    def append_marker(
        self,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        coordinator_epoch: int,
        commit: bool,
        now_ms: TimestampMs,
    ) -> AppendResult:
        """End a producer's transaction in this log; also valid where it has none open.

        Raises:
            BrokerError: INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED.
            StorageError: as for ``append``.
        """
        return self._writer.append_marker(producer_id, producer_epoch, coordinator_epoch, commit, now_ms)

    # -- reading

    def read(self, offset: Offset, max_bytes: int, isolation: Isolation, *, min_one: bool = True) -> ReadResult:
        """Batches from the one that holds ``offset`` on.

        Arguments:
            max_bytes: limit of the bytes returned; with ``min_one`` the first batch is returned whatever its size.
            isolation: up to the high watermark, or the last stable offset with the aborted transactions.

        Returns:
            Nothing (empty records) where nothing is to be read yet.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE below the start or beyond the end.
            StorageError: the batch at ``offset`` is damaged on disk, or the log is given up.
        """
        self._writer.require_healthy()
        if not self.start_offset <= offset <= self.end_offset:
            raise BrokerError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"offset {offset} of {self.topic_partition} is outside of {self.start_offset} to {self.end_offset}",
            )
        high_watermark = self.high_watermark
        stable = self._producers.stable_offset(high_watermark)
        committed = isolation is Isolation.READ_COMMITTED
        stop = stable if committed else high_watermark
        records = b""
        aborted: tuple[AbortedTransaction, ...] = ()
        if offset < stop:
            records, end = self._reader.read(offset, max_bytes, stop, min_one=min_one)
            if committed and records:
                segments = self._segments.from_offset(offset)
                aborted = collect_aborts((segment.aborted for segment in segments), offset, end)
        return ReadResult(
            records=records,
            high_watermark=high_watermark,
            last_stable_offset=stable,
            start_offset=self.start_offset,
            aborted=aborted,
        )

    def offset_for_timestamp(self, timestamp: TimestampMs) -> FoundOffset | None:
        """The first record with at least that timestamp, visible or not. Raises StorageError."""
        self._writer.require_healthy()
        return self._reader.find_timestamp(timestamp, self.start_offset)

    def offset_of_max_timestamp(self) -> FoundOffset | None:
        """The record with the largest timestamp; None in an empty log. Raises StorageError."""
        self._writer.require_healthy()
        return self._reader.find_max_timestamp(self.start_offset)

    def end_offset_for_epoch(self, epoch: LeaderEpoch) -> tuple[LeaderEpoch, Offset]:
        """The largest epoch not above ``epoch`` and the offset where it ends; ``(-1, -1)`` if unknown (KIP-101)."""
        return self._epochs.end_offset(epoch, self.leader_epoch, self.end_offset)

    # -- durability

    @property
    def has_failed(self) -> bool:
        """The log is given up."""
        return self._writer.failure is not None

    def pending_sync(self, since: Offset | None = None) -> PendingSync | None:
        """What to sync so that everything appended so far is durable; None if it is, or the log is given up.

        Arguments:
            since: everything below is durable; by default the synced offset. Whoever marks appends as synced that are
                not (``Durability.NONE``) has to say it, when it wants the bytes on disk after all.
        """
        since = self.high_watermark if since is None else since
        end = self.end_offset
        if self._writer.failure is not None or end <= since:
            return None
        return PendingSync(
            topic_partition=self.topic_partition, files=self._segments.unsynced_files(since), end_offset=end
        )

    def mark_synced(self, end_offset: Offset) -> None:
        """The files of a ``PendingSync`` are synced: readers may see everything below its ``end_offset``."""
        assert end_offset <= self.end_offset
        self.high_watermark = max(self.high_watermark, end_offset)

    def mark_failed(self, reason: str = "a sync failed") -> None:
        """Give the log up: what is on disk is unknown. Appends and reads raise StorageError until it is opened anew."""
        self._writer.give_up(reason)

    def delete_records_before(self, offset: Offset) -> Offset:
        """Raise the start to ``offset``; returns the start. Segments below it go with the next ``upkeep.retain``.

        Durable only once the caller has written it to its checkpoint of start offsets.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE beyond the high watermark.
            StorageError: the log is given up.
        """
        self._writer.require_healthy()
        if not 0 <= offset <= self.high_watermark:
            raise BrokerError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"cannot delete up to {offset}: the high watermark of {self.topic_partition} is {self.high_watermark}",
            )
        self.start_offset = max(self.start_offset, offset)
        return self.start_offset

    @property
    def parts(self) -> LogParts:
        """What retention and compaction work on; for ``upkeep`` and ``cleaner`` only."""
        return LogParts(self._directory, self._segments, self._producers, self._epochs, self._reader, self._writer)

    def close(self, now_ms: TimestampMs, *, since: Offset | None = None) -> None:
        """Sync everything, write what lets the next ``open`` skip the scan, and close. A failed log is only closed.
        ``since`` is as for ``pending_sync``.

        Raises:
            StorageError: not everything is on disk: the next open must not be ``clean``.
        """
        self._writer.close(now_ms, self.high_watermark if since is None else since)
        self.high_watermark = self.end_offset


def create_log(
    filesystem: Filesystem,
    directory: str,
    topic_partition: TopicPartition,
    config: LogConfig,
    observer: Observer,
    *,
    leader_epoch: LeaderEpoch,
) -> PartitionLog:
    """Begin a log in ``directory``, which exists and holds none.

    One directory sync makes everything in ``directory`` durable; that the directory itself is there is durable once the
    caller has synced its parent. Raises OSError.
    """
    place = LogDirectory(filesystem=filesystem, path=directory, topic_partition=topic_partition, config=config)
    empty = RecoveredLog(
        segments=[first_segment(place)], producers=ProducerStates(), epochs=LeaderEpochs(), start_offset=0
    )
    return PartitionLog(place, empty, observer, leader_epoch=leader_epoch)
