"""A store as queries see it: the rows of the last applied commit, from any thread, never what is staged.

Bytes only; serdes, partitions and words are ``streams.query``'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from state.keys import (
    TIMESTAMP_BYTES,
    decode_row,
    prefix_end,
    row_of_window,
    row_start,
    window_of_row,
    window_start_bytes,
)
from state.model import WindowLayout
from state.ports import Backend

WINDOWS_PER_READ: Final = 1_000
"""Windows of one key that are looked up at once."""


MAX_START: Final = 2**63 - 1


class ReadOnlyRows:
    """One key-value store as of the last applied commit; callable from any thread, never sees staged writes."""

    __slots__ = ("_backend", "_family")

    def __init__(self, backend: Backend, family: str) -> None:
        self._backend = backend
        self._family = family

    def get(self, key: bytes) -> tuple[bytes, int] | None:
        """Plain value and timestamp (epoch milliseconds)."""
        row = self._backend.get(self._family, key)
        return None if row is None else decode_row(row)

    def get_many(self, keys: Sequence[bytes]) -> list[tuple[bytes, int] | None]:
        return [None if row is None else decode_row(row) for row in self._backend.get_many(self._family, keys)]

    def range(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys and plain values with ``start <= key < end`` in byte order, as of this call."""
        rows = self._backend.scan(self._family, start, end, reverse=reverse)
        return ((key, row[TIMESTAMP_BYTES:]) for key, row in rows)

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self.range(prefix, prefix_end(prefix))

    def approximate_count(self) -> int:
        return self._backend.approximate_count(self._family)


class ReadOnlyWindows(ReadOnlyRows):
    """One window store, likewise. Keys are windowed keys (``state.keys``); order is by window start, then key."""

    __slots__ = ("_layout",)

    def __init__(self, backend: Backend, family: str, layout: WindowLayout) -> None:
        super().__init__(backend, family)
        self._layout = layout

    def get(self, key: bytes) -> tuple[bytes, int] | None:
        return super().get(row_of_window(key))

    def get_many(self, keys: Sequence[bytes]) -> list[tuple[bytes, int] | None]:
        return super().get_many(list(map(row_of_window, keys)))

    def range(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Windowed keys and plain values from one windowed key to another (which is not included)."""
        first = None if start is None else row_of_window(start)
        past = None if end is None else row_of_window(end)
        return ((window_of_row(key), value) for key, value in super().range(first, past, reverse=reverse))

    def between(self, first: int, last: int, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The rows of all windows that start within ``first`` to ``last``, both included (epoch milliseconds)."""
        if last < max(0, first):
            return iter(())
        past = None if last == MAX_START else window_start_bytes(last + 1)
        rows = super().range(window_start_bytes(max(0, first)), past, reverse=reverse)
        return ((window_of_row(key), value) for key, value in rows)

    def fetch(self, key: bytes, first: int, last: int) -> Iterator[tuple[bytes, bytes]]:
        """The rows of one key whose windows start within ``first`` to ``last``, both included, oldest first."""
        oldest, newest = self._bounds()
        if newest is None or oldest is None:
            return
        advance = max(1, self._layout.advance_ms)
        start = -(-max(first, oldest) // advance) * advance if self._layout.advance_ms else oldest
        last = min(last, newest)
        while first <= start <= last:
            starts = range(start, min(last + 1, start + WINDOWS_PER_READ * advance), advance)
            keys = [key + window_start_bytes(one) for one in starts]
            for windowed, found in zip(keys, self.get_many(keys), strict=True):
                if found is not None:
                    yield windowed, found[0]
            if not self._layout.advance_ms:
                return
            start = starts[-1] + advance

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        raise TypeError("rows of windows lie by window start, not by key; use fetch or between")

    def _bounds(self) -> tuple[int | None, int | None]:
        """The smallest and the largest window start there is."""
        first = next(self._backend.scan(self._family), None)
        last = next(self._backend.scan(self._family, reverse=True), None)
        return (None if first is None else row_start(first[0])), (None if last is None else row_start(last[0]))
