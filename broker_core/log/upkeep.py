"""Work on a log between requests, in small steps: what it is (``Work``), and carrying out a retention plan.

A step is what happens between two yields. Plans are ``retention``'s, compaction's steps ``cleaner``'s, and who lets
which log take a step when is ``housekeeping``'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from broker_core.log.partition_log import PartitionLog
from broker_core.log.results import SegmentFacts
from broker_core.log.retention import plan_retention
from broker_core.model import Offset, TimestampMs
from broker_core.ports import File

Work: TypeAlias = Generator[File | None, None, Offset]
"""Yields after every step: None to be called again, or a file that must be synced before that. A failed sync is thrown
in as the OSError that it is. A log may be closed or removed in between: then the work is closed, never called again."""


def segment_facts(log: PartitionLog) -> list[SegmentFacts]:
    """Every segment of ``log``, the active one last. Raises OSError."""
    return [segment.facts() for segment in log.parts.segments]


def retain(
    log: PartitionLog, now_ms: TimestampMs, durable_offset: Offset, persist_start: Callable[[], None] | None = None
) -> Work:
    """Delete what retention and the log's start offset let go, a segment a step, oldest first and each durably.

    The start offset rises first, durably: what readers were told to be gone stays gone, and segments that are missing
    at or above it are damage. A crash leaves a log without a gap that begins with an older segment.

    Arguments:
        durable_offset: nothing at or above it is deleted.
        persist_start: makes the log's start durable; raises OSError, and then nothing is removed.

    Returns:
        the log's start offset.

    Raises:
        StorageError: rolling failed.
        OSError: removing failed; the log goes on with one segment more on disk than it uses.
    """
    directory, segments, _, epochs, reader, writer = log.parts
    plan = plan_retention(
        segment_facts(log), directory.config, start_offset=log.start_offset, durable_offset=durable_offset,
        now_ms=now_ms,
    )  # fmt: skip
    if plan is None:
        return log.start_offset
    if plan.roll:
        writer.roll()
        yield None
    log.delete_records_before(plan.start_offset)
    if persist_start is not None:
        persist_start()
    for _ in range(plan.count):
        try:
            segments.drop_first()
        finally:
            reader.forget()
        epochs.start_at(segments.first.base_offset)  # what is still there keeps its epoch
        yield None
    return log.start_offset
