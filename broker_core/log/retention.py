"""Which segments of a log may go, by age, by size, and because the log starts behind them. PURE.

Whole segments from the front only, and never anything that is not durable (Kafka's ``deleteOldSegments``). Carrying the
plan out is ``upkeep``'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker_core.config import LogConfig
from broker_core.log.results import SegmentFacts
from broker_core.model import Offset, TimestampMs

UNLIMITED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """What to do, in this order."""

    roll: bool
    """Everything may go, the active segment too: begin a new one first."""
    start_offset: Offset
    """The log's start becomes this; segments that end at or below it are removed."""
    count: int
    """How many segments that is."""


def plan_retention(
    segments: Sequence[SegmentFacts], config: LogConfig, *, start_offset: Offset, durable_offset: Offset, now_ms: int
) -> RetentionPlan | None:
    """What may be deleted now; None if that is nothing.

    Arguments:
        segments: all of the log, oldest first, the active one last.
        start_offset: of the log: deletions by clients and by earlier plans have raised it.
        durable_offset: nothing at or above it may go.
    """
    count = max(
        _below(segments, start_offset),
        _too_old(segments, config, now_ms) if "delete" in config.cleanup_policy else 0,
        _too_many(segments, config) if "delete" in config.cleanup_policy else 0,
    )
    while count and segments[count - 1].next_offset > durable_offset:
        count -= 1
    if not count:
        return None
    last = segments[count - 1]
    return RetentionPlan(roll=count == len(segments), start_offset=max(start_offset, last.next_offset), count=count)


def _below(segments: Sequence[SegmentFacts], start_offset: Offset) -> int:
    """Sealed segments that end at or below the start."""
    count = 0
    while count < len(segments) - 1 and segments[count].next_offset <= start_offset:
        count += 1
    return count


def _too_old(segments: Sequence[SegmentFacts], config: LogConfig, now_ms: TimestampMs) -> int:
    """Those whose newest record is older than ``retention.ms``, and those without a time between them.

    A timestamp in the future holds everything behind it up. A segment whose records have no time, or that compaction
    left without a record, goes with the next one that has an age.
    """
    if config.retention_ms == UNLIMITED:
        return 0
    count = 0
    for index, segment in enumerate(segments):
        is_young = segment.max_timestamp >= 0 and now_ms - segment.max_timestamp <= config.retention_ms
        if not segment.size_bytes or is_young:
            break
        if segment.max_timestamp >= 0:
            count = index + 1
    return count


def _too_many(segments: Sequence[SegmentFacts], config: LogConfig) -> int:
    """Those without which at least ``retention.bytes`` are left."""
    if config.retention_bytes < 0:
        return 0
    excess = sum(segment.size_bytes for segment in segments) - config.retention_bytes
    count = 0
    for segment in segments:
        if not segment.size_bytes or excess < segment.size_bytes:
            break
        excess -= segment.size_bytes
        count += 1
    return count
