"""Appending: checks, the place in the log, one write, and what is remembered of it.

It owns the order check - write - record, and what happens when the write fails. What is durable is ``partition_log``'s.
"""

from __future__ import annotations

import errno
from typing import Final

import google_crc32c

from broker_core.config import LogConfig
from broker_core.errors import StorageError
from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.producer_state import ProducerStates
from broker_core.log.results import AppendResult
from broker_core.log.segments import SegmentList
from broker_core.log.validation import LOG_APPEND_TIME, admit, stamp
from broker_core.model import NO_TIMESTAMP, LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs
from broker_core.ports import Observer
from broker_core.protocol.batch import BatchHeader, control_batch, read_header

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Failures of a write that say nothing bad about the bytes already there."""


class LogWriter:
    """Writes to the active segment of ``segments``; shares the log's producers and epochs.

    Attributes:
        failure: why the log is given up; None while it is healthy.
    """

    def __init__(
        self,
        directory: LogDirectory,
        observer: Observer,
        segments: SegmentList,
        producers: ProducerStates,
        epochs: LeaderEpochs,
        *,
        leader_epoch: LeaderEpoch,
        is_sealed: bool = False,
    ) -> None:
        self._directory = directory
        self._is_sealed = is_sealed
        self._topic_partition = directory.topic_partition
        self._observer = observer
        self._segments = segments
        self._producers = producers
        self._epochs = epochs
        self._leader_epoch = leader_epoch
        self.failure: str | None = None
        self.configure(directory.config)

    def configure(self, config: LogConfig) -> None:
        """See ``PartitionLog.configure``."""
        self._config = config
        self._stamps_time = config.message_timestamp_type == LOG_APPEND_TIME

    def append(self, batch: bytes, now_ms: TimestampMs, *, from_coordinator: bool) -> AppendResult:
        """See ``PartitionLog.append``."""
        self.require_healthy()
        header, batch = admit(batch, self._config, now_ms, from_coordinator=from_coordinator)
        if header.producer_id >= 0:
            duplicate = self._producers.check(header, from_coordinator=from_coordinator)
            if duplicate is not None:
                return AppendResult(
                    base_offset=duplicate.first_offset,
                    last_offset=duplicate.last_offset,
                    log_append_time_ms=duplicate.timestamp if self._stamps_time else NO_TIMESTAMP,
                    duplicate=True,
                )
        if self._stamps_time and not from_coordinator:
            return self._write(batch, header, now_ms)
        return self._write(batch, header, None)

    def append_marker(
        self,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        coordinator_epoch: int,
        commit: bool,
        now_ms: TimestampMs,
    ) -> AppendResult:
        """See ``PartitionLog.append_marker``."""
        self.require_healthy()
        self._producers.check_marker(producer_id, producer_epoch, coordinator_epoch)
        batch = control_batch(producer_id, producer_epoch, coordinator_epoch, commit, now_ms)
        header = read_header(batch)
        result = self._write(batch, header, None)
        abort = self._producers.record_marker(
            header, result.base_offset, commit=commit, coordinator_epoch=coordinator_epoch
        )
        if abort is not None:
            self._segments.active.aborted.append(abort)
        return result

    def _write(self, batch: bytes, header: BatchHeader, append_time_ms: TimestampMs | None) -> AppendResult:
        if append_time_ms is not None:
            header = header._replace(max_timestamp=append_time_ms)
        size = len(batch)
        base = self._segments.active.next_offset
        last = base + header.last_offset_delta
        self._roll_if_due(size, last, header.max_timestamp)
        segment = self._segments.active
        self._is_sealed = False
        data = stamp(batch, base, self._leader_epoch, append_time_ms)
        try:
            segment.file.write_at(segment.size_bytes, data)
        except OSError as error:
            raise self._undo(error) from error
        if self._leader_epoch != self._epochs.latest:
            self._epochs.assign(self._leader_epoch, base)
        segment.note(size, last, header.max_timestamp)
        if header.producer_id >= 0 and not header.is_control:
            self._producers.record(header, base)
        return AppendResult(
            base_offset=base,
            last_offset=last,
            log_append_time_ms=NO_TIMESTAMP if append_time_ms is None else append_time_ms,
        )

    def _roll_if_due(self, size: int, last_offset: Offset, timestamp: TimestampMs) -> None:
        segment, config = self._segments.active, self._config
        if not segment.size_bytes:
            return
        age_ms = timestamp - segment.first_timestamp
        limit_ms = config.segment_ms - self._jitter_ms(segment.base_offset)
        if config.is_compacted:  # only sealed segments are compacted
            limit_ms = min(limit_ms, config.max_compaction_lag_ms)
        aged = segment.first_timestamp >= 0 and age_ms > limit_ms
        if not aged and not segment.is_full(size, last_offset, config.segment_bytes, config.segment_index_bytes):
            return
        self.roll()

    def roll(self) -> None:
        """Go on in a new segment. Raises StorageError."""
        try:
            self._segments.roll(self._producers, self._epochs)
        except OSError as error:
            raise self._undo(error) from error
        self._is_sealed = False
        self._observer.event(
            "log.rolled", partition=str(self._topic_partition), base_offset=self._segments.active.base_offset
        )

    def _jitter_ms(self, base_offset: Offset) -> int:
        """What a segment's life is shortened by: the same after a restart, another one for the next segment."""
        jitter_ms = min(self._config.segment_jitter_ms, self._config.segment_ms)
        if not jitter_ms:
            return 0
        checksum: int = google_crc32c.value(f"{self._topic_partition}/{base_offset}".encode())
        return checksum % jitter_ms

    def _undo(self, error: OSError) -> StorageError:
        """Cut off what a failed write left. If that fails too, or the disk is broken, the log is given up.

        The cut is synced at once: nobody waits for a sync of nothing, and after power loss the part that was written
        might be back behind the end of a log that was sealed or closed in the meantime.
        """
        segment = self._segments.active
        try:
            segment.file.truncate(segment.size_bytes)
            segment.file.sync()
            segment.file_bytes = 0
        except OSError as second:
            return self.give_up(f"writing {segment.path()} failed ({error}), and so did the clean-up ({second})")
        if error.errno not in _NO_SPACE:
            return self.give_up(f"writing {segment.path()} failed: {error}")
        return StorageError(
            f"no space to append to {segment.file.path} at position {segment.size_bytes}: {error}. Nothing was "
            "written; free some space and send it again"
        )

    def give_up(self, reason: str) -> StorageError:
        """Let every later call fail; returns the error that they raise. The first reason counts."""
        if self.failure is None:
            self.failure = reason
            self._observer.event("log.failed", partition=str(self._topic_partition), reason=reason)
        return StorageError(f"the log of {self._topic_partition} is given up: {self.failure}; check the disk, restart")

    def require_healthy(self) -> None:
        """Raises StorageError once the log is given up."""
        if self.failure is not None:
            raise self.give_up(self.failure)

    def close(self, now_ms: TimestampMs, synced_offset: Offset) -> None:
        """See ``PartitionLog.close``."""
        try:
            if self.failure is None and not self._is_sealed:
                for file in self._segments.unsynced_files(synced_offset):
                    file.sync()
                self._producers.expire(now_ms, self._config.producer_id_expiration_ms)
                self._directory.seal(self._segments.active, self._epochs)
                self._directory.write_snapshot(self._segments.active.next_offset, self._producers)
                self._directory.write_epochs(self._epochs)
                self._directory.sync()
        except OSError as error:
            raise self.give_up(f"closing failed: {error}") from error
        finally:
            self._segments.close()
