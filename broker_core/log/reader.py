"""Finding and reading batches by offset and by time.

Reads whole batches, checks every one of them before it is served, and knows nothing of who may see what: bounds are
arguments. Damage is a ``StorageError`` that names the file and the position.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from broker_core.errors import StorageError
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.format import BATCH_FIELDS
from broker_core.log.recovery import damaged
from broker_core.log.results import FoundOffset
from broker_core.log.scan import BadBatchError, ScannedBatch, measure, scan_batches
from broker_core.log.segment import Segment
from broker_core.log.segments import SegmentList
from broker_core.model import NO_TIMESTAMP, Offset, TimestampMs
from broker_core.protocol.batch import HEADER_BYTES, MAGIC, PREFIX_BYTES, decode_batch

MAX_REMEMBERED_ENDS: Final = 64
"""Where recent reads ended: a sequential reader goes on there without a search."""
LOCATE_BYTES: Final = 8192
FIND_BYTES: Final = 64 * 1024
REREAD_BYTES: Final = 256 * 1024
"""From here on the part of a read that is served is read again (from the page cache) instead of copied: two buffers of
this size alive at once make malloc give the heap's end back and fault it in anew, ten times the cost of the read."""


class LogReader:
    """Reads from ``segments``.

    Arguments:
        gaps: offsets may be missing (a compacted log).
    """

    __slots__ = ("_ends", "_epochs", "_segments", "gaps")

    def __init__(self, segments: SegmentList, epochs: LeaderEpochs, *, gaps: bool) -> None:
        self._segments = segments
        self._epochs = epochs
        self.gaps = gaps
        self._ends: dict[Offset, tuple[Segment, int]] = {}

    def read(self, offset: Offset, max_bytes: int, stop_offset: Offset, *, min_one: bool) -> tuple[bytes, Offset]:
        """Batches from the one that holds ``offset`` on, as far as they begin below ``stop_offset``.

        Arguments:
            offset: at or above the log's start, below ``stop_offset``.
            min_one: return the first batch even if it is larger than ``max_bytes``.

        Returns:
            The bytes, from one segment, and the offset behind them (``offset`` if there are none).

        Raises:
            StorageError: a batch is damaged, or the disk failed.
        """
        segment = self._segments.holding(offset)
        try:
            while True:
                if self.gaps:
                    segment.prove()
                found = self._locate(segment, offset)
                if found is not None:
                    break
                following = self._segments.after(segment)
                if following is None:
                    return b"", offset
                segment = following
            position, base = found
            if base > offset and not self.gaps:
                raise BadBatchError(position, f"it begins at offset {base}, offsets from {offset} on are missing")
            data, length, end = self._take(segment, position, base, max_bytes, stop_offset, min_one=min_one)
        except BadBatchError as error:
            raise damaged(segment, error) from error
        except OSError as error:
            raise StorageError(f"reading {segment.path()} failed: {error}") from error
        if not length:
            return b"", offset
        self._remember(end, segment, position + length)
        return (data if length == len(data) else data[:length]), end

    def forget(self) -> None:
        """Segments were removed: searches start afresh."""
        self._ends.clear()

    def find_timestamp(self, timestamp: TimestampMs, start_offset: Offset) -> FoundOffset | None:
        """The first record at or above ``start_offset`` whose timestamp is at least ``timestamp``."""
        for segment in self._segments.from_offset(start_offset):
            with _explained(segment):
                _, times = segment.columns()
                if segment.max_timestamp < timestamp:
                    continue
                relative = times.lookup(timestamp)
                first = segment.base_offset if relative is None else segment.base_offset + relative + 1
                for scanned in self._scan(segment, max(first, start_offset)):
                    if scanned.header.max_timestamp >= timestamp:
                        found = _first_record(scanned, timestamp, start_offset, self._epochs)
                        if found is not None:
                            return found
        return None

    def find_max_timestamp(self, start_offset: Offset) -> FoundOffset | None:
        """The first record of the batch with the largest timestamp at or above ``start_offset`` (KIP-734)."""
        best: tuple[TimestampMs, Offset, Segment] | None = None
        for segment in self._segments.from_offset(start_offset):
            with _explained(segment):
                segment.columns()
                largest, offset = segment.max_timestamp, segment.max_timestamp_offset
                if offset < start_offset and segment.next_offset > start_offset:  # it lies before the log's start
                    largest = NO_TIMESTAMP
                    for scanned in self._scan(segment, start_offset):
                        if scanned.header.max_timestamp > largest:
                            largest, offset = scanned.header.max_timestamp, scanned.header.base_offset
            if offset >= start_offset and largest > (NO_TIMESTAMP if best is None else best[0]):
                best = largest, offset, segment
        if best is None:
            return None
        largest, offset, segment = best
        with _explained(segment):
            for scanned in self._scan(segment, offset):
                return _first_record(scanned, largest, start_offset, self._epochs)
        return None

    # -- inside one segment

    def _scan(self, segment: Segment, offset: Offset) -> Iterator[ScannedBatch]:
        """Batches of ``segment`` from the one that holds ``offset`` on."""
        if self.gaps:
            segment.prove()
        found = self._locate(segment, offset)
        if found is None:
            return iter(())
        position, base = found
        end = segment.size_bytes
        return scan_batches(segment.file, position, end, base, gaps=self.gaps, chunk_bytes=FIND_BYTES)

    def _locate(self, segment: Segment, offset: Offset) -> tuple[int, Offset] | None:
        """Position and base offset of the batch that holds ``offset`` or follows it; None if there is none."""
        remembered = self._ends.get(offset)
        if remembered is not None and remembered[0] is segment:
            return (remembered[1], offset) if remembered[1] < segment.size_bytes else None
        try:
            return self._search(segment, offset)
        except BadBatchError:
            if segment is self._segments.active:
                raise
            segment.rebuild()  # the index may be what is wrong; if the log is, this finds where
            return self._search(segment, offset)

    def _search(self, segment: Segment, offset: Offset) -> tuple[int, Offset] | None:
        offsets, _ = segment.columns()
        entry = offsets.lookup(offset - segment.base_offset)
        position = 0 if entry is None else entry[1]
        expected_last = None if entry is None else segment.base_offset + entry[0]
        expected_base = segment.base_offset
        data, data_position = b"", position
        while position < segment.size_bytes:
            if position + HEADER_BYTES > data_position + len(data):
                data, data_position = segment.file.read_at(position, LOCATE_BYTES), position
                if len(data) < HEADER_BYTES:
                    raise BadBatchError(position, f"only {len(data)} bytes are left")
            base, length, _, magic, _, _, delta = BATCH_FIELDS.unpack_from(data, position - data_position)
            if magic != MAGIC or length < HEADER_BYTES - PREFIX_BYTES or delta < 0:
                raise BadBatchError(position, "no batch header")
            if expected_last is not None:
                if base + delta != expected_last:
                    raise BadBatchError(
                        position, f"the batch ends at offset {base + delta}, the index says {expected_last}"
                    )
                expected_last = None
            elif base != expected_base and not (self.gaps and base > expected_base):
                raise BadBatchError(position, f"offset {base} where {expected_base} should follow")
            if base + delta >= offset:
                return position, base
            size = PREFIX_BYTES + length
            if position + size > segment.size_bytes:  # no checksum was looked at: do not walk out of the segment
                raise BadBatchError(position, f"a batch of {size} bytes does not fit")
            position += size
            expected_base = base + delta + 1
        return None

    def _take(
        self, segment: Segment, position: int, base: Offset, max_bytes: int, stop_offset: Offset, *, min_one: bool
    ) -> tuple[bytes, int, Offset]:
        """Read from ``position``; returns the bytes, how many of them to serve, and the offset behind those."""
        left = segment.size_bytes - position
        wanted = min(left, max(max_bytes, HEADER_BYTES))
        if wanted < left:  # end with a batch where the index knows one: what is read is then served as it is, uncopied
            boundary = segment.columns()[0].boundary(position + wanted)
            wanted = boundary - position if boundary > position else wanted
        data = segment.file.read_at(position, wanted)
        length, end = measure(data, position, base, stop_offset, self._epochs, gaps=self.gaps)
        if length >= REREAD_BYTES and length < len(data):
            del data
            data = segment.file.read_at(position, length)
        if length:
            return data, length, end
        if len(data) < HEADER_BYTES:
            raise BadBatchError(position, f"only {len(data)} bytes are left")
        first_base, batch_length, *_ = BATCH_FIELDS.unpack_from(data)
        size = PREFIX_BYTES + batch_length
        if first_base >= stop_offset or (size > max_bytes and not min_one):
            return b"", 0, base
        if size > left:
            raise BadBatchError(position, f"a batch of {size} bytes does not fit")
        data = segment.file.read_at(position, size)
        length, end = measure(data, position, base, stop_offset, self._epochs, gaps=self.gaps)
        if not length:
            raise BadBatchError(position, "the file ends inside the batch")
        return data, length, end

    def _remember(self, offset: Offset, segment: Segment, position: int) -> None:
        if len(self._ends) >= MAX_REMEMBERED_ENDS and offset not in self._ends:
            del self._ends[next(iter(self._ends))]
        self._ends[offset] = (segment, position)


def _first_record(
    scanned: ScannedBatch, timestamp: TimestampMs, start_offset: Offset, epochs: LeaderEpochs
) -> FoundOffset | None:
    """The first record of the batch that is late enough and not below ``start_offset``."""
    base, _, _, _, timestamps, _, offsets = decode_batch(scanned.data, scanned.start, scanned.header)
    for index, record_timestamp in enumerate(timestamps):
        offset = base + index if offsets is None else offsets[index]
        if record_timestamp >= timestamp and offset >= start_offset:
            return FoundOffset(record_timestamp, offset, epochs.at(offset)[0])
    return None


@contextmanager
def _explained(segment: Segment) -> Iterator[None]:
    """Damage and disk failures as StorageErrors that name the file."""
    try:
        yield
    except BadBatchError as error:
        raise damaged(segment, error) from error
    except OSError as error:
        raise StorageError(f"reading {segment.path()} failed: {error}") from error
