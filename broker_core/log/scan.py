"""Walking a segment's bytes batch by batch, trusting none of them.

The checksum leaves out a batch's base offset, length and leader epoch; offsets must therefore follow each other, and
epochs agree with the log's. Finds damage, decides nothing: recovery truncates, a read refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import google_crc32c

from broker_core.errors import CorruptBatch
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.format import BATCH_FIELDS, MAX_RELATIVE_OFFSET
from broker_core.model import Offset
from broker_core.ports import File
from broker_core.protocol.batch import (
    ATTRIBUTES_POSITION,
    HEADER_BYTES,
    MAGIC,
    PREFIX_BYTES,
    BatchHeader,
    check_crc,
    read_header,
)

SCAN_BYTES: Final = 1024 * 1024
WALK_BYTES: Final = 4096
"""Read for one header: those of small batches behind it come along."""


class BadBatchError(Exception):
    """No valid batch at ``position`` of the file."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"position {position}: {reason}")
        self.position = position
        self.reason = reason


class ScannedBatch(NamedTuple):
    """A valid batch: ``header`` at ``start`` of ``data``, and at ``position`` of the file."""

    position: int
    header: BatchHeader
    data: bytes
    start: int


def scan_batches(
    file: File, position: int, end: int, expected_offset: Offset, *, gaps: bool = False, chunk_bytes: int = SCAN_BYTES
) -> Iterator[ScannedBatch]:
    """Every batch in ``[position, end)`` of ``file``, checked as a whole.

    Arguments:
        expected_offset: base offset of the first batch, and so on; with ``gaps`` (compacted logs) the least one.

    Raises:
        BadBatchError: from there on nothing can be trusted; also for an incomplete batch at the end.
    """
    limit = expected_offset + MAX_RELATIVE_OFFSET
    while position < end:
        data = file.read_at(position, min(max(chunk_bytes, HEADER_BYTES), end - position))
        start = 0
        while True:
            size = _batch_size(data, start, position + start, end)
            if size is None or start + size > len(data):
                break
            header = _checked(data, start, position + start, expected_offset, limit if gaps else None)
            yield ScannedBatch(position + start, header, data, start)
            start += size
            expected_offset = header.base_offset + header.last_offset_delta + 1
        if start == 0:  # longer than a chunk
            if size is None:
                raise BadBatchError(position, f"only {end - position} bytes are left")
            data = file.read_at(position, size)
            if len(data) < size:
                raise BadBatchError(position, "the file ends inside the batch")
            header = _checked(data, 0, position, expected_offset, limit if gaps else None)
            yield ScannedBatch(position, header, data, 0)
            start = size
            expected_offset = header.base_offset + header.last_offset_delta + 1
        position += start


def written_end(file: File, position: int, window_bytes: int | None = None) -> int:
    """Behind the last byte at or after ``position`` that is not zero; ``position`` if there is none.

    Where a scan ends there, what follows is room that was reserved for the log (``preallocate``) and never written.

    Arguments:
        window_bytes: look at so many bytes only.
    """
    end = file.size()
    if window_bytes is not None:
        end = min(end, position + window_bytes)
    while end > position:
        start = max(position, end - SCAN_BYTES)
        data = file.read_at(start, end - start)
        if data != bytes(len(data)):
            return start + len(data.rstrip(b"\0"))
        end = start
    return position


def _batch_size(data: bytes, start: int, position: int, end: int) -> int | None:
    """Size of the batch at ``start``; None if its header is not whole in ``data``."""
    if start + HEADER_BYTES > len(data):
        return None
    _, length, _, magic, _, _, _ = BATCH_FIELDS.unpack_from(data, start)
    size: int = length + PREFIX_BYTES
    if magic != MAGIC:
        raise BadBatchError(position, f"magic {magic} instead of {MAGIC}")
    if size < HEADER_BYTES or position + size > end:
        raise BadBatchError(position, f"a batch of {size} bytes does not fit")
    return size


def _checked(data: bytes, start: int, position: int, expected_offset: Offset, limit: Offset | None) -> BatchHeader:
    """The header of a good batch. ``limit``: offsets may be missing, but none in a segment lies beyond it."""
    try:
        header = read_header(data, start)
        check_crc(data, start, header)
    except CorruptBatch as error:
        raise BadBatchError(position, error.message) from error
    base = header.base_offset
    if base != expected_offset and (limit is None or base < expected_offset or header.last_offset > limit):
        raise BadBatchError(position, f"offset {base} where {expected_offset} should follow")
    if header.last_offset_delta < 0:
        raise BadBatchError(position, f"negative offset delta {header.last_offset_delta}")
    return header


def walk_headers(file: File, end: int) -> Iterator[tuple[Offset, int]]:
    """Last offset and size of every batch in the first ``end`` bytes; no checksum is looked at.

    Raises:
        BadBatchError: there is no batch header where one should be.
    """
    position, data, data_position = 0, b"", 0
    while position < end:
        start = position - data_position
        if start + HEADER_BYTES > len(data):
            data, data_position, start = file.read_at(position, WALK_BYTES), position, 0
            if len(data) < HEADER_BYTES:
                raise BadBatchError(position, f"only {len(data)} bytes are left")
        base, length, _, magic, _, _, delta = BATCH_FIELDS.unpack_from(data, start)
        if magic != MAGIC or length < HEADER_BYTES - PREFIX_BYTES or delta < 0:
            raise BadBatchError(position, "no batch header")
        yield base + delta, PREFIX_BYTES + length
        position += PREFIX_BYTES + length


def measure(
    data: bytes, position: int, expected_offset: Offset, stop_offset: Offset, epochs: LeaderEpochs, *, gaps: bool
) -> tuple[int, Offset]:
    """How much of ``data`` may be served: whole, valid batches that begin below ``stop_offset``.

    Arguments:
        data: bytes read at ``position`` of a segment, where the batch ``expected_offset`` begins.

    Returns:
        Length in bytes, and the offset behind the last batch in them.

    Raises:
        BadBatchError: the first batch is not what was written. (Good ones before a bad one are served first.)
    """
    start, size = 0, len(data)
    unpack, checksum = BATCH_FIELDS.unpack_from, google_crc32c.value
    epoch, epoch_stop = epochs.at(expected_offset)
    bad = None
    while start + HEADER_BYTES <= size:
        base, length, batch_epoch, magic, crc, _, delta = unpack(data, start)
        if magic != MAGIC or length < HEADER_BYTES - PREFIX_BYTES or delta < 0:
            bad = "no batch header"
            break
        if base != expected_offset and not (gaps and base > expected_offset):
            bad = f"offset {base} where {expected_offset} should follow"
            break
        end = start + PREFIX_BYTES + length
        if base >= stop_offset or end > size:
            break
        if checksum(data[start + ATTRIBUTES_POSITION : end]) != crc:
            bad = "wrong checksum"
            break
        if base >= epoch_stop:
            epoch, epoch_stop = epochs.at(base)
        if batch_epoch != epoch:
            bad = f"leader epoch {batch_epoch} where {epoch} wrote"
            break
        start, expected_offset = end, base + delta + 1
    if bad is not None and start == 0:
        raise BadBatchError(position, bad)
    return start, expected_offset
