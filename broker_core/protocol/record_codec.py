# cython: boundscheck=False, wraparound=False, annotation_typing=False
"""Columns <-> the records of a batch: the innermost loops of the log, compiled where a C compiler is there.

Owns the record format (https://kafka.apache.org/documentation/#record; docs/formats/record_batch.md) and nothing
of the batch around it: no header, CRC or compression. One source runs in two forms: interpreted as it stands, or
compiled by Cython with the C types of ``record_codec.pxd``; a property suite holds the two equal. So the code keeps
to what means the same in both: values that fit 64 bits, no negative indexes, every index checked by hand.
"""

from __future__ import annotations

from broker_core.errors import CorruptBatch
from broker_core.protocol.interpreted import *  # noqa: F403  the compiled form has a C function of that name

Headers = tuple[tuple[str, bytes | None], ...]

# Length, attributes, timestamp delta, offset delta, key length, value length, header count: one byte each at least.
SMALLEST_RECORD_BYTES = 7
_LARGEST_FRAME_BYTES = 5 + 1 + 10 + 5 + 5 + 5 + 5
_LARGEST_BATCH_BYTES = (1 << 31) - 64
_TIMESTAMP_LIMIT = 1 << 61
_OFFSET_LIMIT = 1 << 62
_DELTA_LIMIT = 1 << 31


def _put_varint(raw: bytearray, position: int, value: int) -> int:
    """Write ``value``, zigzag-coded already, and return the position after it."""
    if value < 1 << 14:
        if value < 128:
            raw[position] = value
            return position + 1
        raw[position] = value & 127 | 128
        raw[position + 1] = value >> 7
        return position + 2
    while value > 127:
        raw[position] = value & 127 | 128
        position += 1
        value >>= 7
    raw[position] = value
    return position + 1


def _varint_size(value: int) -> int:
    size = 1
    while value > 127:
        value >>= 7
        size += 1
    return size


