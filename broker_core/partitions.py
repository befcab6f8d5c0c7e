"""The open logs of a data directory: opening, creating, removing, syncing and checkpointing them.

Which partitions there should be is the catalog's word; what a log does with an append is the log's. This module knows
when bytes are durable and tells one listener; who waits for that is not its business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from broker_core.catalog import Topic
from broker_core.config import Durability, LogConfig
from broker_core.data_directory import LOGS_PATH
from broker_core.decision import Marker
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.log.partition_log import PartitionLog
from broker_core.log.results import AppendResult, PendingSync
from broker_core.model import LeaderEpoch, Offset, TopicPartition
from broker_core.outcome import SyncResult
from broker_core.partition_directories import (
    create_partition_log,
    directory_of,
    open_partition_log,
    remove_strays,
)
from broker_core.ports import Filesystem, Observer
from broker_core.recovery_points import RecoveryPoints
from broker_core.sync_schedule import SyncSchedule

CHECKPOINT_INTERVAL_MS: Final = 60_000
"""How often recovery points are written (Kafka's log.flush.offset.checkpoint.interval.ms): bounds a restart's scan."""


class ProgressListener(Protocol):
    """Hears what happens to partitions."""

    def advanced(self, partition: TopicPartition, synced_offset: Offset) -> None:
        """Everything below ``synced_offset`` is durable; readers may see more than before."""

    def lost(self, partition: TopicPartition, code: ErrorCode) -> None:
        """The log has failed (``KAFKA_STORAGE_ERROR``) or was removed: nobody need wait for it any longer."""


class Partitions:
    """All logs of one broker.

    Arguments:
        filesystem: the data directory.
        durability: whether an append counts when synced, or at once.
        sync_interval_ms: for ``Durability.INTERVAL``.
        observer: handed to the logs.
        listener: hears of progress and failure.

    Attributes:
        logs: by partition; not to be changed by others.
        durable: everything below these offsets is on disk; not to be changed by others.
        cleaned_offsets: how far compaction took keys into account, kept by who compacts; written with checkpoints.
    """

    def __init__(
        self, filesystem: Filesystem, durability: Durability, observer: Observer, listener: ProgressListener, *,
        sync_interval_ms: int = 0,
    ) -> None:  # fmt: skip
        self._filesystem = filesystem
        self._schedule = SyncSchedule(durability, sync_interval_ms)
        self._observer = observer
        self._listener = listener
        self._points = RecoveryPoints(filesystem, observer)
        self._leader_epoch: LeaderEpoch = 0
        self._dirty: dict[TopicPartition, PartitionLog] = {}
        self._wave: dict[TopicPartition, PartitionLog] = {}
        self._discarded: list[PartitionLog] = []
        self.durable: dict[TopicPartition, Offset] = {}
        self._next_checkpoint_ms = 0
        self.logs: dict[TopicPartition, PartitionLog] = {}
        self.cleaned_offsets: dict[TopicPartition, Offset] = {}

    # -- which logs there are

    def open(
        self,
        topics: Iterable[tuple[Topic, LogConfig]],
        *,
        leader_epoch: LeaderEpoch,
        was_clean: bool,
        now_ms: int,
    ) -> None:
        """Open the log of every partition, and remove directories that belong to no topic.

        Arguments:
            topics: what the catalog lists, with the settings of the logs.
            leader_epoch: of every partition in this run.
            was_clean: nothing need be scanned.

        Raises:
            StorageError: a log holds what it should not.
            OSError: the disk fails.
        """
        self._leader_epoch = leader_epoch
        wanted = _by_partition(topics)
        self._filesystem.make_directory(LOGS_PATH)
        self._filesystem.sync_directory("")
        self._points.load()
        topic_ids = {partition: topic.id for partition, (topic, _) in wanted.items()}
        owned = remove_strays(self._filesystem, topic_ids, self._observer)
        self._points.retain(dict.fromkeys(owned))
        for partition, (topic, config) in wanted.items():
            log = open_partition_log(
                self._filesystem, topic, partition, config, now_ms, self._observer, self._points,
                clean=was_clean and partition in owned, leader_epoch=leader_epoch,
            )  # fmt: skip
            self.logs[partition], self.durable[partition] = log, log.end_offset
        if not was_clean:
            # A process that was killed may have made directories and not lived to sync their entries: without this the
            # next power loss takes them away, with all that is synced inside.
            self._filesystem.sync_directory(LOGS_PATH)
        self.cleaned_offsets = dict(self._points.cleaned_offsets)
        self._next_checkpoint_ms = now_ms + CHECKPOINT_INTERVAL_MS

    def find(self, partition: TopicPartition) -> PartitionLog:
        """The log of ``partition``; raises BrokerError ``UNKNOWN_TOPIC_OR_PARTITION``."""
        log = self.logs.get(partition)
        if log is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no partition {partition}")
        return log

    def create(self, wanted: Iterable[tuple[Topic, LogConfig, Iterable[int]]]) -> None:
        """Create the logs of new partitions, with two syncs for each and one for them all.

        Arguments:
            wanted: topics with their logs' settings and the indexes of the new partitions.

        Raises:
            OSError: no log was created; directories may be left, and are cleared when their names are used again.
        """
        created: dict[TopicPartition, PartitionLog] = {}
        try:
            for topic, config, indexes in wanted:
                for index in indexes:
                    partition = TopicPartition(topic.name, index)
                    created[partition] = create_partition_log(
                        self._filesystem, topic, partition, config, self._observer, leader_epoch=self._leader_epoch
                    )
            if created:
                self._filesystem.sync_directory(LOGS_PATH)
        except BaseException:
            for log in created.values():
                log.mark_failed("its creation failed")
                log.close(0)
            raise
        self.logs.update(created)
        self.durable.update(dict.fromkeys(created, 0))

    def configure(self, changed: Iterable[tuple[Topic, LogConfig]]) -> None:
        """Let the open logs of these topics go by other settings from now on."""
        for topic, config in changed:
            for index in range(topic.partitions):
                log = self.logs.get(TopicPartition(topic.name, index))
                if log is not None:
                    log.configure(config)

    def remove(self, topic: str) -> None:
        """Remove all logs of ``topic``; files that a sync wave uses are closed after it. Raises OSError."""
        gone = sorted(partition for partition in self.logs if partition.topic == topic)
        for partition in gone:
            log = self.logs.pop(partition)
            log.mark_failed(f"topic {topic!r} was deleted")
            self._dirty.pop(partition, None)
            self.durable.pop(partition, None)
            self.cleaned_offsets.pop(partition, None)
            self._schedule.taken(partition)
            if partition in self._wave:
                self._discarded.append(self._wave.pop(partition))
            else:
                log.close(0)
            self._listener.lost(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        self._points.retain(self.logs)
        for partition in gone:
            self._filesystem.remove_tree(directory_of(partition))
        self._filesystem.sync_directory(LOGS_PATH)

    def close(self, now_ms: int) -> bool:
        """Close all logs and write the last checkpoint.

        Returns:
            whether the next open may trust everything; False if a log has failed.

        Raises:
            StorageError, OSError: something could not be written; all logs are closed all the same.
        """
        assert not self._wave, "a sync wave is under way"
        is_clean = not any(log.has_failed for log in self.logs.values())
        problem: StorageError | None = None
        for partition, log in self.logs.items():
            try:
                log.close(now_ms, since=self.durable[partition])
                if not log.has_failed:
                    self.durable[partition] = log.end_offset
            except StorageError as error:
                problem = error
        if problem is not None:
            raise problem
        self.write_points()
        self.logs = {}
        return is_clean

    # -- appends and syncs

    def append(self, log: PartitionLog, batch: bytes, now_ms: int, *, from_coordinator: bool = False) -> AppendResult:
        """Append a batch. Raises as ``PartitionLog.append``."""
        result = log.append(batch, now_ms, from_coordinator=from_coordinator)
        self._appended(log, now_ms)
        return result

    def append_marker(self, log: PartitionLog, marker: Marker, now_ms: int) -> AppendResult:
        """Append a transaction's end. Raises as ``PartitionLog.append_marker``."""
        result = log.append_marker(
            marker.producer_id, marker.producer_epoch, marker.coordinator_epoch, marker.commit, now_ms
        )
        self._appended(log, now_ms)
        return result

    def pending_syncs(self) -> tuple[PendingSync, ...]:
        """The next wave: every log with bytes to be synced. Empty while a wave is under way."""
        if self._wave or not self._dirty:
            return ()
        dirty, self._dirty = self._dirty, {}
        wave = []
        for partition, log in dirty.items():
            self._schedule.taken(partition)
            pending = log.pending_sync(self.durable[partition])
            if pending is not None:
                wave.append(pending)
                self._wave[partition] = log
            elif log.has_failed:
                self._listener.lost(partition, ErrorCode.KAFKA_STORAGE_ERROR)
        return tuple(wave)

    def synced(self, result: SyncResult) -> None:
        """The wave is over. Logs that were removed meanwhile are let go."""
        wave, self._wave = self._wave, {}
        for pending in result.done:
            partition = pending.topic_partition
            log = wave.get(partition)
            if log is not None and not log.has_failed:
                log.mark_synced(pending.end_offset)
                self.durable[partition] = pending.end_offset
                self._listener.advanced(partition, pending.end_offset)
        for pending, error in result.failed:
            log = wave.get(pending.topic_partition)
            if log is not None:
                log.mark_failed(f"a sync failed: {error}")
        for partition, log in wave.items():
            if log.has_failed:
                self._dirty.pop(partition, None)
                self._listener.lost(partition, ErrorCode.KAFKA_STORAGE_ERROR)
        while self._discarded:
            self._discarded.pop().close(0)

    def sync_if_due(self, now_ms: int) -> None:
        """Put into the next wave what has counted for long enough without a sync."""
        for partition in self._schedule.due(now_ms):
            self._dirty[partition] = self.logs[partition]

    def _appended(self, log: PartitionLog, now_ms: int) -> None:
        partition, end = log.topic_partition, log.end_offset
        if self._schedule.waits(log.config):
            self._dirty[partition] = log
            return
        log.mark_synced(end)
        self._listener.advanced(partition, end)
        if self._schedule.appended(partition, end - self.durable[partition], log.config, now_ms):
            self._dirty[partition] = log

    # -- checkpoints

    def next_deadline(self) -> int:
        """When the next checkpoint or sync is due, in ms."""
        return min(self._next_checkpoint_ms, self._schedule.next_ms)

    def checkpoint_if_due(self, now_ms: int) -> None:
        """Once in ``CHECKPOINT_INTERVAL_MS`` write what is durable. A failure is told to the observer only.

        With ``Durability.NONE`` nothing becomes durable by itself: the next wave syncs all, for the next checkpoint.
        """
        if now_ms < self._next_checkpoint_ms <= now_ms + CHECKPOINT_INTERVAL_MS:  # else due, or the clock went back
            return
        self._next_checkpoint_ms = now_ms + CHECKPOINT_INTERVAL_MS
        try:
            self.write_points()
        except OSError as error:
            self._observer.event("broker.checkpoint_failed", reason=str(error))
        if not self._schedule.syncs_everything:
            self._dirty = {
                partition: log for partition, log in self.logs.items() if log.end_offset > self.durable[partition]
            }

    def write_points(self) -> None:
        """Make the starts of all logs durable, and what else checkpoints hold. Raises OSError."""
        starts = {partition: min(log.start_offset, self.durable[partition]) for partition, log in self.logs.items()}
        self._points.write(self.durable, starts, self.cleaned_offsets)


def _by_partition(topics: Iterable[tuple[Topic, LogConfig]]) -> dict[TopicPartition, tuple[Topic, LogConfig]]:
    return {
        TopicPartition(topic.name, index): (topic, config)
        for topic, config in topics
        for index in range(topic.partitions)
    }
