"""What compaction keeps: plans, the newest offset of every key, transactions, and the records of one batch. PURE.

The rules are those of Kafka's ``LogCleaner`` (Cleaner, CleanedTransactionMetadata, MemoryRecords.filterTo; KIP-354,
KIP-534): offsets never change, only a key's newest record stays, tombstones and markers stay until a horizon that the
first pass over them sets. Reading and writing segments is ``cleaner``'s business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from broker_core.config import LogConfig
from broker_core.log.aborted import IndexedAbort
from broker_core.log.format import MAX_RELATIVE_OFFSET
from broker_core.log.producer_state import ProducerEntry
from broker_core.log.results import SegmentFacts
from broker_core.model import Offset, ProducerEpoch, ProducerId, TimestampMs
from broker_core.protocol.batch import BatchHeader, decode_batch, keep_records, read_control

MAX_MAP_BYTES: Final = 64 * 1024 * 1024
"""Memory for one pass's keys (Kafka's log.cleaner.dedupe.buffer.size is 128 MiB); more keys take more passes."""
KEY_OVERHEAD_BYTES: Final = 136
"""A key's share of the map beside its bytes: object headers, the offset, the table's slot at a third empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPlan:
    """One pass: the keys of ``[first_dirty, stop)`` displace older records in all of ``segments``."""

    segments: tuple[SegmentFacts, ...]
    """From the log's first one on, all sealed and stable."""
    first_dirty: Offset
    stop: Offset
    dirty_ratio: float


def plan_compaction(
    segments: Sequence[SegmentFacts], config: LogConfig, *, first_dirty: Offset, stable_offset: Offset, now_ms: int
) -> CompactionPlan | None:
    """The pass that is due; None if none is.

    Arguments:
        segments: all of the log, the active one last.
        first_dirty: earlier passes took the keys below it into account.
        stable_offset: every transaction below it is decided, and everything is durable.
    """
    if not config.is_compacted:
        return None
    cleanable: list[SegmentFacts] = []
    for segment in segments[:-1]:
        too_fresh = config.min_compaction_lag_ms > 0 and segment.max_timestamp > now_ms - config.min_compaction_lag_ms
        if segment.next_offset > stable_offset or too_fresh:
            break
        cleanable.append(segment)
    dirty = [segment for segment in cleanable if segment.next_offset > first_dirty]
    if not dirty:
        return None
    total_bytes = sum(segment.size_bytes for segment in cleanable)
    ratio = sum(segment.size_bytes for segment in dirty) / total_bytes if total_bytes else 0.0
    overdue = 0 <= dirty[0].max_timestamp < now_ms - config.max_compaction_lag_ms
    if ratio < config.min_cleanable_dirty_ratio and not overdue:
        return None
    return CompactionPlan(
        segments=tuple(cleanable), first_dirty=first_dirty, stop=cleanable[-1].next_offset, dirty_ratio=ratio
    )


def group_segments(segments: Sequence[SegmentFacts], config: LogConfig) -> list[tuple[SegmentFacts, ...]]:
    """Runs of segments that become one each: together no larger than one segment may be."""
    groups: list[list[SegmentFacts]] = []
    size_bytes = 0
    for segment in segments:
        fits = (
            groups
            and size_bytes + segment.size_bytes <= config.segment_bytes
            and segment.next_offset - groups[-1][0].base_offset <= MAX_RELATIVE_OFFSET
        )
        if fits:
            groups[-1].append(segment)
            size_bytes += segment.size_bytes
        else:
            groups.append([segment])
            size_bytes = segment.size_bytes
    return [tuple(group) for group in groups]


