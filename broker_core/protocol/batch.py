"""Record batches, format v2: the 61-byte header, building, checking and reading.

Owns every byte of a batch but the records inside (``record_codec``) and how they are packed (``compression``). The
layout, with a worked example, is docs/formats/record_batch.md; the source is Kafka's
https://kafka.apache.org/documentation/#recordbatch. Which batches a log accepts is ``log.validation``'s business.

The CRC covers the bytes from the attributes on, so base offset and leader epoch are rewritten without touching it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import google_crc32c

from broker_core.errors import CorruptBatch
from broker_core.model import NO_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP
from broker_core.protocol.compression import MAX_DECOMPRESSED_BYTES, Codec, compress, decompress
from broker_core.protocol.record_codec import (
    SMALLEST_RECORD_BYTES,
    Headers,
    decode_records,
    encode_records,
    encode_sparse_records,
)

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES: Final = 61
PREFIX: Final = struct.Struct(">qi")
"""Base offset and batch length: what stands before the bytes that the length counts."""
PREFIX_BYTES: Final = 12
CRC_POSITION: Final = 17
ATTRIBUTES_POSITION: Final = 21
MAGIC: Final = 2
TIMESTAMP_LIMIT: Final = 1 << 61
"""Base timestamps are nearer to 0 than this (73 million years), so that adding a delta cannot overflow."""

CODEC_MASK: Final = 0x07
LOG_APPEND_TIME_BIT: Final = 0x08
TRANSACTIONAL_BIT: Final = 0x10
CONTROL_BIT: Final = 0x20
DELETE_HORIZON_BIT: Final = 0x40

_OFFSET_AND_REST: Final = struct.Struct(">qii")
_CRC: Final = struct.Struct(">I")
_CHECKED: Final = struct.Struct(">hiqqqhii")
_CONTROL_KEY: Final = struct.Struct(">hh")
_CONTROL_VALUE: Final = struct.Struct(">hi")
_ABORT: Final = 0
_COMMIT: Final = 1


class BatchHeader(NamedTuple):
    """The header of one batch, fields in wire order; ``length`` counts the bytes after itself."""

    base_offset: int
    length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size_bytes(self) -> int:
        return self.length + PREFIX_BYTES

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record; sequences wrap from 2**31 - 1 to 0. -1 when there are none."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & 0x7FFF_FFFF

    @property
    def codec(self) -> int:
        return self.attributes & CODEC_MASK

    @property
    def is_log_append_time(self) -> bool:
        return bool(self.attributes & LOG_APPEND_TIME_BIT)

    @property
    def delete_horizon_ms(self) -> int | None:
        """When compaction may drop the tombstones, or the marker, in this batch; None if no pass has set it yet."""
        return self.base_timestamp if self.attributes & DELETE_HORIZON_BIT else None

    @property
    def newest_timestamp(self) -> int:
        """The largest time that a record in it has; -1 where compaction left none (``max_timestamp`` then still says
        what it was, and Kafka's tools take an index entry of it for a mismatch)."""
        return self.max_timestamp if self.record_count else NO_TIMESTAMP

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL_BIT)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL_BIT)


class ControlRecord(NamedTuple):
    """What a transaction marker says."""

    commit: bool
    coordinator_epoch: int


class BatchColumns(NamedTuple):
    """The records of one batch as parallel columns.

    ``offsets`` is None where they count up from ``base_offset``, ``headers`` where no record has any.
    """

    base_offset: int
    next_offset: int
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps: list[int]
    headers: list[Headers] | None
    offsets: list[int] | None


def read_header(data: bytes, position: int = 0) -> BatchHeader:
    """The header at ``position``. Raises ``CorruptBatch`` unless it is one and its numbers can be true.

    The batch itself may end after ``data`` does: compare ``size_bytes``. The CRC is not checked.
    """
    if len(data) - position < HEADER_BYTES:
        raise CorruptBatch(f"{len(data) - position} bytes are too few for a batch header")
    header = BatchHeader._make(HEADER.unpack_from(data, position))
    if header.magic != MAGIC:
        raise CorruptBatch(f"batch format {header.magic} at {position}; only {MAGIC} is known")
    if header.length < HEADER_BYTES - PREFIX_BYTES:
        raise CorruptBatch(f"batch length {header.length} at {position} is below that of the header")
    if header.base_offset < 0 or header.last_offset_delta < 0 or header.record_count < 0:
        raise CorruptBatch(f"batch at {position} has a negative offset or count")
    if header.record_count > header.last_offset_delta + 1:
        raise CorruptBatch(
            f"batch at {position} has {header.record_count} records in {header.last_offset_delta + 1} offsets"
        )
    return header


