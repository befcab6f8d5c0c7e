"""Retention and compaction of all logs, one small step at a time between requests.

It decides whose turn it is and how long to pause; what may be deleted or compacted, and what a step is, is decided in
``log``. Files that a step wants synced travel with the sync waves of appends: the thread that answers requests never
waits for them.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from broker_core.errors import StorageError
from broker_core.log.cleaner import compact
from broker_core.log.compaction import plan_compaction
from broker_core.log.partition_log import PartitionLog
from broker_core.log.results import PendingSync
from broker_core.log.upkeep import Work, retain, segment_facts
from broker_core.model import NO_OFFSET, TopicPartition
from broker_core.outcome import SyncResult
from broker_core.partitions import Partitions
from broker_core.ports import File, Observer

CHECK_INTERVAL_MS: Final = 15_000
"""Between two rounds over all logs (Kafka's log.cleaner.backoff.ms; its retention looks every five minutes)."""
STEP_PAUSE_MS: Final = 10
"""After a step: with steps of 128 KiB compaction reads at most 12 MiB/s and leaves most of the thread to requests."""
LOGS_PER_STEP: Final = 32
"""Logs that are only looked at, in one step: some 10 us each, and 2 us for each segment."""
SEGMENTS_PER_STEP: Final = 1_000
"""The step ends with the log that reaches this."""


class Housekeeping:
    """Works through the logs of ``partitions``, round after round.

    Arguments:
        partitions: the logs; compaction notes its progress there.
        observer: hears what was deleted and compacted, and what failed.
    """

    def __init__(self, partitions: Partitions, observer: Observer) -> None:
        self._partitions = partitions
        self._observer = observer
        self._queue: deque[TopicPartition] = deque()
        self._work: Work | None = None
        self._log: PartitionLog | None = None
        self._file: File | None = None
        self._is_syncing = False
        self._failure: OSError | None = None
        self._uncleanable: dict[TopicPartition, PartitionLog] = {}
        self._due_ms = 0

    def open(self, now_ms: int) -> None:
        """The logs are open: the first round comes after one interval."""
        self._due_ms = now_ms + CHECK_INTERVAL_MS

    def tick(self, now_ms: int) -> None:
        """Take one step if one is due."""
        if self._file is not None or now_ms < self._due_ms:
            return
        self._due_ms = now_ms + STEP_PAUSE_MS
        if self._work is not None:
            self._advance()
            return
        if not self._queue:
            self._queue.extend(sorted(self._partitions.logs))
        segments = 0
        for _ in range(LOGS_PER_STEP):
            if segments >= SEGMENTS_PER_STEP:
                return
            if not self._queue:
                self._due_ms = now_ms + CHECK_INTERVAL_MS
                return
            partition = self._queue.popleft()
            log = self._partitions.logs.get(partition)
            if log is not None and not log.has_failed:
                segments += len(log.parts.segments)
                self._log, self._work = log, self._tend(partition, log, now_ms)
                self._advance()
                if self._work is not None:
                    return

    def next_deadline(self) -> int | None:
        """When ``tick`` has a step to take, in ms; None while a file has to be synced first."""
        return None if self._file is not None else self._due_ms

    def clock_went_back(self, now_ms: int) -> None:
        """The next step comes after at most one pause."""
        self._due_ms = min(self._due_ms, now_ms + STEP_PAUSE_MS)

    def pending_syncs(self) -> tuple[PendingSync, ...]:
        """The file that the next step waits for, as part of a sync wave; each is named once."""
        if self._file is None or self._is_syncing:
            return ()
        assert self._log is not None
        self._is_syncing = True
        return (PendingSync(topic_partition=self._log.topic_partition, files=(self._file,), end_offset=NO_OFFSET),)

    def synced(self, result: SyncResult) -> SyncResult:
        """Take note of a wave; returns the part of it that is not housekeeping's."""
        if not self._is_syncing:
            return result
        self._is_syncing, self._file = False, None
        for pending, error in result.failed:
            if pending.end_offset == NO_OFFSET:
                self._failure = error
        return SyncResult(
            done=tuple(pending for pending in result.done if pending.end_offset != NO_OFFSET),
            failed=tuple(failure for failure in result.failed if failure[0].end_offset != NO_OFFSET),
        )

    def close(self) -> None:
        """Give up what is under way; the next open clears it away. No wave is under way."""
        if self._work is not None:
            self._work.close()
        self._work = self._log = self._file = None
        self._queue.clear()

    # -- inside

    def _tend(self, partition: TopicPartition, log: PartitionLog, now_ms: int) -> Work:
        """Retention of one log, then its compaction."""
        before = log.start_offset
        durable = min(log.high_watermark, self._partitions.durable[partition])
        start = yield from retain(log, now_ms, durable, self._partitions.write_points)
        if start != before:
            self._observer.event("log.retained", partition=str(partition), start_offset=start)
        if not log.config.is_compacted or self._uncleanable.get(partition) is log:
            return start
        plan = plan_compaction(
            segment_facts(log),
            log.config,
            first_dirty=self._partitions.cleaned_offsets.get(partition, 0),
            stable_offset=min(log.last_stable_offset, self._partitions.durable[partition]),
            now_ms=now_ms,
        )
        if plan is None:
            return start
        size = log.size_bytes
        try:
            end = yield from compact(log, plan, now_ms)
        except StorageError:
            self._uncleanable[partition] = log  # damage stays until somebody opens the log anew
            raise
        self._partitions.cleaned_offsets[partition] = end
        self._observer.event(
            "log.compacted", partition=str(partition), cleaned_offset=end, dirty_ratio=plan.dirty_ratio,
            freed_bytes=size - log.size_bytes,
        )  # fmt: skip
        return end

    def _advance(self) -> None:
        """Let the work take its next step; forget it when it is over."""
        work, log = self._work, self._log
        assert work is not None and log is not None
        failure, self._failure = self._failure, None
        self._file = None
        try:
            if self._partitions.logs.get(log.topic_partition) is not log:  # deleted meanwhile
                work.close()
            else:
                self._file = next(work) if failure is None else work.throw(failure)
                return
        except StopIteration:
            pass
        except (OSError, StorageError) as error:
            self._observer.event("log.upkeep_failed", partition=str(log.topic_partition), reason=str(error))
        self._work = self._log = None
