"""Queries of a window store: by key and time, as of the last commit, from any thread.

Which rows there are at most is retention's business (``state.stores.window``): what it has forgotten is not found.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, overload

from state.keys import WINDOW_START_BYTES, window_start
from state.read_only import MAX_START, ReadOnlyRows, ReadOnlyWindows
from streams.errors import StreamsError
from streams.model import Windowed
from streams.query.local import ReadOnlyStore
from streams.topology.compile import PlacedStore
from streams.topology.nodes import AnySerde

K = TypeVar("K")
V = TypeVar("V")

Point: TypeAlias = int | datetime
"""Epoch milliseconds, or an aware datetime."""

_ALONE: Final[Any] = object()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ReadOnlyWindowStore(ReadOnlyStore[Windowed[K], V]):
    """The rows of a windowed table as of the last commit. Rows are ordered by window start.

    ``store[Windowed(key, start, end)]`` and ``get`` read one row; ``end`` may be anything, a window is known by its
    start. Windows that retention has dropped are not there any more: ``count(retention="1d")`` keeps them longer.
    """

    def __init__(
        self, name: str, partitions: Callable[[], Sequence[ReadOnlyRows]], key_serde: AnySerde, group_serde: AnySerde,
        value_serde: AnySerde, close: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, partitions, key_serde, value_serde, close)
        self._group_serde = group_serde

    @overload
    def fetch(self, key: K, start: Point) -> V | None: ...
    @overload
    def fetch(self, key: K, start: Point | None, end: Point | None) -> Iterator[tuple[Windowed[K], V]]: ...
    def fetch(self, key: K, start: Point | None, end: Any = _ALONE) -> Any:
        """The value of one window of a key, or its windows within a span of time.

        Arguments:
            start: alone: the start of the window whose value is wanted; the answer is None where there is none.
            end: with it: the windows that start within ``start`` to ``end``, both included, oldest first (as Kafka
                Streams' ``fetch``). None leaves that side open.

        Raises:
            ValueError: a datetime without a time zone.
        """
        encoded = self._group_serde.encode(key)
        if end is _ALONE:
            at = _milliseconds(start, 0)
            return self.get(Windowed(key, at, at))
        first, last = _milliseconds(start, 0), _milliseconds(end, MAX_START)
        sources = [rows.fetch(encoded, first, last) for rows in self._windows()]
        return self._decoded(heapq.merge(*sources, key=_by_start))

    def fetch_all(self, start: Point | None = None, end: Point | None = None) -> Iterator[tuple[Windowed[K], V]]:
        """The rows of all keys in the windows that start within ``start`` to ``end``, both included, by window start.

        Arguments:
            start, end: epoch milliseconds or aware datetimes; None: from the first, to the last.
        """
        first, last = _milliseconds(start, 0), _milliseconds(end, MAX_START)
        sources = [rows.between(first, last) for rows in self._windows()]
        return self._decoded(heapq.merge(*sources, key=_by_start))

    def range(self, start: Any = None, end: Any = None, *, reverse: bool = False) -> NoReturn:
        """Refused: windowed keys have no order that would be of use."""
        raise StreamsError(
            f"store {self.name!r} holds windows: read it by fetch(key, start, end) or fetch_all(start, end)"
        )

    def prefix(self, prefix: Any) -> NoReturn:
        """Refused, as ``range``."""
        self.range()

    def _hashed(self, encoded: bytes) -> bytes:
        """Records are partitioned by the key inside."""
        return encoded[:-WINDOW_START_BYTES]

    def _windows(self) -> list[ReadOnlyWindows]:
        return [rows for rows in self._partitions() if isinstance(rows, ReadOnlyWindows)]


def open_store(
    placed: PlacedStore, partitions: Callable[[], Sequence[ReadOnlyRows]], close: Callable[[], None] | None = None
) -> ReadOnlyStore[Any, Any]:
    """The read-only face of a store, by its kind; arguments as ``ReadOnlyStore``'s."""
    if placed.group_serde is not None:
        return ReadOnlyWindowStore(
            placed.spec.name, partitions, placed.key_serde, placed.group_serde, placed.value_serde, close
        )
    return ReadOnlyStore(placed.spec.name, partitions, placed.key_serde, placed.value_serde, close)


def _milliseconds(point: Point | None, default: int) -> int:
    if point is None:
        return default
    if isinstance(point, datetime):
        if point.tzinfo is None:
            raise ValueError(f"{point!r} has no time zone; give it one: point.replace(tzinfo=timezone.utc)")
        return (point - _EPOCH) // timedelta(milliseconds=1)
    return point


def _by_start(row: tuple[bytes, bytes]) -> tuple[int, bytes]:
    return window_start(row[0]), row[0]
