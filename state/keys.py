"""Row formats: the bytes of a value inside a store. Pure; docs/formats/state_rows.md describes them.

A timestamped row is ``timestamp (8 bytes, signed, big-endian) + value``, as Kafka's ``ValueAndTimestamp``. Keys of
key-value stores are the record's key bytes unchanged. What the value's bytes mean is the serde's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from struct import Struct
from typing import Final

TIMESTAMP_BYTES: Final = 8
_TIMESTAMP: Final = Struct(">q")
_pack: Final = _TIMESTAMP.pack
_unpack_from: Final = _TIMESTAMP.unpack_from


def encode_row(value: bytes, timestamp: int) -> bytes:
    """Row of one value; ``timestamp`` is in epoch milliseconds."""
    return _pack(timestamp) + value


def encode_rows(values: Sequence[bytes | None], timestamps: Sequence[int]) -> list[bytes | None]:
    """Rows of many values; None (a deletion) stays None."""
    if None in values:
        return [None if value is None else _pack(time) + value for value, time in zip(values, timestamps, strict=True)]
    return list(map(add, map(_pack, timestamps), values))


def row_value(row: bytes) -> bytes:
    return row[TIMESTAMP_BYTES:]


def row_timestamp(row: bytes) -> int:
    timestamp: int = _unpack_from(row)[0]
    return timestamp


def decode_row(row: bytes) -> tuple[bytes, int]:
    """Value and timestamp of one row; ``ValueError`` for bytes too short to be one."""
    if len(row) < TIMESTAMP_BYTES:
        raise ValueError(f"a timestamped row has at least {TIMESTAMP_BYTES} bytes, this one has {len(row)}")
    return row[TIMESTAMP_BYTES:], _unpack_from(row)[0]


def prefix_end(prefix: bytes) -> bytes | None:
    """Smallest key greater than every key that starts with ``prefix``; None when there is none (``ff ff ...``)."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        return None
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))