class OffsetMap:
    """The newest offset of every key in the dirty part of a log.

    Attributes:
        end: every batch below it is in the map; records from there on are kept whatever their key.
    """

    __slots__ = ("_limit_bytes", "_newest", "_size_bytes", "end")

    def __init__(self, start: Offset, limit_bytes: int = MAX_MAP_BYTES) -> None:
        self._newest: dict[bytes, Offset] = {}
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self.end = start

    @property
    def is_full(self) -> bool:
        return self._size_bytes >= self._limit_bytes

    def add(self, data: bytes, header: BatchHeader) -> None:
        """Take in the keys of the batch ``data``."""
        columns = decode_batch(data, 0, header)
        newest, before = self._newest, len(self._newest)
        offsets = columns.offsets or range(header.base_offset, header.base_offset + len(columns.keys))
        for key, offset in zip(columns.keys, offsets, strict=True):
            if key is not None:
                newest[key] = offset
        added = len(newest) - before
        if added:
            keys_bytes = sum(map(len, filter(None, columns.keys)))
            self._size_bytes += added * (KEY_OVERHEAD_BYTES + keys_bytes // len(columns.keys))
        self.end = header.next_offset

    def skip(self, header: BatchHeader) -> None:
        """The batch holds no keys that count: a marker, or aborted data."""
        self.end = header.next_offset

    def is_newest(self, key: bytes, offset: Offset) -> bool:
        return offset >= self.end or offset >= self._newest.get(key, -1)


class TransactionTracker:
    """Follows a pass over batches in order: which data was aborted, and which markers have nothing left to end.

    Arguments:
        aborted: entries of the transaction indexes of all segments that the pass covers.
    """

    __slots__ = ("_aborting", "_committing", "_waiting")

    def __init__(self, aborted: Iterable[IndexedAbort]) -> None:
        self._waiting = deque(sorted(aborted, key=lambda entry: entry.first_offset))
        self._aborting: dict[ProducerId, tuple[IndexedAbort, bool]] = {}
        self._committing: set[ProducerId] = set()

    def is_aborted(self, header: BatchHeader) -> bool:
        """Is this data batch part of an aborted transaction?"""
        self._advance(header.last_offset)
        if not header.is_transactional:
            return False
        entry = self._aborting.get(header.producer_id)
        if entry is None:
            self._committing.add(header.producer_id)
            return False
        self._aborting[header.producer_id] = (entry[0], True)
        return True

    def end(self, data: bytes, header: BatchHeader) -> tuple[bool, IndexedAbort | None]:
        """A marker's batch: whether it is needless (no data of its transaction was met), and its entry if it ended
        aborted data: readers need it as long as the marker stands."""
        self._advance(header.last_offset)
        if not header.record_count:
            return True, None
        if read_control(data).commit:
            needless = header.producer_id not in self._committing
            self._committing.discard(header.producer_id)
            return needless, None
        entry, met = self._aborting.pop(header.producer_id, (None, False))
        return not met, entry if met else None

    def _advance(self, offset: Offset) -> None:
        while self._waiting and self._waiting[0].first_offset <= offset:
            entry = self._waiting.popleft()
            self._aborting.setdefault(entry.producer_id, (entry, False))


class LastRecord(NamedTuple):
    """What must survive of a producer that is still known: its last data, or the epoch in its last marker."""

    data_offset: Offset | None
    epoch: ProducerEpoch


def last_records(producers: Iterable[ProducerEntry]) -> dict[ProducerId, LastRecord]:
    """By producer id; see ``LastRecord``."""
    return {
        entry.producer_id: LastRecord(entry.batches[-1].last_offset if entry.batches else None, entry.epoch)
        for entry in producers
    }


@dataclass(slots=True, kw_only=True)
class BatchFilter:
    """Decides batch by batch, in order, what a pass leaves.

    Arguments:
        newest: the offsets to go by.
        transactions: fresh, over the same segments.
        producers: whose last batches stay, if only as empty ones.
        now_ms, delete_retention_ms: horizons are the sum; those that have passed are acted on.
    """

    newest: OffsetMap
    transactions: TransactionTracker
    producers: Mapping[ProducerId, LastRecord]
    now_ms: TimestampMs
    delete_retention_ms: int
    aborted: list[IndexedAbort] = field(default_factory=list)
    """Entries of aborted transactions whose markers were met; the caller takes them away."""

    def apply(self, data: bytes, header: BatchHeader, *, is_last: bool) -> bytes | None:
        """What is to stand in the place of one batch: itself, a thinner or an empty one, or nothing.

        Arguments:
            is_last: of its new segment; stays, if only as an empty batch, so that the segment's end is told.

        Raises:
            CorruptBatch: it does not decode.
        """
        must_stay = is_last or self._tells_of_producer(header)
        if header.is_control:
            return self._marker(data, header, must_stay=must_stay)
        if self.transactions.is_aborted(header):
            return self._empty(data, header) if must_stay else None
        kept, has_tombstones, count = self._select(data, header)
        if not kept:
            return self._empty(data, header) if must_stay else None
        horizon = None
        if has_tombstones and header.delete_horizon_ms is None:
            horizon = self.now_ms + self.delete_retention_ms
        if len(kept) == count and horizon is None:
            return data
        return keep_records(data, header, kept, delete_horizon_ms=horizon)

    def _marker(self, data: bytes, header: BatchHeader, *, must_stay: bool) -> bytes | None:
        needless, entry = self.transactions.end(data, header)
        if entry is not None:
            self.aborted.append(entry)
        if not needless:
            return data
        if not header.record_count:
            return data if must_stay else None
        if header.delete_horizon_ms is None:
            return keep_records(data, header, [0], delete_horizon_ms=self.now_ms + self.delete_retention_ms)
        if header.delete_horizon_ms > self.now_ms:
            return data
        return keep_records(data, header, []) if must_stay else None

    def _select(self, data: bytes, header: BatchHeader) -> tuple[list[int], bool, int]:
        """Indexes of the records that stay, whether a tombstone is among them, and how many there were."""
        columns = decode_batch(data, 0, header)
        offsets = columns.offsets or range(header.base_offset, header.base_offset + len(columns.keys))
        horizon = header.delete_horizon_ms
        drops_tombstones = horizon is not None and horizon <= self.now_ms
        kept, has_tombstones = [], False
        is_newest, end = self.newest.is_newest, self.newest.end
        for index, (key, value, offset) in enumerate(zip(columns.keys, columns.values, offsets, strict=True)):
            if offset < end:
                if key is None or not is_newest(key, offset):
                    continue
                if value is None and drops_tombstones:
                    continue
            kept.append(index)
            has_tombstones = has_tombstones or value is None
        return kept, has_tombstones, len(columns.keys)

    def _empty(self, data: bytes, header: BatchHeader) -> bytes:
        return keep_records(data, header, []) if header.record_count else data

    def _tells_of_producer(self, header: BatchHeader) -> bool:
        """Kafka's ``isBatchLastRecordOfProducer``."""
        last = self.producers.get(header.producer_id)
        if last is None or header.producer_id < 0:
            return False
        if last.data_offset is None:
            return header.is_control and header.producer_epoch == last.epoch
        return header.last_offset == last.data_offset
