"""Queries of the state on this worker: read-only, as of the last commit, from any thread.

Reads back ends only: what the open transaction has staged is not seen. Where a key of another worker lives, and HTTP,
are other modules' business.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

from state.read_only import ReadOnlyRows
from streams.client.partitioner import partition_of
from streams.errors import SerdeError, StreamsError
from streams.serde.base import Serde
from streams.serde.explain import encoding_problem

K = TypeVar("K")
V = TypeVar("V")
_ABSENT: Any = object()


class ReadOnlyStore(Generic[K, V]):
    """A state store as of the last commit.

    Arguments:
        name: of the store, for messages.
        partitions: gives the rows of each partition, in order; raises ``StreamsError`` while the application is not
            running and its state not open.
        key_serde, value_serde: of the store.
        close: called by ``close``, where the store was opened for this query alone.
    """

    def __init__(
        self,
        name: str,
        partitions: Callable[[], Sequence[ReadOnlyRows]],
        key_serde: Serde[K],
        value_serde: Serde[V],
        close: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._partitions = partitions
        self._key_serde = key_serde
        self._value_serde = value_serde
        self._close = close

    def get(self, key: K, default: V | None = None) -> V | None:
        """The value of ``key``, or ``default``."""
        found = self._find(key)
        return default if found is _ABSENT else found

    def __getitem__(self, key: K) -> V:
        """The value of ``key``; ``KeyError`` where there is none."""
        found = self._find(key)
        if found is _ABSENT:
            raise KeyError(key)
        value: V = found
        return value

    def __contains__(self, key: K) -> bool:
        return self._find(key) is not _ABSENT

    def __iter__(self) -> Iterator[K]:
        """The keys, as of a dictionary; ``all`` gives keys and values."""
        return (key for key, _ in self.all())

    def __repr__(self) -> str:
        return f"<ReadOnlyStore {self.name!r}>"

    def all(self) -> Iterator[tuple[K, V]]:
        """Every row, partition by partition; each partition as of the moment its first row is read."""
        for rows in self._partitions():
            yield from self._decoded(rows.range())

    def range(self, start: K | None = None, end: K | None = None, *, reverse: bool = False) -> Iterator[tuple[K, V]]:
        """Rows with ``start <= key <= end`` (as Kafka Streams', both ends included), in key order over all partitions.

        Raises:
            StreamsError: the key's bytes do not sort as its values do.
        """
        if not self._key_serde.ordered:
            raise StreamsError(
                f"store {self.name!r} cannot be read by range: keys are kept as {self._key_serde.id}, whose bytes do "
                "not sort as the values do. Declare the key as serde.ordered(...) where the stream is grouped."
            )
        first = None if start is None else self._encoded(start)
        past = None if end is None else self._encoded(end) + b"\x00"
        sources = [rows.range(first, past, reverse=reverse) for rows in self._partitions()]
        return self._decoded(heapq.merge(*sources, reverse=reverse))

    def prefix(self, prefix: K) -> Iterator[tuple[K, V]]:
        """Rows whose serialised key begins with that of ``prefix``, in byte order."""
        encoded = self._encoded(prefix)
        return self._decoded(heapq.merge(*(rows.prefix(encoded) for rows in self._partitions())))

    def approximate_count(self) -> int:
        """About how many rows there are."""
        return sum(rows.approximate_count() for rows in self._partitions())

    def close(self) -> None:
        """Let go of state that was opened for this query; nothing to do while the application runs."""
        if self._close is not None:
            self._close()
            self._close = None

    def __enter__(self) -> ReadOnlyStore[K, V]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, key: K) -> Any:
        """Most likely on the partition that the key's hash names; a user's partitioner may have put it elsewhere."""
        encoded = self._encoded(key)
        partitions = self._partitions()
        likely = partition_of(self._hashed(encoded), len(partitions))
        for index in (likely, *(other for other in range(len(partitions)) if other != likely)):
            row = partitions[index].get(encoded)
            if row is not None:
                return self._value_serde.decode(row[0])
        return _ABSENT

    def _encoded(self, key: K) -> bytes:
        """The bytes of a key; ``SerdeError`` where it is not of the store's key type."""
        try:
            return self._key_serde.encode(key)
        except Exception as error:
            problem = encoding_problem(self._key_serde, key, error, "key")
            raise SerdeError(f"looking up in store {self.name!r}: {problem}") from error

    def _hashed(self, encoded: bytes) -> bytes:
        """The bytes whose hash says where a key lives."""
        return encoded

    def _decoded(self, rows: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[K, V]]:
        decode_key, decode_value = self._key_serde.decode, self._value_serde.decode
        return ((decode_key(key), decode_value(value)) for key, value in rows)