def _read_varint(raw: bytes, position: int, end: int) -> tuple[int, int]:
    """A zigzag varint of at most 64 bits and the position after it, which is -1 when there is none."""
    if position + 1 < end:
        low = raw[position]
        if low < 128:
            return low >> 1 ^ -(low & 1), position + 1
        high = raw[position + 1]
        if high < 128:
            low = low & 127 | high << 7
            return low >> 1 ^ -(low & 1), position + 2
    value = 0
    shift = 0
    while position < end and shift < 64:
        byte = raw[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if shift == 63 and byte > 1:
                break
            if value & 1:
                return -(value >> 1) - 1, position
            return value >> 1, position
        shift += 7
    return 0, -1


def _header_block(headers: Headers) -> bytes:
    """The header count and headers of one record."""
    out = bytearray(10)
    del out[_put_varint(out, 0, len(headers) << 1) :]
    for name, value in headers:
        text = name.encode()
        frame = bytearray(10)
        del frame[_put_varint(frame, 0, len(text) << 1) :]
        out += frame
        out += text
        if value is None:
            out += b"\x01"
        else:
            frame = bytearray(10)
            del frame[_put_varint(frame, 0, len(value) << 1) :]
            out += frame
            out += value
    return bytes(out)


def _header_blocks(headers: list[Headers], start: int, stop: int) -> list[bytes]:
    """The blocks of the records from ``start`` to ``stop``; made once for a run that shares one headers object."""
    blocks: list[bytes] = []
    last: Headers | None = None
    block = b""
    for index in range(start, stop):
        record_headers = headers[index]
        if record_headers is not last:
            last = record_headers
            block = _header_block(record_headers)
        blocks.append(block)
    return blocks


def _put_record(
    raw: bytearray, position: int, key: bytes | None, value: bytes | None, delta: int, index: int, block: bytes | None
) -> int:
    """Write one record, whose ``block`` of headers may be left out, and return the position after it."""
    key_size = -1 if key is None else len(key)
    value_size = -1 if value is None else len(value)
    delta_code = delta * 2 if delta >= 0 else -delta * 2 - 1
    key_code = 1 if key_size < 0 else key_size * 2
    value_code = 1 if value_size < 0 else value_size * 2
    size = 6 if block is None else 5 + len(block)
    if delta_code > 127:
        size += _varint_size(delta_code) - 1
    if index > 63:
        size += _varint_size(index * 2) - 1
    if key_code > 127:
        size += _varint_size(key_code) - 1
    if value_code > 127:
        size += _varint_size(value_code) - 1
    if key_size > 0:
        size += key_size
    if value_size > 0:
        size += value_size
    position = _put_varint(raw, position, size * 2)
    raw[position] = 0
    position += 1
    if delta_code < 128 and index < 64 and key_code < 128:
        raw[position] = delta_code
        raw[position + 1] = index * 2
        raw[position + 2] = key_code
        position += 3
    else:
        position = _put_varint(raw, position, delta_code)
        position = _put_varint(raw, position, index * 2)
        position = _put_varint(raw, position, key_code)
    if key is not None:
        copy_bytes(raw, position, key, key_size)  # noqa: F405
        position += key_size
    position = _put_varint(raw, position, value_code)
    if value is not None:
        copy_bytes(raw, position, value, value_size)  # noqa: F405
        position += value_size
    if block is None:
        raw[position] = 0
        return position + 1
    copy_bytes(raw, position, block, len(block))  # noqa: F405
    return position + len(block)


def _frame_limit(
    keys: list[bytes | None], values: list[bytes | None], blocks: list[bytes] | None, start: int, stop: int
) -> int:
    """More bytes than the records from ``start`` to ``stop`` can take."""
    limit = (stop - start) * _LARGEST_FRAME_BYTES
    for index in range(start, stop):
        key = keys[index]
        if key is not None:
            limit += len(key)
        value = values[index]
        if value is not None:
            limit += len(value)
    if blocks is not None:
        for block in blocks:
            limit += len(block)
    return limit


def encode_records(
    keys: list[bytes | None],
    values: list[bytes | None],
    timestamps: list[int],
    headers: list[Headers] | None,
    start: int,
    stop: int,
) -> tuple[bytes, int, int]:
    """The records from ``start`` to ``stop`` of the columns, offset deltas counting from 0.

    Returns the bytes, the base timestamp (the first record's) and the largest timestamp. Raises ``ValueError`` for an
    empty range, columns that are too short, a timestamp beyond 2**61 or more than 2 GiB, ``TypeError`` for a key or
    value that is no bytes object.
    """
    if not 0 <= start < stop or stop > len(keys) or stop > len(values) or stop > len(timestamps):
        raise ValueError(f"no records from {start} to {stop}: the columns hold {len(keys)}")
    blocks: list[bytes] | None = None
    if headers is not None:
        if stop > len(headers):
            raise ValueError(f"no headers up to {stop}: the column holds {len(headers)}")
        blocks = _header_blocks(headers, start, stop)
    limit = _frame_limit(keys, values, blocks, start, stop)
    if limit > _LARGEST_BATCH_BYTES:
        raise ValueError(f"{limit} bytes do not fit one batch")
    out = bytearray(limit)
    raw = out
    block: bytes | None = None
    position = 0
    base_timestamp = largest = timestamps[start]
    for index in range(start, stop):
        timestamp = timestamps[index]
        if not -_TIMESTAMP_LIMIT < timestamp < _TIMESTAMP_LIMIT:
            raise ValueError(f"timestamp {timestamp} is out of range")
        largest = max(largest, timestamp)
        if blocks is not None:
            block = blocks[index - start]
        position = _put_record(
            raw, position, keys[index], values[index], timestamp - base_timestamp, index - start, block
        )
    return bytes(raw[:position]), base_timestamp, largest


def encode_sparse_records(
    keys: list[bytes | None],
    values: list[bytes | None],
    timestamps: list[int],
    headers: list[Headers] | None,
    offset_deltas: list[int],
    base_timestamp: int,
) -> bytes:
    """All records of the columns at the offsets given: what compaction leaves of a batch.

    Arguments:
        offset_deltas: from the batch's base offset, ascending.
        base_timestamp: of the batch; no record need have it.

    Raises ``ValueError`` for columns of different lengths or numbers out of range.
    """
    count = len(keys)
    if len(values) != count or len(timestamps) != count or len(offset_deltas) != count:
        raise ValueError(f"{count} keys with {len(values)} values, {len(timestamps)} timestamps")
    blocks: list[bytes] | None = None
    if headers is not None:
        if len(headers) != count:
            raise ValueError(f"{count} keys with {len(headers)} headers")
        blocks = [_header_block(record_headers) for record_headers in headers]
    limit = _frame_limit(keys, values, blocks, 0, count)
    if limit > _LARGEST_BATCH_BYTES:
        raise ValueError(f"{limit} bytes do not fit one batch")
    if not -_TIMESTAMP_LIMIT < base_timestamp < _TIMESTAMP_LIMIT:
        raise ValueError(f"timestamp {base_timestamp} is out of range")
    out = bytearray(limit)
    raw = out
    block: bytes | None = None
    position = 0
    last_delta = -1
    for index in range(count):
        timestamp = timestamps[index]
        offset_delta = offset_deltas[index]
        if not -_TIMESTAMP_LIMIT < timestamp < _TIMESTAMP_LIMIT or not last_delta < offset_delta < _DELTA_LIMIT:
            raise ValueError(f"timestamp {timestamp} or offset delta {offset_delta} is out of range")
        last_delta = offset_delta
        if blocks is not None:
            block = blocks[index]
        position = _put_record(
            raw, position, keys[index], values[index], timestamp - base_timestamp, offset_delta, block
        )
    return bytes(raw[:position])


class _RareColumns:
    """The columns that most batches do without."""

    __slots__ = ("block", "headers", "last", "offsets")

    def __init__(self) -> None:
        self.headers: list[Headers] | None = None
        self.block = b""
        self.last: Headers = ()
        self.offsets: list[int] | None = None


def _corrupt(index: int, what: str) -> CorruptBatch:
    return CorruptBatch(f"record {index} of the batch {what}", record_index=index)


def _set_offset(rare: _RareColumns, index: int, count: int, base_offset: int, delta: int) -> None:
    """Note an offset that is not ``base_offset + index``; deltas only grow, so all later ones come here too."""
    if rare.offsets is None:
        rare.offsets = list(range(base_offset, base_offset + count))
    rare.offsets[index] = base_offset + delta


def _set_headers(rare: _RareColumns, index: int, count: int, raw: bytes, position: int, stop: int) -> bool:
    """Read the headers that fill ``raw`` from ``position`` to ``stop``; False when something else is there.

    Records whose headers are the same bytes as those read before get the same object.
    """
    block = raw[position:stop]
    headers = rare.last
    if block != rare.block or not block:
        number, position = _read_varint(raw, position, stop)
        if position < 0:
            return False
        headers, position = _read_headers(raw, position, stop, number)
        if position != stop:
            return False
        rare.block = block
        rare.last = headers
    if headers:
        if rare.headers is None:
            rare.headers = [()] * count
        rare.headers[index] = headers
    return True


def _read_headers(raw: bytes, position: int, end: int, count: int) -> tuple[Headers, int]:
    """``count`` headers and the position after them, which is -1 when there are none."""
    headers: list[tuple[str, bytes | None]] = []
    if count < 0 or count > (end - position) // 2:
        return (), -1
    for _ in range(count):
        size, position = _read_varint(raw, position, end)
        if position < 0 or size < 0 or size > end - position:
            return (), -1
        name = raw[position : position + size]
        position += size
        size, position = _read_varint(raw, position, end)
        if position < 0 or size > end - position:
            return (), -1
        value = None
        if size >= 0:
            value = raw[position : position + size]
            position += size
        try:
            headers.append((name.decode(), value))
        except UnicodeDecodeError:
            return (), -1
    return tuple(headers), position


def _fill(  # noqa: PLR0915  one loop: a function per field would return a tuple per field
    raw: bytes,
    position: int,
    end: int,
    base_offset: int,
    base_timestamp: int,
    keys: list[bytes | None],
    values: list[bytes | None],
    timestamps: list[int],
    rare: _RareColumns,
) -> int:
    """Decode as many records as ``keys`` is long into the columns, and return the position after the last.

    One-byte varints, which nearly all are, are read in place: a call costs more than the byte, in either form.
    """
    count = len(keys)
    last_delta = -1
    for index in range(count):
        size, position = _read_varint(raw, position, end)
        if position < 0 or size < 6 or size > end - position:
            raise _corrupt(index, "has a wrong length")
        stop = position + size
        position += 1
        byte = raw[position]
        if byte < 128:
            delta = byte >> 1 ^ -(byte & 1)
            position += 1
        else:
            delta, position = _read_varint(raw, position, stop)
        if position < 0 or not -2 * _TIMESTAMP_LIMIT < delta < 2 * _TIMESTAMP_LIMIT:
            raise _corrupt(index, "has a wrong timestamp")
        if delta != 0:
            timestamps[index] = base_timestamp + delta
        byte = raw[position] if position < stop else 128
        if byte < 128:
            delta = byte >> 1 ^ -(byte & 1)
            position += 1
        else:
            delta, position = _read_varint(raw, position, stop)
        if position < 0 or not last_delta < delta < _DELTA_LIMIT:
            raise _corrupt(index, "has a wrong offset")
        last_delta = delta
        if delta != index:
            _set_offset(rare, index, count, base_offset, delta)
        byte = raw[position] if position < stop else 128
        if byte < 128:
            size = byte >> 1 ^ -(byte & 1)
            position += 1
        else:
            size, position = _read_varint(raw, position, stop)
        if position < 0 or size > stop - position:
            raise _corrupt(index, "has a wrong key")
        if size >= 0:
            keys[index] = raw[position : position + size]
            position += size
        size, position = _read_varint(raw, position, stop)
        if position < 0 or size > stop - position:
            raise _corrupt(index, "has a wrong value")
        if size >= 0:
            values[index] = raw[position : position + size]
            position += size
        if position == stop - 1 and raw[position] == 0:
            position = stop
        elif not _set_headers(rare, index, count, raw, position, stop):
            raise _corrupt(index, "has wrong headers")
        else:
            position = stop
    return position


def decode_records(
    data: bytes, position: int, end: int, count: int, base_offset: int, base_timestamp: int
) -> tuple[list[bytes | None], list[bytes | None], list[int], list[Headers] | None, list[int] | None]:
    """The ``count`` records that ``data`` holds from ``position`` to ``end``.

    Returns the columns ``(keys, values, timestamps, headers or None, offsets or None)``; ``headers`` is None where no
    record has any, ``offsets`` where they count up from ``base_offset``. Raises ``CorruptBatch`` unless exactly
    ``count`` well-formed records fill the range; nothing is allocated for a count that cannot fit.
    """
    if not 0 <= position <= end <= len(data):
        raise CorruptBatch(f"records from {position} to {end} of {len(data)} bytes")
    if count < 0 or count > (end - position) // SMALLEST_RECORD_BYTES:
        raise CorruptBatch(f"{count} records do not fit {end - position} bytes")
    if not (-_TIMESTAMP_LIMIT < base_timestamp < _TIMESTAMP_LIMIT and 0 <= base_offset < _OFFSET_LIMIT):
        raise CorruptBatch(f"base timestamp {base_timestamp} or base offset {base_offset} is out of range")
    keys: list[bytes | None] = [None] * count
    values: list[bytes | None] = [None] * count
    timestamps = [base_timestamp] * count
    rare = _RareColumns()
    position = _fill(data, position, end, base_offset, base_timestamp, keys, values, timestamps, rare)
    if position != end:
        raise CorruptBatch(f"{end - position} bytes follow the last of {count} records")
    return keys, values, timestamps, rare.headers, rare.offsets


def _skip_headers(raw: bytes, position: int, stop: int) -> bool:
    """Whether well-formed headers fill ``raw`` from ``position`` to ``stop``; names are not decoded."""
    count, position = _read_varint(raw, position, stop)
    if position < 0 or count < 0 or count > (stop - position) // 2:
        return False
    for _ in range(count):
        size, position = _read_varint(raw, position, stop)
        if position < 0 or size < 0 or size > stop - position:
            return False
        position += size
        size, position = _read_varint(raw, position, stop)
        if position < 0 or size > stop - position:
            return False
        if size > 0:
            position += size
    return position == stop


def check_records(data: bytes, position: int, end: int, count: int) -> tuple[int, int, int]:
    """Walk over the ``count`` records that ``data`` holds from ``position`` to ``end`` and make nothing of them.

    Returns the smallest and the largest timestamp delta, and the index of the first record without a key (-1 if all
    have one). Raises ``CorruptBatch`` unless exactly ``count`` well-formed records fill the range, their offset deltas
    counting up from 0.
    """
    if not 0 <= position <= end <= len(data):
        raise CorruptBatch(f"records from {position} to {end} of {len(data)} bytes")
    if count <= 0 or count > (end - position) // SMALLEST_RECORD_BYTES:
        raise CorruptBatch(f"{count} records do not fit {end - position} bytes")
    raw = data
    smallest = largest = 0
    keyless = -1
    for index in range(count):
        size, position = _read_varint(raw, position, end)
        if position < 0 or size < 6 or size > end - position:
            raise _corrupt(index, "has a wrong length")
        stop = position + size
        delta, position = _read_varint(raw, position + 1, stop)
        if position < 0 or not -2 * _TIMESTAMP_LIMIT < delta < 2 * _TIMESTAMP_LIMIT:
            raise _corrupt(index, "has a wrong timestamp")
        if index == 0:
            smallest = largest = delta
        elif delta < smallest:
            smallest = delta
        elif delta > largest:
            largest = delta
        delta, position = _read_varint(raw, position, stop)
        if position < 0 or delta != index:
            raise _corrupt(index, f"has offset delta {delta}")
        size, position = _read_varint(raw, position, stop)
        if position < 0 or size > stop - position:
            raise _corrupt(index, "has a wrong key")
        if size > 0:
            position += size
        elif size < 0 and keyless < 0:
            keyless = index
        size, position = _read_varint(raw, position, stop)
        if position < 0 or size > stop - position:
            raise _corrupt(index, "has a wrong value")
        if size > 0:
            position += size
        if not (position == stop - 1 and raw[position] == 0) and not _skip_headers(raw, position, stop):
            raise _corrupt(index, "has wrong headers")
        position = stop
    if position != end:
        raise CorruptBatch(f"{end - position} bytes follow the last of {count} records")
    return smallest, largest, keyless
