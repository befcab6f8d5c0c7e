"""Staged writes over a back end: what the open transaction wrote, readable at once, applied all or nothing.

Two layers: ``open`` takes writes; ``prepare`` freezes them while the broker ends the transaction, and later writes
belong to the next one. Nothing here knows formats, changelogs or when to commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from state.errors import StateError
from state.model import POSITION_FAMILY, Family
from state.ports import Backend, KeyRange

Staged: TypeAlias = dict[bytes, bytes | None]

STAGED_ROW_OVERHEAD_BYTES: Final = 150
"""About what CPython takes for one staged row besides its bytes."""


Journal: TypeAlias = "list[tuple[StagedFamily, bytes, object]]"
"""What was staged before each write: family, key, and the row that was staged for it, or that there was none."""

_ABSENT: Final = object()


class StagedFamily:
    """One family's staged rows; None deletes. ``open`` is public: stores write to it directly.

    ``open`` is replaced by ``prepare``: look it up for every use.
    """

    __slots__ = ("_backend", "cut", "family", "journal", "open", "prepared", "prepared_cut", "staged_bytes")

    def __init__(self, backend: Backend, family: Family) -> None:
        self._backend = backend
        self.family = family
        self.journal: Journal | None = None
        self.open: Staged = {}
        self.prepared: Staged = {}
        self.cut = b""
        """Every row with a smaller key is to be deleted; those staged are gone already."""
        self.prepared_cut = b""
        self.staged_bytes = 0

    def get(self, key: bytes) -> bytes | None:
        """The row as the open transaction sees it."""
        if key in self.open:
            return self.open[key]
        if key in self.prepared:
            return self.prepared[key]
        return self._backend.get(self.family, key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Rows in the order of ``keys``, by one read of the back end."""
        if not self.open and not self.prepared:
            return self._backend.get_many(self.family, keys)
        staged = {**self.prepared, **self.open} if self.prepared else self.open
        missing = [key for key in keys if key not in staged]
        if not missing:
            return [staged[key] for key in keys]
        found = self._backend.get_many(self.family, missing)
        if len(missing) == len(keys):
            return found
        stored = dict(zip(missing, found, strict=True))
        return [staged[key] if key in staged else stored[key] for key in keys]

    def put(self, key: bytes, row: bytes | None) -> None:
        if self.journal is not None:
            self.journal.append((self, key, self.open.get(key, _ABSENT)))
        self.open[key] = row
        self.staged_bytes += STAGED_ROW_OVERHEAD_BYTES + len(key) + (0 if row is None else len(row))

    def put_many(self, keys: Sequence[bytes], rows: Sequence[bytes | None]) -> None:
        """Stage many rows; of equal keys the last wins."""
        if self.journal is not None:
            self.journal.extend((self, key, self.open.get(key, _ABSENT)) for key in keys)
        self.open.update(zip(keys, rows, strict=True))
        size = sum(map(len, keys)) + sum(map(len, filter(None, rows)))
        self.staged_bytes += STAGED_ROW_OVERHEAD_BYTES * len(keys) + size

    def delete_before(self, key: bytes) -> None:
        """Delete every row with a smaller key by one range. Point reads of such keys are the caller's to avoid: only
        scans know of the range before it is applied."""
        self.cut = max(self.cut, key)
        if self.open and min(self.open) < key:
            self.open = {kept: row for kept, row in self.open.items() if kept >= key}

    def scan(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Rows with ``start <= key < end`` in key order, staged ones over stored ones, as of this call."""
        cut = max(self.cut, self.prepared_cut)
        if cut and (start is None or start < cut):
            start = cut
        stored = self._backend.scan(self.family, start, end, reverse=reverse)
        staged = {
            key: row
            for layer in (self.prepared, self.open)
            for key, row in layer.items()
            if (start is None or key >= start) and (end is None or key < end)
        }
        return _merge(stored, staged, reverse) if staged else stored


class TaskTransaction:
    """The staged writes of one task over all its families."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._families = {name: StagedFamily(backend, name) for name in backend.families}
        self._prepared = False

    def family(self, family: Family) -> StagedFamily:
        """The staging of one family; ``StateError`` when the database has no such family."""
        try:
            return self._families[family]
        except KeyError:
            known = ", ".join(self._families)
            raise StateError(f"no store {family!r} in this database; it has {known}") from None

    def get(self, family: Family, key: bytes) -> bytes | None:
        return self.family(family).get(key)

    def get_many(self, family: Family, keys: Sequence[bytes]) -> list[bytes | None]:
        return self.family(family).get_many(keys)

    def scan(
        self, family: Family, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        return self.family(family).scan(start, end, reverse=reverse)

    def put(self, family: Family, key: bytes, row: bytes) -> None:
        self.family(family).put(key, row)

    def delete(self, family: Family, key: bytes) -> None:
        self.family(family).put(key, None)

    @property
    def staged_bytes(self) -> int:
        """About how much memory staged writes take; a row written twice counts twice."""
        return sum(staged.staged_bytes for staged in self._families.values())

    @property
    def staged_records(self) -> int:
        return sum(len(staged.open) + len(staged.prepared) for staged in self._families.values())

    def keep_journal(self) -> Journal:
        """From now on write down what each write replaces; the list is the caller's to clear, or to ``undo``."""
        journal: Journal = []
        for staged in self._families.values():
            staged.journal = journal
        return journal

    @staticmethod
    def undo(journal: Journal) -> None:
        """Take back the writes in a journal, which is empty then. Nothing may have been prepared since."""
        for staged, key, row in reversed(journal):
            if row is _ABSENT:
                staged.open.pop(key, None)
            else:
                staged.open[key] = row  # type: ignore[assignment]  # a row that was staged
        journal.clear()

    @property
    def is_prepared(self) -> bool:
        return self._prepared

    def prepare(self) -> None:
        """Freeze what is staged: ``apply`` will write exactly this. Writes from here on belong to the next transaction.

        Raises ``StateError`` when an earlier ``prepare`` was neither applied nor discarded.
        """
        if self._prepared:
            raise StateError("a prepared transaction must be applied or discarded before the next one is prepared")
        for staged in self._families.values():
            staged.prepared, staged.open = staged.open, {}
            staged.prepared_cut, staged.cut = staged.cut, b""
        self._prepared = True

    def apply(self, positions: Mapping[str, bytes]) -> int:
        """Write the prepared rows (all staged ones if nothing is prepared) and ``positions`` as one back-end batch.

        Arguments:
            positions: name to encoded position (``restore.encode_position``).

        Returns the number of rows written, positions not counted. When the back end refuses, everything stays prepared.
        """
        if not self._prepared:
            self.prepare()
        writes: dict[Family, Staged] = {
            name: staged.prepared for name, staged in self._families.items() if staged.prepared
        }
        count = sum(map(len, writes.values()))
        rows: Staged = {name.encode(): position for name, position in positions.items()}
        if rows:
            writes[POSITION_FAMILY] = {**writes.get(POSITION_FAMILY, {}), **rows}
        ranges = [
            KeyRange(name, None, staged.prepared_cut) for name, staged in self._families.items() if staged.prepared_cut
        ]
        if writes or ranges:
            self._backend.write(writes, delete_ranges=ranges)
        for staged in self._families.values():
            staged.prepared, staged.prepared_cut = {}, b""
            staged.staged_bytes = _size_bytes(staged.open)
        self._prepared = False
        return count

    def discard(self) -> None:
        """Forget everything staged, prepared or not: the transaction was aborted."""
        for staged in self._families.values():
            staged.open, staged.prepared, staged.staged_bytes = {}, {}, 0
            staged.cut = staged.prepared_cut = b""
        self._prepared = False


def _size_bytes(rows: Staged) -> int:
    return sum(STAGED_ROW_OVERHEAD_BYTES + len(key) + (0 if row is None else len(row)) for key, row in rows.items())


def _merge(stored: Iterator[tuple[bytes, bytes]], staged: Staged, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
    keys = iter(sorted(staged, reverse=reverse))
    key = next(keys, None)
    for item in stored:
        while key is not None and (key > item[0] if reverse else key < item[0]):
            if (row := staged[key]) is not None:
                yield key, row
            key = next(keys, None)
        if key == item[0]:
            if (row := staged[item[0]]) is not None:
                yield item[0], row
            key = next(keys, None)
        else:
            yield item
    while key is not None:
        if (row := staged[key]) is not None:
            yield key, row
        key = next(keys, None)
