"""A back end in memory, with a crash model: what RocksDB without a write-ahead log may do, on demand.

Rows are plain dictionaries; nothing here knows stores or formats. A batch reaches a family by one ``dict.update`` (a
deletion is a None value until ``flush`` sweeps it), so that a reader on another thread never sees half of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from state.errors import StateError
from state.model import POSITION_FAMILY, Family
from state.ports import KeyRange, Writes

_Rows: TypeAlias = dict[bytes, bytes | None]

ROW_OVERHEAD_BYTES: Final = 150
"""About what CPython takes for one dictionary slot and two bytes objects."""


class MemoryBackend:
    """All families of one task in dictionaries.

    Keeps an undo image of every batch since the last ``flush``, for ``crash``; whoever never flushes keeps them all.
    """

    def __init__(self, families: Iterable[Family]) -> None:
        self._tables: dict[Family, _Table] = {}
        self._undo: list[dict[Family, _Rows]] = []
        self._closed = False
        self.reopen(families)

    @property
    def families(self) -> tuple[Family, ...]:
        return tuple(sorted(self._tables))

    def get(self, family: Family, key: bytes) -> bytes | None:
        return self._table(family).rows.get(key)

    def get_many(self, family: Family, keys: Sequence[bytes]) -> list[bytes | None]:
        return list(map(self._table(family).rows.get, keys))

    def scan(
        self, family: Family, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        table = self._table(family)
        rows = table.rows
        keys = table.keys(start, end)
        if reverse:
            keys.reverse()
        return iter([(key, value) for key in keys if (value := rows.get(key)) is not None])

    def write(self, writes: Writes, *, delete_ranges: Sequence[KeyRange] = ()) -> None:
        changes: dict[Family, _Rows] = {}
        for family, start, end in delete_ranges:
            changes.setdefault(family, {}).update(dict.fromkeys(self._table(family).keys(start, end)))
        for family, rows in writes.items():
            self._table(family)
            changes.setdefault(family, {}).update(rows)
        undo: dict[Family, _Rows] = {}
        for family, rows in changes.items():
            table = self._tables[family]
            undo[family] = {key: table.rows.get(key) for key in rows}
            table.update(rows)
        self._undo.append(undo)

    def approximate_count(self, family: Family) -> int:
        rows = self._table(family).rows
        return len(rows) - list(rows.values()).count(None)

    def size_bytes(self) -> int:
        return sum(self._table(family).size_bytes() for family in self._tables)

    def flush(self) -> None:
        for family in self._tables:
            self._table(family).sweep()
        self._undo.clear()

    def drop_family(self, family: Family) -> None:
        self._table(family)
        del self._tables[family]
        for undo in self._undo:
            undo.pop(family, None)

    def close(self) -> None:
        if not self._closed:
            self.flush()
            self._closed = True

    def reopen(self, families: Iterable[Family]) -> None:
        """What the next process finds: the rows, open again, with the families of new stores."""
        for family in (*families, POSITION_FAMILY):
            self._tables.setdefault(family, _Table())
        self._closed = False

    @property
    def unflushed_batches(self) -> int:
        """How many of the latest batches a crash could take."""
        return len(self._undo)

    def crash(self, batches_lost: int) -> None:
        """Fall back by ``batches_lost`` batches, atomically over all families, but not behind the last flush.

        What is left is durable and stays open, as after ``reopen``.
        """
        if batches_lost < 0:
            raise ValueError(f"batches_lost is {batches_lost}, must not be negative")
        for _ in range(min(batches_lost, len(self._undo))):
            for family, rows in self._undo.pop().items():
                self._tables[family].update(rows)
        self._undo.clear()
        self._closed = False

    def _table(self, family: Family) -> _Table:
        if self._closed:
            raise StateError("this database is closed")
        try:
            return self._tables[family]
        except KeyError:
            raise StateError(f"no store {family!r} in this database; it has {', '.join(self.families)}") from None


class _Table:
    """One family: rows, and their keys in order as of the last scan."""

    __slots__ = ("_sorted", "rows")

    def __init__(self) -> None:
        self.rows: _Rows = {}
        self._sorted: list[bytes] | None = None

    def keys(self, start: bytes | None, end: bytes | None) -> list[bytes]:
        """A fresh list of the keys in a range, those of deleted rows included."""
        if self._sorted is None:
            self._sorted = sorted(self.rows)
        low = 0 if start is None else bisect_left(self._sorted, start)
        high = len(self._sorted) if end is None else bisect_left(self._sorted, end)
        return self._sorted[low:high]

    def update(self, rows: _Rows) -> None:
        count = len(self.rows)
        self.rows.update(rows)
        if len(self.rows) != count:
            self._sorted = None

    def sweep(self) -> None:
        """Let go of deleted rows, by replacing the dictionary: readers keep the one they have."""
        if None in self.rows.values():
            self.rows = {key: value for key, value in self.rows.items() if value is not None}
            self._sorted = None

    def size_bytes(self) -> int:
        return sum(ROW_OVERHEAD_BYTES + len(key) + len(value or b"") for key, value in self.rows.items())
