"""Carrying out a compaction: read the segments of a plan, write what is left, and put it in their place.

In small steps between requests, and crash-safe at each, as Kafka's LogCleaner has it (docs/formats/segment.md):

1. ``.log.cleaned`` and the files beside it are written and synced. A crash here leaves files that are removed at open.
2. They become ``.swap``, the log last, and only after the others are durable. With ``.log.swap`` the deed is done:
   opening finishes what follows (``LogDirectory.finish_swaps``).
3. The old files become ``.deleted``, the side files lose ``.swap``; once that is durable, so does the log.
4. What is ``.deleted`` is removed.

What stays is ``compaction``'s decision.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Final

from broker_core.errors import CorruptBatch
from broker_core.log.aborted import IndexedAbort
from broker_core.log.compaction import (
    MAX_MAP_BYTES,
    BatchFilter,
    CompactionPlan,
    OffsetMap,
    TransactionTracker,
    group_segments,
    last_records,
)
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.format import CLEANED, DELETED, LOG_SUFFIX, SIDE_SUFFIXES, SWAP
from broker_core.log.partition_log import PartitionLog
from broker_core.log.recovery import damaged
from broker_core.log.scan import BadBatchError, scan_batches
from broker_core.log.segment import Segment
from broker_core.log.upkeep import Work
from broker_core.model import Offset, TimestampMs
from broker_core.ports import File
from broker_core.protocol.batch import BatchHeader, read_header

STEP_BYTES: Final = 128 * 1024
"""Read, filtered and written in one step: some 2 ms of the thread (tests.benchmarks.housekeeping measures it)."""
SYNC_BYTES: Final = 1024 * 1024
"""Written between two syncs of the new segment: one large one at its end would hold up everybody's acknowledgements."""


def compact(
    log: PartitionLog,
    plan: CompactionPlan,
    now_ms: TimestampMs,
    *,
    step_bytes: int = STEP_BYTES,
    map_bytes: int = MAX_MAP_BYTES,
) -> Work:
    """Carry out ``plan``.

    Returns:
        the offset below which all keys are taken into account: the next plan's ``first_dirty``.

    Raises:
        StorageError: a segment is damaged; nothing is changed.
        OSError: the disk fails. Half-way through a swap the log is given up, before it nothing is changed.
    """
    segments, epochs = log.parts.segments, log.parts.epochs
    bases = {facts.base_offset for facts in plan.segments}
    covered = [segment for segment in segments if segment.base_offset in bases]
    aborts = [entry for segment in segments for entry in segment.aborted]
    newest = yield from _map_keys(covered, aborts, plan.first_dirty, step_bytes, map_bytes)
    batches = BatchFilter(
        newest=newest,
        transactions=TransactionTracker(aborts),
        producers=last_records(log.producers()),
        now_ms=now_ms,
        delete_retention_ms=log.config.delete_retention_ms,
    )
    by_base = {segment.base_offset: segment for segment in covered}
    in_reach = [facts for facts in plan.segments if facts.base_offset < newest.end]
    for group in group_segments(in_reach, log.config):
        old = [by_base[facts.base_offset] for facts in group]
        new = log.parts.directory.segment(old[0].base_offset, extension=CLEANED)
        try:
            yield from _write(new, old, batches, step_bytes, epochs)
        except BaseException:
            new.close()
            raise
        yield from _swap(log, old, new)
    return newest.end


def _batches(segment: Segment, step_bytes: int) -> Iterator[tuple[BatchHeader, bytes, bool]]:
    """Header and bytes of every batch, and whether a step's worth of bytes ends with it."""
    done = 0
    try:
        segment.prove()
        for scanned in scan_batches(
            segment.file, 0, segment.size_bytes, segment.base_offset, gaps=True, chunk_bytes=step_bytes
        ):
            size = scanned.header.size_bytes
            done += size
            yield scanned.header, scanned.data[scanned.start : scanned.start + size], done >= step_bytes
            done = 0 if done >= step_bytes else done
    except BadBatchError as bad:
        raise damaged(segment, bad) from bad
    except CorruptBatch as error:
        raise damaged(segment, BadBatchError(0, error.message)) from error


def _map_keys(
    segments: Sequence[Segment], aborts: Sequence[IndexedAbort], first_dirty: Offset, step_bytes: int, map_bytes: int
) -> Generator[File | None, None, OffsetMap]:
    newest = OffsetMap(first_dirty, map_bytes)
    transactions = TransactionTracker(entry for entry in aborts if entry.last_offset >= first_dirty)
    for segment in segments:
        if segment.next_offset <= first_dirty:
            continue
        for header, data, is_step in _batches(segment, step_bytes):
            if header.base_offset < first_dirty:
                continue
            if newest.is_full:
                return newest
            if header.is_control:
                transactions.end(data, header)
                newest.skip(header)
            elif transactions.is_aborted(header):
                newest.skip(header)
            else:
                newest.add(data, header)
            if is_step:
                yield None
    return newest


def _write(
    new: Segment, old: Sequence[Segment], batches: BatchFilter, step_bytes: int, epochs: LeaderEpochs
) -> Generator[File | None, None, None]:
    """Write what is left of ``old`` to ``new`` and sync it with its side files."""
    new.create()
    pieces: list[bytes] = []
    written = unsynced = 0
    for segment in old:
        for header, data, is_step in _batches(segment, step_bytes):
            left = batches.apply(data, header, is_last=header.next_offset == old[-1].next_offset)
            new.aborted += batches.aborted
            batches.aborted.clear()
            if left is not None:
                kept = header if left is data else read_header(left)
                new.note(kept.size_bytes, kept.last_offset, kept.newest_timestamp)
                pieces.append(left)
            if is_step:
                new.file.write_at(written, b"".join(pieces))
                pieces.clear()
                unsynced += new.size_bytes - written
                written = new.size_bytes
                yield new.file if unsynced >= SYNC_BYTES else None
                unsynced = 0 if unsynced >= SYNC_BYTES else unsynced
    new.file.write_at(written, b"".join(pieces))
    yield new.file
    yield from new.write_side_files((epochs.stored_crc, epochs.stored_crc))


def _swap(log: PartitionLog, old: Sequence[Segment], new: Segment) -> Generator[File | None, None, None]:
    """Put ``new``, which is durable, in the place of ``old``."""
    directory, segments, _, _, reader, writer = log.parts
    new.rename(SWAP, SIDE_SUFFIXES)
    directory.sync()
    yield None
    try:
        new.rename(SWAP, [LOG_SUFFIX])
        directory.sync()
        new.close()
        new.extension = SWAP
        for segment in old:
            segment.close()
            segment.rename(DELETED)
            segment.extension = DELETED
        new.rename("", SIDE_SUFFIXES)
        directory.sync()
        new.rename("", [LOG_SUFFIX])
        directory.sync()
        new.extension = ""
    except OSError as error:
        raise writer.give_up(f"putting the compacted segment {new.path()} in its place failed: {error}") from error
    segments.replace(old, new)
    reader.forget()
    yield None
    for segment in old:
        segment.remove()
        if segment is not old[0]:
            directory.remove_snapshot(segment.base_offset)
        yield None
