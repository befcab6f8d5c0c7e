"""Window store: one timestamped row per key and window over the open transaction; its writes go to the changelog too.

Keys are windowed keys (``state.keys``): key bytes, then the window's start. Rows lie by window start first, so that
expiry is one range and the newest window is the last row; nobody outside sees that layout. Which windows there are,
what is late and how far the stream time is, is decided above.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from state.changelog import ChangelogColumns
from state.keys import (
    TIMESTAMP_BYTES,
    WINDOW_SEQUENCE,
    WINDOW_START_BYTES,
    decode_row,
    encode_row,
    encode_rows,
    row_of_changelog,
    row_of_window,
    row_start,
    window_of_row,
    window_start,
    window_start_bytes,
)
from state.model import StoreSpec, WindowLayout
from state.transaction import TaskTransaction

NO_WINDOW: Final = -1
EXPIRY_STEPS: Final = 64
"""Range deletes per retention time at most: each one leaves a tombstone that readers must pass."""


class WindowStore:
    """Latest value and timestamp per key and window, as the open transaction sees them.

    Arguments:
        transaction: of the task that owns the store.
        spec: the store's name is its family; ``changelog_topic`` None switches the changelog columns off.
    """

    __slots__ = ("_expired", "_newest", "_staged", "changelog", "layout", "spec")

    def __init__(self, transaction: TaskTransaction, spec: StoreSpec) -> None:
        assert spec.windows is not None, f"window store {spec.name!r} does not say what its windows are"
        self.spec = spec
        self.layout: WindowLayout = spec.windows
        self.changelog = None if spec.changelog_topic is None else ChangelogColumns(spec.changelog_topic)
        self._staged = transaction.family(spec.name)
        self._newest: int | None = None
        self._expired = 0

    @property
    def newest_start(self) -> int:
        """No row has a later window start; ``NO_WINDOW`` where there are no rows. A window after it needs no read."""
        if self._newest is None:
            last = next(self._staged.scan(reverse=True), None)
            self._newest = NO_WINDOW if last is None else row_start(last[0])
        return self._newest

    def get(self, windowed: bytes) -> bytes | None:
        """The plain value."""
        row = self._staged.get(row_of_window(windowed))
        return None if row is None else row[TIMESTAMP_BYTES:]

    def get_with_timestamp(self, windowed: bytes) -> tuple[bytes, int] | None:
        """Value and timestamp (epoch milliseconds)."""
        row = self._staged.get(windowed[-WINDOW_START_BYTES:] + windowed[:-WINDOW_START_BYTES])
        return None if row is None else decode_row(row)

    def get_rows(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Whole rows (``timestamp + value``) in the order of ``keys``, by one read of the back end."""
        return self._staged.get_many(list(map(row_of_window, keys)))

    def put(self, windowed: bytes, value: bytes | None, timestamp: int) -> None:
        """Set one value, or delete the row (None); the changelog gets the same."""
        self._staged.put(row_of_window(windowed), None if value is None else encode_row(value, timestamp))
        if self.changelog is not None:
            self.changelog.append(windowed + WINDOW_SEQUENCE, value, timestamp)
        if self._newest is not None:
            self._newest = max(self._newest, window_start(windowed))

    def put_many(self, keys: list[bytes], values: list[bytes | None], timestamps: list[int]) -> None:
        """Set or delete many rows, in order."""
        rows = [key[-WINDOW_START_BYTES:] + key[:-WINDOW_START_BYTES] for key in keys]
        self._staged.put_many(rows, encode_rows(values, timestamps))
        if self.changelog is not None:
            self.changelog.extend([key + WINDOW_SEQUENCE for key in keys], values, timestamps)
        if self._newest is not None and rows:
            self._newest = max(self._newest, row_start(max(rows)))

    def delete(self, windowed: bytes, timestamp: int) -> None:
        self.put(windowed, None, timestamp)

    def range(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Windowed keys and plain values, by window start and then key, as of this call.

        Arguments:
            start, end: windowed keys, the first included, the second not.
        """
        rows = self._staged.scan(
            None if start is None else row_of_window(start), None if end is None else row_of_window(end),
            reverse=reverse,
        )  # fmt: skip
        return ((window_of_row(key), row[TIMESTAMP_BYTES:]) for key, row in rows)

    def expire(self, stream_time: int) -> None:
        """Forget the windows that retention no longer asks for; they are deleted with the transaction.

        A window stays while its start is later than ``stream_time - retention``, and at most a 64th of the retention
        longer. Staged rows of what goes are dropped, so nobody may write into such a window afterwards.
        """
        layout = self.layout
        if layout.retention_ms is None or stream_time < layout.retention_ms:
            return
        advance = max(1, layout.advance_ms)
        before = -(-(stream_time - layout.retention_ms + 1) // advance) * advance
        step = layout.retention_ms // EXPIRY_STEPS // advance * advance
        if step:
            before = before // step * step
        if before > self._expired:
            self._expired = before
            self._staged.delete_before(window_start_bytes(before))

    def reset(self) -> None:
        """Rows went away or came otherwise than by ``put``: what was known of them is not known any more."""
        self._newest = None
        self._expired = 0

    def restored_rows(
        self, keys: Sequence[bytes | None], values: Sequence[bytes | None], timestamps: Sequence[int]
    ) -> dict[bytes, bytes | None]:
        """Changelog records as rows, the last of equal keys winning; records without a key are no rows and skipped.

        Windows so old that retention would drop them, by the newest one seen, are left out.
        """
        rows = {
            row_of_changelog(key): row
            for key, row in zip(keys, encode_rows(values, timestamps), strict=True)
            if key is not None
        }
        if not rows or self.layout.retention_ms is None:
            return rows
        self._newest = max(self.newest_start, row_start(max(rows)))
        kept_from = self._newest - self.layout.retention_ms + 1
        if kept_from <= 0:
            return rows
        bound = window_start_bytes(kept_from)
        return {key: row for key, row in rows.items() if key >= bound}
