"""What a partition's log answers with. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from broker_core.log.aborted import AbortedTransaction
from broker_core.model import LeaderEpoch, Offset, TimestampMs, TopicPartition
from broker_core.ports import File


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendResult:
    """Where a batch is. ``log_append_time_ms`` is -1 unless the topic stamps LogAppendTime."""

    base_offset: Offset
    last_offset: Offset
    log_append_time_ms: TimestampMs
    duplicate: bool = False
    """The batch was in the log already; nothing was written, the offsets are the original's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """Whole batches, the first of which may begin before the offset asked for, and the log's bounds at that moment."""

    records: bytes
    high_watermark: Offset
    last_stable_offset: Offset
    start_offset: Offset
    aborted: tuple[AbortedTransaction, ...] = ()
    """For read_committed: the aborted transactions that overlap ``records``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSync:
    """Sync all ``files``; then everything below ``end_offset`` is durable and ``mark_synced`` may be told so."""

    topic_partition: TopicPartition
    files: tuple[File, ...]
    end_offset: Offset


class SegmentFacts(NamedTuple):
    """What plans know of a segment; the last one of a log is active."""

    base_offset: Offset
    next_offset: Offset
    size_bytes: int
    max_timestamp: TimestampMs
    """The largest in it; -1 if unknown or empty."""


class FoundOffset(NamedTuple):
    """A record found by its timestamp."""

    timestamp: TimestampMs
    offset: Offset
    leader_epoch: LeaderEpoch
