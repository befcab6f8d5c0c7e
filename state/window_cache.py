"""The record cache over a window store: decoded aggregates window by window, written back in one batch per commit.

Owns which windows and entries are in memory, which entries are dirty, and what leaves when the cache is full or a
window closes. A window that began while the cache was there, and that lost no entry since, is *complete*: a key without
an entry has no row either, and the store need not be read. Which windows a record belongs to, and what is late, is
decided above; windows and entries are public because compiled kernels work on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from state.keys import TIMESTAMP_BYTES, WINDOW_START_BYTES, row_timestamp, window_start, window_start_bytes
from state.layers import ENTRY_OVERHEAD_BYTES, EVICT_TO, CacheEntry, ChangeColumns, write_back
from state.stores.window import WindowStore


class CachedWindow:
    """The entries of one window.

    Arguments:
        start: of the window, epoch milliseconds.
        complete: whether a key without an entry is known to have no row.
    """

    __slots__ = ("complete", "entries", "start", "suffix")

    def __init__(self, start: int, *, complete: bool) -> None:
        self.start = start
        self.suffix = window_start_bytes(start)
        """What makes a key a windowed key."""
        self.complete = complete
        self.entries: dict[bytes, CacheEntry] = {}
        """Key to entry; the entry's own key is the windowed one."""


class WindowCache:
    """Write-back cache of one window store.

    Arguments:
        store: below; read by multi-get, written once per flush.
        encode, decode: between value and plain bytes; None never reaches them.
        max_bytes: when more is held, ``over_limit`` says so and ``evict`` makes room. 0 keeps nothing past a flush.
    """

    def __init__(
        self, store: WindowStore, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any], max_bytes: int
    ) -> None:
        self.store = store
        self.encode = encode
        self.decode = decode
        self.max_bytes = max_bytes
        self.windows: dict[int, CachedWindow] = {}
        self.dirty: list[CacheEntry] = []
        self.size_bytes = 0
        """Whoever adds entries to a window adds ``ENTRY_OVERHEAD_BYTES`` and the windowed key's length for each."""
        self._flushes = 1

    @property
    def over_limit(self) -> bool:
        return self.size_bytes > self.max_bytes

    def open(self, start: int) -> CachedWindow:
        """The window that starts here, made when it is not in memory."""
        window = self.windows.get(start)
        if window is None:
            window = self.windows[start] = CachedWindow(start, complete=start > self.store.newest_start)
        return window

    def entry(self, window: CachedWindow, key: bytes) -> CacheEntry:
        """The entry of a key in an open window, loaded when it is missing."""
        found = window.entries.get(key)
        if found is None:
            if window.complete:
                self._add(window, key, None)
            else:
                self.load({window.start: (key,)})
            found = window.entries[key]
        return found

    def load(self, missing: Mapping[int, Iterable[bytes]]) -> None:
        """Load keys, given by window start, by one multi-get; afterwards each has an entry, absent rows included.

        Keys that have an entry already must not be among them.
        """
        places = [(self.open(start), key) for start, keys in missing.items() for key in keys]
        if not places:
            return
        rows = self.store.get_rows([key + window.suffix for window, key in places])
        for (window, key), row in zip(places, rows, strict=True):
            self._add(window, key, row)

    def flush(self) -> ChangeColumns:
        """Write every dirty entry to the store and its changelog, encoding once; they stay cached, clean.

        Keys of the changes are windowed keys. A row that never was and still is not is left out.
        """
        dirty = self.dirty.copy()
        self.dirty.clear()
        return self._write(dirty)

    def evict(self) -> ChangeColumns:
        """Make room when over the limit: the oldest windows' entries go first, dirty ones written before.

        Returns what was written, to be sent downstream as after ``flush``. No entry may be held across this call.
        """
        if not self.over_limit:
            return ChangeColumns([], [], [], [], [])
        victims = self._victims()
        columns = self._write([entry for entry in victims if entry.dirty])
        self.dirty[:] = [entry for entry in self.dirty if entry.dirty]
        for entry in victims:
            start = window_start(entry.key)
            window = self.windows[start]
            window.complete = False
            del window.entries[entry.key[:-WINDOW_START_BYTES]]
            self.size_bytes -= entry.size
            if not window.entries:
                del self.windows[start]
        return columns

    def close_until(self, start: int) -> None:
        """Forget the windows that start at ``start`` or before: they take no more records. None of them is dirty."""
        for closed in [window for window in self.windows.values() if window.start <= start]:
            self.size_bytes -= _size_bytes(closed)
            del self.windows[closed.start]

    def clear(self) -> None:
        """Forget everything, dirty entries included: the transaction was aborted."""
        self.windows.clear()
        self.dirty.clear()
        self.size_bytes = 0

    def held(self) -> Iterable[CacheEntry]:
        """Every entry, dirty ones included."""
        return (entry for window in self.windows.values() for entry in window.entries.values())

    def _add(self, window: CachedWindow, key: bytes, row: bytes | None) -> None:
        entry = CacheEntry(key + window.suffix)
        if row is not None:
            value = row[TIMESTAMP_BYTES:]
            entry.value, entry.timestamp, entry.old = self.decode(value), row_timestamp(row), value
        window.entries[key] = entry
        self.size_bytes += entry.size

    def _write(self, dirty: list[CacheEntry]) -> ChangeColumns:
        self._flushes += 1
        columns, grown_bytes = write_back(self.store, dirty, self.encode, self._flushes)
        self.size_bytes += grown_bytes
        return columns

    def _victims(self) -> list[CacheEntry]:
        """By window, oldest first; within it, in order of loading, what the last two flushes wrote after the rest."""
        excess = self.size_bytes - int(self.max_bytes * EVICT_TO)
        recent = self._flushes - 1
        victims: list[CacheEntry] = []
        for start in sorted(self.windows):
            entries = self.windows[start].entries.values()
            used: list[CacheEntry] = []
            for entry in entries:
                if excess <= 0:
                    return victims
                if entry.dirty or entry.flushed_in >= recent:
                    used.append(entry)
                else:
                    victims.append(entry)
                    excess -= entry.size
            for entry in used:
                if excess <= 0:
                    return victims
                victims.append(entry)
                excess -= entry.size
        return victims


def _size_bytes(window: CachedWindow) -> int:
    """What all entries of a window are charged with: ``CacheEntry.size``, by columns."""
    fixed = ENTRY_OVERHEAD_BYTES + WINDOW_START_BYTES
    values = [entry.old for entry in window.entries.values()]
    return fixed * len(values) + sum(map(len, window.entries)) + 2 * sum(map(len, filter(None, values)))
