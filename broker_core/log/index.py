"""Sparse indexes of one segment: offset to position, and time to offset.

In memory as columns; on disk in Kafka's layouts, written when the segment is sealed or closed. They hold nothing that
the segment does not say: a missing or implausible index is rebuilt, never an error. docs/formats/segment.md.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from broker_core.model import NO_TIMESTAMP, TimestampMs

OFFSET_ENTRY_BYTES: Final = 8
TIME_ENTRY: Final = struct.Struct(">qi")


class BadIndexError(Exception):
    """An index file that cannot belong to its segment; the index is to be rebuilt."""


class OffsetIndex:
    """Entries ``(relative offset of a batch's last record, position of the batch)``, both ascending."""

    __slots__ = ("_offsets", "_positions")

    def __init__(self) -> None:
        self._offsets = array("i")
        self._positions = array("i")

    def __len__(self) -> int:
        return len(self._offsets)

    def append(self, relative_offset: int, position: int) -> None:
        """Add an entry beyond all others."""
        self._offsets.append(relative_offset)
        self._positions.append(position)

    def lookup(self, relative_offset: int) -> tuple[int, int] | None:
        """The last entry at or below ``relative_offset``; None if every entry is above it."""
        index = bisect_right(self._offsets, relative_offset) - 1
        return None if index < 0 else (self._offsets[index], self._positions[index])

    def boundary(self, position: int) -> int:
        """The last indexed batch's beginning at or below ``position``; 0 if there is none."""
        index = bisect_right(self._positions, position) - 1
        return 0 if index < 0 else self._positions[index]

    def entries(self) -> Iterator[tuple[int, int]]:
        """All entries in order."""
        return zip(self._offsets, self._positions, strict=True)

    def encode(self) -> bytes:
        """The file: per entry a big-endian int32 relative offset and an int32 position."""
        words = array("i", bytes(OFFSET_ENTRY_BYTES * len(self)))
        words[0::2] = self._offsets
        words[1::2] = self._positions
        if sys.byteorder == "little":
            words.byteswap()
        return words.tobytes()

    @classmethod
    def decode(cls, data: bytes, segment_size: int) -> OffsetIndex:
        """Read an ``.index`` file. Raises BadIndexError unless it is whole, ascending and inside the segment."""
        if len(data) % OFFSET_ENTRY_BYTES:
            raise BadIndexError("not a whole number of entries")
        words = array("i", data)
        if sys.byteorder == "little":
            words.byteswap()
        index = cls()
        index._offsets, index._positions = words[0::2], words[1::2]
        if not (_ascending(index._offsets) and _ascending(index._positions)):
            raise BadIndexError("entries out of order")
        if len(index) and (index._offsets[0] < 0 or index._positions[0] < 0 or index._positions[-1] >= segment_size):
            raise BadIndexError("entries outside the segment")
        return index


class TimeIndex:
    """Entries ``(timestamp, relative offset)``: up to that offset the largest timestamp is that one."""

    __slots__ = ("_offsets", "_timestamps")

    def __init__(self) -> None:
        self._timestamps = array("q")
        self._offsets = array("i")

    def __len__(self) -> int:
        return len(self._timestamps)

    @property
    def last(self) -> tuple[TimestampMs, int]:
        """The newest entry: the largest timestamp and where it is; ``(-1, 0)`` if empty."""
        return (self._timestamps[-1], self._offsets[-1]) if self._timestamps else (NO_TIMESTAMP, 0)

    def append_larger(self, timestamp: TimestampMs, relative_offset: int) -> None:
        """Add an entry unless its timestamp is no larger than the newest one's."""
        if timestamp > (self._timestamps[-1] if self._timestamps else NO_TIMESTAMP):
            self._timestamps.append(timestamp)
            self._offsets.append(relative_offset)

    def lookup(self, timestamp: TimestampMs) -> int | None:
        """Relative offset up to which every record is older than ``timestamp``; None if unknown."""
        index = bisect_left(self._timestamps, timestamp) - 1
        return None if index < 0 else self._offsets[index]

    def encode(self) -> bytes:
        """The file: per entry a big-endian int64 timestamp and an int32 relative offset."""
        return b"".join(map(TIME_ENTRY.pack, self._timestamps, self._offsets))

    @classmethod
    def decode(cls, data: bytes) -> TimeIndex:
        """Read a ``.timeindex`` file. Raises BadIndexError unless it is whole and ascending."""
        if len(data) % TIME_ENTRY.size:
            raise BadIndexError("not a whole number of entries")
        index = cls()
        for timestamp, offset in TIME_ENTRY.iter_unpack(data):
            index._timestamps.append(timestamp)
            index._offsets.append(offset)
        if not (_ascending(index._timestamps) and _ascending(index._offsets)):
            raise BadIndexError("entries out of order")
        if len(index) and (index._timestamps[0] < 0 or index._offsets[0] < 0):
            raise BadIndexError("negative entries")
        return index


def _ascending(column: array[int]) -> bool:
    return all(column[i] < column[i + 1] for i in range(len(column) - 1))
