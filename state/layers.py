"""The record cache: decoded aggregates above a store, written back in one batch per commit.

Owns which entries are in memory, which are dirty and what leaves when the cache is full. Never emits, never commits: a
flush returns columns, and whoever called it sends them on. Entries are public because compiled kernels work on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import filterfalse
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from state.keys import TIMESTAMP_BYTES, row_timestamp
from state.stores.key_value import KeyValueStore

ENTRY_OVERHEAD_BYTES: Final = 350
"""About what CPython takes for an entry, its dictionary slot, a small decoded value and the headers of its bytes."""
EVICT_TO: Final = 0.9
"""A full cache is emptied to this share of its limit, so that eviction comes in batches."""
NO_TIMESTAMP: Final = -1


class CacheEntry(msgspec.Struct, gc=False):
    """One key's aggregate. ``gc=False``: hundreds of thousands of these must not slow the collector down.

    Whoever changes ``value`` sets ``timestamp`` and, if it was not dirty, ``dirty`` with an append to the cache's list.

    Arguments:
        key: bytes of the key.
        value: decoded; None where there is no row.
        timestamp: of the row, epoch milliseconds; -1 where there is none.
        old: the value's bytes as of the last flush; None where there was no row.
        dirty: whether it is in the cache's ``dirty`` list.
        flushed_in: number of the flush that last wrote it; the cache's idea of recent use.
    """

    key: bytes
    value: Any = None
    timestamp: int = NO_TIMESTAMP
    old: bytes | None = None
    dirty: bool = False
    flushed_in: int = 0

    @property
    def size(self) -> int:
        """Bytes it is charged with: key and value as of the last flush, the value twice (encoded and decoded)."""
        return ENTRY_OVERHEAD_BYTES + len(self.key) + (0 if self.old is None else 2 * len(self.old))


class ChangeColumns(NamedTuple):
    """What a flush wrote, as parallel columns; each key once."""

    keys: list[bytes]
    new_values: list[Any]
    """Decoded; None where the row was deleted."""
    old_bytes: list[bytes | None]
    """Encoded value before, None where there was no row."""
    timestamps: list[int]
    new_bytes: list[bytes | None]


class WritableStore(Protocol):
    """A store, as far as writing back goes."""

    def put_many(self, keys: list[bytes], values: list[bytes | None], timestamps: list[int]) -> None: ...


class RecordCache:
    """Write-back cache of one store.

    Arguments:
        store: below; read by multi-get, written once per flush.
        encode, decode: between value and plain bytes; None never reaches them.
        max_bytes: when more is held, ``over_limit`` says so and ``evict`` makes room. 0 keeps nothing past a flush.
    """

    def __init__(
        self,
        store: KeyValueStore,
        encode: Callable[[Any], bytes],
        decode: Callable[[bytes], Any],
        max_bytes: int,
    ) -> None:
        self.store = store
        self.encode = encode
        self.decode = decode
        self.max_bytes = max_bytes
        self.entries: dict[bytes, CacheEntry] = {}
        self.dirty: list[CacheEntry] = []
        self.size_bytes = 0
        self._flushes = 1

    @property
    def over_limit(self) -> bool:
        return self.size_bytes > self.max_bytes

    def ensure(self, keys: Sequence[bytes]) -> None:
        """Load whatever is missing of ``keys`` by one multi-get; afterwards each has an entry, absent rows included."""
        entries = self.entries
        missing = list(dict.fromkeys(filterfalse(entries.__contains__, keys)))
        if not missing:
            return
        decode = self.decode
        value_bytes = 0
        for key, row in zip(missing, self.store.get_rows(missing), strict=True):
            if row is None:
                entries[key] = CacheEntry(key)
            else:
                value = row[TIMESTAMP_BYTES:]
                value_bytes += len(value)
                entries[key] = CacheEntry(key, decode(value), row_timestamp(row), value)
        self.size_bytes += ENTRY_OVERHEAD_BYTES * len(missing) + sum(map(len, missing)) + 2 * value_bytes

    def flush(self) -> ChangeColumns:
        """Write every dirty entry to the store and its changelog, encoding once; they stay cached, clean.

        A row that never was and still is not is left out (Kafka's caching store does the same).
        """
        dirty = self.dirty.copy()
        self.dirty.clear()
        return self._write(dirty)

    def evict(self) -> ChangeColumns:
        """Make room when over the limit: the entries used longest ago go, dirty ones written first.

        Returns what was written, to be sent downstream as after ``flush``. No entry may be held across this call.
        """
        if not self.over_limit:
            return ChangeColumns([], [], [], [], [])
        victims = self._victims()
        columns = self._write([entry for entry in victims if entry.dirty])
        self.dirty[:] = [entry for entry in self.dirty if entry.dirty]
        for entry in victims:
            del self.entries[entry.key]
            self.size_bytes -= entry.size
        return columns

    def clear(self) -> None:
        """Forget everything, dirty entries included: the transaction was aborted."""
        self.entries.clear()
        self.dirty.clear()
        self.size_bytes = 0

    def held(self) -> Iterable[CacheEntry]:
        """Every entry, dirty ones included."""
        return self.entries.values()

    def _write(self, dirty: list[CacheEntry]) -> ChangeColumns:
        self._flushes += 1
        columns, grown_bytes = write_back(self.store, dirty, self.encode, self._flushes)
        self.size_bytes += grown_bytes
        return columns

    def _victims(self) -> list[CacheEntry]:
        """Second chance (the clock algorithm) in order of loading: what the last two flushes wrote stays once more."""
        excess = self.size_bytes - int(self.max_bytes * EVICT_TO)
        recent = self._flushes - 1
        victims: list[CacheEntry] = []
        spared: list[CacheEntry] = []
        for entry in self.entries.values():
            if excess <= 0:
                break
            if entry.dirty or entry.flushed_in >= recent:
                spared.append(entry)
            else:
                victims.append(entry)
                excess -= entry.size
        for entry in spared:
            if excess > 0:
                victims.append(entry)
                excess -= entry.size
            else:
                self.entries[entry.key] = self.entries.pop(entry.key)
        return victims


def write_back(
    store: WritableStore, dirty: list[CacheEntry], encode: Callable[[Any], bytes], flush: int
) -> tuple[ChangeColumns, int]:
    """Write entries to their store and make them clean; returns the changes and how many bytes the entries grew by.

    One pass per column, not one loop over all: at thousands of keys per commit that halves the time.
    """
    values = [entry.value for entry in dirty]
    olds = [entry.old for entry in dirty]
    news = [None if value is None else encode(value) for value in values]
    for entry, new in zip(dirty, news, strict=True):
        entry.old = new
        entry.dirty = False
        entry.flushed_in = flush
    grown_bytes = 2 * (_bytes_in(news) - _bytes_in(olds))
    columns = ChangeColumns([entry.key for entry in dirty], values, olds, [entry.timestamp for entry in dirty], news)
    if None in news:
        columns = _without_nothings(columns)
    if columns.keys:
        store.put_many(columns.keys, columns.new_bytes, columns.timestamps)
    return columns, grown_bytes


def _bytes_in(column: list[bytes | None]) -> int:
    return sum(map(len, filter(None, column)))


def _without_nothings(columns: ChangeColumns) -> ChangeColumns:
    """The changes without those from no row to no row."""
    kept = [
        index
        for index, (old, new) in enumerate(zip(columns.old_bytes, columns.new_bytes, strict=True))
        if not (old is None and new is None)
    ]
    if len(kept) == len(columns.keys):
        return columns
    return ChangeColumns(
        keys=[columns.keys[index] for index in kept],
        new_values=[columns.new_values[index] for index in kept],
        old_bytes=[columns.old_bytes[index] for index in kept],
        timestamps=[columns.timestamps[index] for index in kept],
        new_bytes=[columns.new_bytes[index] for index in kept],
    )