def iterate_batches(data: bytes, position: int = 0) -> Iterator[tuple[int, BatchHeader]]:
    """Position and header of each whole batch; stops before an incomplete one at the end.

    Raises ``CorruptBatch`` at bytes that are no batch.
    """
    while len(data) - position >= HEADER_BYTES:
        header = read_header(data, position)
        if header.size_bytes > len(data) - position:
            return
        yield position, header
        position += header.size_bytes


def check_crc(data: bytes, position: int, header: BatchHeader) -> None:
    """Raise ``CorruptBatch`` unless the batch at ``position`` is whole and its checksum is right."""
    end = position + header.size_bytes
    if end > len(data):
        raise CorruptBatch(f"batch of {header.size_bytes} bytes at {position} ends early")
    # google_crc32c takes bytes objects only, so this copies; at 20 GB/s the copy costs as much as the sum.
    found = google_crc32c.value(data[position + ATTRIBUTES_POSITION : end])
    if found != header.crc:
        raise CorruptBatch(f"checksum {found:#010x} of the batch at {position} is not {header.crc:#010x}")


def validate_batch(data: bytes, *, max_bytes: int | None = None) -> BatchHeader:
    """The header of ``data``, which must be exactly one whole batch with a right checksum.

    Every offset must have its record, as in a batch that a producer sends (compaction alone leaves gaps). Raises
    ``CorruptBatch`` otherwise, and for more than ``max_bytes`` bytes.
    """
    if max_bytes is not None and len(data) > max_bytes:
        raise CorruptBatch(f"batch of {len(data)} bytes is over {max_bytes}")
    header = read_header(data)
    if header.size_bytes != len(data):
        raise CorruptBatch(f"batch of {header.size_bytes} bytes in {len(data)}: one whole batch is expected")
    if header.record_count == 0 or header.record_count != header.last_offset_delta + 1:
        raise CorruptBatch(f"batch has {header.record_count} records for {header.last_offset_delta + 1} offsets")
    if header.codec == Codec.NONE and header.record_count > (len(data) - HEADER_BYTES) // SMALLEST_RECORD_BYTES:
        raise CorruptBatch(f"batch has {header.record_count} records in {len(data)} bytes")
    check_crc(data, 0, header)
    return header


def with_offset(data: bytes, base_offset: int, leader_epoch: int) -> bytes:
    """A copy of one batch with its place in the log written in; the checksum does not cover these fields."""
    (length,) = struct.unpack_from(">i", data, 8)
    return b"".join((_OFFSET_AND_REST.pack(base_offset, length, leader_epoch), memoryview(data)[16:]))


def with_log_append_time(data: bytes, now_ms: int) -> bytes:
    """A copy of one batch whose records all carry the broker's time (``message.timestamp.type=LogAppendTime``)."""
    header = read_header(data)
    return _assemble(
        data[HEADER_BYTES:],
        base_offset=header.base_offset,
        leader_epoch=header.partition_leader_epoch,
        attributes=header.attributes | LOG_APPEND_TIME_BIT,
        last_offset_delta=header.last_offset_delta,
        base_timestamp=header.base_timestamp,
        max_timestamp=now_ms,
        producer=(header.producer_id, header.producer_epoch, header.base_sequence),
        record_count=header.record_count,
    )


def unpacked_body(data: bytes, header: BatchHeader, max_bytes: int = MAX_DECOMPRESSED_BYTES) -> bytes:
    """The records of one whole batch as bytes, unpacked. Raises ``CorruptBatch``, also for more than ``max_bytes``."""
    body = data[HEADER_BYTES:]
    return decompress(header.codec, body, max_bytes) if header.codec else body


