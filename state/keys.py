"""Row formats: the bytes of a value inside a store. Pure; docs/formats/state_rows.md describes them.

A timestamped row is ``timestamp (8 bytes, signed, big-endian) + value``, as Kafka's ``ValueAndTimestamp``. Keys of
key-value stores are the record's key bytes unchanged. What the value's bytes mean is the serde's business.

A windowed key is ``key + window start (8 bytes, signed, big-endian)``, the bytes of Kafka's ``TimeWindowedSerializer``;
its changelog record's key has a sequence number (4 bytes, always 0) after it, as Kafka's ``WindowKeySchema``; its row's
key is ``window start + key``, so that windows lie together and old ones go by one range.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from struct import Struct
from typing import Final

TIMESTAMP_BYTES: Final = 8
WINDOW_START_BYTES: Final = 8
WINDOW_SEQUENCE: Final = b"\0\0\0\0"
WINDOW_CHANGELOG_SUFFIX_BYTES: Final = WINDOW_START_BYTES + len(WINDOW_SEQUENCE)
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


def window_start_bytes(start: int) -> bytes:
    """The bytes of a window's start (epoch milliseconds, not negative); they sort as the starts do."""
    return _pack(start)


def window_start(windowed: bytes) -> int:
    """The start in a windowed key."""
    start: int = _unpack_from(windowed, len(windowed) - WINDOW_START_BYTES)[0]
    return start


def row_start(row_key: bytes) -> int:
    """The start in the key of a window store's row."""
    start: int = _unpack_from(row_key)[0]
    return start


def row_of_window(windowed: bytes) -> bytes:
    """Windowed key to the row's key."""
    return windowed[-WINDOW_START_BYTES:] + windowed[:-WINDOW_START_BYTES]


def window_of_row(row_key: bytes) -> bytes:
    """Row's key to windowed key."""
    return row_key[WINDOW_START_BYTES:] + row_key[:WINDOW_START_BYTES]


def row_of_changelog(changelog_key: bytes) -> bytes:
    """A changelog record's key to the row's key; ``ValueError`` for bytes too short to be one."""
    if len(changelog_key) < WINDOW_CHANGELOG_SUFFIX_BYTES:
        raise ValueError(
            f"a window store's changelog key has at least {WINDOW_CHANGELOG_SUFFIX_BYTES} bytes, this one has "
            f"{len(changelog_key)}"
        )
    return (
        changelog_key[-WINDOW_CHANGELOG_SUFFIX_BYTES : -len(WINDOW_SEQUENCE)]
        + changelog_key[:-WINDOW_CHANGELOG_SUFFIX_BYTES]
    )


def prefix_end(prefix: bytes) -> bytes | None:
    """Smallest key greater than every key that starts with ``prefix``; None when there is none (``ff ff ...``)."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        return None
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))
