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
        self._rows: dict[Family, _Rows] = {family: {} for family in (*families, POSITION_FAMILY)}
        self._sorted: dict[Family, list[bytes]] = {}
        self._undo: list[dict[Family, _Rows]] = []
        self._closed = False

    @property
    def families(self) -> tuple[Family, ...]:
        return tuple(sorted(self._rows))

    def get(self, family: Family, key: bytes) -> bytes | None:
        return self._family(family).get(key)

    def get_many(self, family: Family, keys: Sequence[bytes]) -> list[bytes | None]:
        return list(map(self._family(family).get, keys))

    def scan(
        self, family: Family, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        rows = self._family(family)
        keys = self._keys(KeyRange(family, start, end))
        if reverse:
            keys.reverse()
        return iter([(key, value) for key in keys if (value := rows.get(key)) is not None])

    def write(self, writes: Writes, *, delete_ranges: Sequence[KeyRange] = ()) -> None:
        changes: dict[Family, _Rows] = {}
        for deleted in delete_ranges:
            changes.setdefault(deleted.family, {}).update(dict.fromkeys(self._keys(deleted)))
        for family, rows in writes.items():
            changes.setdefault(family, {}).update(rows)
        for family in changes:
            self._family(family)
        undo: dict[Family, _Rows] = {}
        for family, rows in changes.items():
            undo[family] = {key: self._rows[family].get(key) for key in rows}
        for family, rows in changes.items():
            self._update(family, rows)
        self._undo.append(undo)

    def approximate_count(self, family: Family) -> int:
        rows = self._family(family)
        return len(rows) - list(rows.values()).count(None)

    def size_bytes(self) -> int:
        self._check_open()
        return sum(
            ROW_OVERHEAD_BYTES + len(key) + len(value or b"")
            for rows in self._rows.values()
            for key, value in rows.items()
        )

    def flush(self) -> None:
        self._check_open()
        self._undo.clear()
        for family, rows in self._rows.items():
            if None in rows.values():
                self._rows[family] = {key: value for key, value in rows.items() if value is not None}
                self._sorted.pop(family, None)

    def add_family(self, family: Family) -> None:
        """What opening a database with a new store does; nothing when it is there."""
        self._rows.setdefault(family, {})

    def drop_family(self, family: Family) -> None:
        self._family(family)
        del self._rows[family]
        self._sorted.pop(family, None)
        for undo in self._undo:
            undo.pop(family, None)

    def close(self) -> None:
        if not self._closed:
            self.flush()
            self._closed = True

    def reopen(self) -> None:
        """What the next process finds: the rows, open again."""
        self._closed = False

    @property
    def unflushed_batches(self) -> int:
        """How many of the latest batches a crash could take."""
        return len(self._undo)

    def crash(self, batches_lost: int) -> None:
        """Fall back by ``batches_lost`` batches, atomically over all families, but not behind the last flush."""
        if batches_lost < 0:
            raise ValueError(f"batches_lost is {batches_lost}, must not be negative")
        for _ in range(min(batches_lost, len(self._undo))):
            for family, rows in self._undo.pop().items():
                self._update(family, rows)
        self._undo.clear()
        self._closed = False

    def _update(self, family: Family, rows: _Rows) -> None:
        target = self._rows[family]
        count = len(target)
        target.update(rows)
        if len(target) != count:
            self._sorted.pop(family, None)

    def _keys(self, wanted: KeyRange) -> list[bytes]:
        rows = self._family(wanted.family)
        keys = self._sorted.get(wanted.family)
        if keys is None or len(keys) != len(rows):
            keys = self._sorted[wanted.family] = sorted(rows)
        low = 0 if wanted.start is None else bisect_left(keys, wanted.start)
        high = len(keys) if wanted.end is None else bisect_left(keys, wanted.end)
        return keys[low:high]

    def _family(self, family: Family) -> _Rows:
        self._check_open()
        try:
            return self._rows[family]
        except KeyError:
            raise StateError(f"no store {family!r} in this database; it has {', '.join(self.families)}") from None

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("this database is closed")