def rebuilt(header: BatchHeader, body: bytes, *, codec: int, max_timestamp: int, level: int | None = None) -> bytes:
    """A batch with everything from ``header`` but codec and largest timestamp, around the unpacked records ``body``."""
    return _assemble(
        compress(codec, body, level),
        base_offset=header.base_offset,
        leader_epoch=header.partition_leader_epoch,
        attributes=header.attributes & ~CODEC_MASK | codec,
        last_offset_delta=header.last_offset_delta,
        base_timestamp=header.base_timestamp,
        max_timestamp=max_timestamp,
        producer=(header.producer_id, header.producer_epoch, header.base_sequence),
        record_count=header.record_count,
    )


def _assemble(
    body: bytes,
    *,
    attributes: int,
    last_offset_delta: int,
    base_timestamp: int,
    max_timestamp: int,
    producer: tuple[int, int, int],
    record_count: int,
    base_offset: int = 0,
    leader_epoch: int = NO_LEADER_EPOCH,
) -> bytes:
    checked = _CHECKED.pack(attributes, last_offset_delta, base_timestamp, max_timestamp, *producer, record_count)
    crc = google_crc32c.extend(google_crc32c.value(checked), body)
    length = len(checked) + len(body) + ATTRIBUTES_POSITION - PREFIX_BYTES
    return b"".join(
        (_OFFSET_AND_REST.pack(base_offset, length, leader_epoch), bytes((MAGIC,)), _CRC.pack(crc), checked, body)
    )


def build_batch(
    keys: list[bytes | None],
    values: list[bytes | None],
    timestamps: list[int],
    headers: list[Headers] | None = None,
    *,
    start: int = 0,
    stop: int | None = None,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    is_transactional: bool = False,
    codec: int = Codec.NONE,
) -> bytes:
    """The records from ``start`` to ``stop`` of the columns as one batch with base offset 0.

    Arguments:
        keys, values, timestamps, headers: parallel columns; timestamps in milliseconds.
        start, stop: the range of rows, up to the end when ``stop`` is None. Must not be empty.
        producer_id, producer_epoch, base_sequence: of an idempotent producer, or -1 each.
        codec: a ``Codec`` number.

    Raises ``ValueError`` for an empty range, columns that are too short, numbers out of range or an unknown codec.
    """
    end = len(keys) if stop is None else stop
    body, base_timestamp, max_timestamp = encode_records(keys, values, timestamps, headers, start, end)
    if codec:
        body = compress(codec, body)
    return _assemble(
        body,
        attributes=codec | (TRANSACTIONAL_BIT if is_transactional else 0),
        last_offset_delta=end - start - 1,
        base_timestamp=base_timestamp,
        max_timestamp=max_timestamp,
        producer=(producer_id, producer_epoch, base_sequence),
        record_count=end - start,
    )


@lru_cache(maxsize=4)  # a commit writes the same into each of its partitions
def control_batch(producer_id: int, producer_epoch: int, coordinator_epoch: int, commit: bool, timestamp: int) -> bytes:
    """The marker that ends a transaction in one partition, as a batch with base offset 0 (KIP-98)."""
    body, _base, _largest = encode_records(
        [_CONTROL_KEY.pack(0, _COMMIT if commit else _ABORT)],
        [_CONTROL_VALUE.pack(0, coordinator_epoch)],
        [timestamp],
        None,
        0,
        1,
    )
    return _assemble(
        body,
        attributes=TRANSACTIONAL_BIT | CONTROL_BIT,
        last_offset_delta=0,
        base_timestamp=timestamp,
        max_timestamp=timestamp,
        producer=(producer_id, producer_epoch, NO_SEQUENCE),
        record_count=1,
    )


def empty_batch(base_offset: int, last_offset: int, leader_epoch: int) -> bytes:
    """A batch of nobody without records, which takes these offsets: nothing else ever gets them."""
    assert 0 <= base_offset <= last_offset
    return _assemble(
        b"",
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        attributes=0,
        last_offset_delta=last_offset - base_offset,
        base_timestamp=NO_TIMESTAMP,
        max_timestamp=NO_TIMESTAMP,
        producer=(NO_PRODUCER_ID, NO_PRODUCER_EPOCH, NO_SEQUENCE),
        record_count=0,
    )


