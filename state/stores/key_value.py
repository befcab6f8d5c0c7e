"""Key-value store with timestamped rows over the open transaction; its writes go to the changelog columns as well.

Keys and values are bytes: serdes, caching and emission are above. Row format: ``state.keys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from state.changelog import ChangelogColumns
from state.keys import TIMESTAMP_BYTES, decode_row, encode_row, encode_rows, prefix_end
from state.model import StoreSpec
from state.transaction import TaskTransaction


class KeyValueStore:
    """Latest value and timestamp per key, as the open transaction sees them.

    Arguments:
        transaction: of the task that owns the store.
        spec: the store's name is its family; ``changelog_topic`` None switches the changelog columns off.
    """

    __slots__ = ("_staged", "changelog", "spec")

    def __init__(self, transaction: TaskTransaction, spec: StoreSpec) -> None:
        self.spec = spec
        self.changelog = None if spec.changelog_topic is None else ChangelogColumns(spec.changelog_topic)
        self._staged = transaction.family(spec.name)

    def get(self, key: bytes) -> bytes | None:
        """The plain value."""
        row = self._staged.get(key)
        return None if row is None else row[TIMESTAMP_BYTES:]

    def get_with_timestamp(self, key: bytes) -> tuple[bytes, int] | None:
        """Value and timestamp (epoch milliseconds)."""
        row = self._staged.get(key)
        return None if row is None else decode_row(row)

    def get_rows(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Whole rows (``timestamp + value``) in the order of ``keys``, by one read of the back end."""
        return self._staged.get_many(keys)

    def put(self, key: bytes, value: bytes | None, timestamp: int) -> None:
        """Set one value, or delete the row (None); the changelog gets the same."""
        self._staged.put(key, None if value is None else encode_row(value, timestamp))
        if self.changelog is not None:
            self.changelog.append(key, value, timestamp)

    def put_many(self, keys: list[bytes], values: list[bytes | None], timestamps: list[int]) -> None:
        """Set or delete many rows, in order."""
        self._staged.put_many(keys, encode_rows(values, timestamps))
        if self.changelog is not None:
            self.changelog.extend(keys, values, timestamps)

    def delete(self, key: bytes, timestamp: int) -> None:
        self.put(key, None, timestamp)

    def range(
        self, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys and plain values with ``start <= key < end`` in byte order, as of this call."""
        return ((key, row[TIMESTAMP_BYTES:]) for key, row in self._staged.scan(start, end, reverse=reverse))

    def prefix(self, prefix: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Keys that start with ``prefix``, and their plain values."""
        return self.range(prefix, prefix_end(prefix), reverse=reverse)

    def reset(self) -> None:
        """Rows went away or came otherwise than by ``put``; nothing is remembered of them."""

    @staticmethod
    def restored_rows(
        keys: Sequence[bytes | None], values: Sequence[bytes | None], timestamps: Sequence[int]
    ) -> dict[bytes, bytes | None]:
        """Changelog records as rows, the last of equal keys winning; records without a key are no rows and skipped."""
        rows = dict(zip(keys, encode_rows(values, timestamps), strict=True))
        rows.pop(None, None)
        return rows  # type: ignore[return-value]