def keep_records(
    data: bytes, header: BatchHeader, kept: Sequence[int], *, delete_horizon_ms: int | None = None
) -> bytes:
    """What compaction leaves of one batch: offsets, producer and sequences stay, so that gaps and empty batches arise.

    Arguments:
        data: exactly one batch, and its ``header``.
        kept: indexes of the records that stay, ascending; none for an empty batch, which still tells where it ended
            and what its producer's last sequence was.
        delete_horizon_ms: when tombstones (or the marker) in it may go; it takes the base timestamp's place, and a bit
            says so (KIP-534).

    Returns:
        one batch; an empty one is not compressed and keeps the largest timestamp, as Kafka's cleaner has it.

    Raises:
        CorruptBatch: the records do not decode.
    """
    attributes, base_timestamp = header.attributes, header.base_timestamp
    if delete_horizon_ms is not None:
        attributes, base_timestamp = attributes | DELETE_HORIZON_BIT, delete_horizon_ms
    body, max_timestamp = b"", header.max_timestamp
    if kept:
        columns = decode_batch(data, 0, header)
        deltas = kept
        if columns.offsets is not None:
            deltas = [columns.offsets[index] - header.base_offset for index in kept]
        timestamps = [columns.timestamps[index] for index in kept]
        body = encode_sparse_records(
            [columns.keys[index] for index in kept],
            [columns.values[index] for index in kept],
            timestamps,
            None if columns.headers is None else [columns.headers[index] for index in kept],
            list(deltas),
            base_timestamp,
        )
        max_timestamp = max(timestamps)
        if header.codec:
            body = compress(header.codec, body)
    else:
        attributes, base_timestamp = attributes & ~(CODEC_MASK | DELETE_HORIZON_BIT), NO_TIMESTAMP
    return _assemble(
        body,
        base_offset=header.base_offset,
        leader_epoch=header.partition_leader_epoch,
        attributes=attributes,
        last_offset_delta=header.last_offset_delta,
        base_timestamp=base_timestamp,
        max_timestamp=max_timestamp,
        producer=(header.producer_id, header.producer_epoch, header.base_sequence),
        record_count=len(kept),
    )


def read_control(data: bytes, position: int = 0) -> ControlRecord:
    """What the marker batch at ``position`` says. Raises ``CorruptBatch`` when it is none."""
    columns = decode_batch(data, position)
    if not read_header(data, position).is_control or len(columns.keys) != 1:
        raise CorruptBatch(f"batch at {position} is no transaction marker")
    key, value = columns.keys[0], columns.values[0]
    if key is None or value is None or len(key) < _CONTROL_KEY.size or len(value) < _CONTROL_VALUE.size:
        raise CorruptBatch(f"marker at {position} is too short")
    _version, kind = _CONTROL_KEY.unpack_from(key)
    if kind not in (_ABORT, _COMMIT):
        raise CorruptBatch(f"marker at {position} is of unknown type {kind}")
    _version, coordinator_epoch = _CONTROL_VALUE.unpack_from(value)
    return ControlRecord(kind == _COMMIT, coordinator_epoch)


def decode_batch(
    data: bytes,
    position: int = 0,
    header: BatchHeader | None = None,
    *,
    max_bytes: int = MAX_DECOMPRESSED_BYTES,
) -> BatchColumns:
    """The records of the batch at ``position`` as columns; the checksum is not looked at (``check_crc``).

    Unpacks compressed records, to at most ``max_bytes``. With LogAppendTime every timestamp is the header's largest.
    Raises ``CorruptBatch``.
    """
    if header is None:
        header = read_header(data, position)
    end = position + header.size_bytes
    if end > len(data):
        raise CorruptBatch(f"batch of {header.size_bytes} bytes at {position} ends early")
    start = position + HEADER_BYTES
    if header.codec and header.record_count:
        data = decompress(header.codec, data[start:end], max_bytes)
        start, end = 0, len(data)
    base_timestamp = NO_TIMESTAMP if header.is_log_append_time else header.base_timestamp
    keys, values, timestamps, headers, offsets = decode_records(
        data, start, end, header.record_count, header.base_offset, base_timestamp
    )
    if header.is_log_append_time:
        timestamps = [header.max_timestamp] * header.record_count
    if offsets is not None and offsets[-1] > header.last_offset:
        raise CorruptBatch(f"offset {offsets[-1]} lies after the last one of the batch, {header.last_offset}")
    return BatchColumns(header.base_offset, header.next_offset, keys, values, timestamps, headers, offsets)
