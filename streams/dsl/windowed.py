"""``TimeWindowedKStream``: a grouped stream cut into windows, waiting for an aggregation.

What the aggregation adds to the graph is ``grouped``'s; here are the arguments that only windows have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from state.model import WindowLayout
from streams.dsl.builder import caller
from streams.dsl.windows import Duration
from streams.durations import duration_ms, duration_text
from streams.errors import ConfigError, TopologyError
from streams.model import Windowed
from streams.on_error import OnError
from streams.serde.windowed import time_windowed
from streams.topology.graph import at
from streams.topology.nodes import AnySerde
from streams.windows import MAX_END, TimeWindows, UnlimitedWindows, Windows

if TYPE_CHECKING:
    from streams.dsl.grouped import KGroupedStream
    from streams.dsl.stream import TypeOf
    from streams.dsl.table import KTable

K = TypeVar("K")
V = TypeVar("V")
A = TypeVar("A")


class WindowedRows:
    """How an aggregation over windows keeps its rows: the windows, and how long they are kept.

    Arguments:
        retention: as the user gave it.

    Raises:
        TopologyError: no duration, or shorter than a window is open.
    """

    def __init__(self, windows: Windows, retention: Duration | None, kind: str, location: str) -> None:
        self.windows = windows
        if isinstance(windows, UnlimitedWindows):
            if retention is not None:
                raise TopologyError(
                    f"{at(location)}{kind}(retention={retention!r}): an unlimited window never closes, so that nothing "
                    "of it can be forgotten; leave retention out"
                )
            self.layout = WindowLayout(size_ms=MAX_END, advance_ms=0, retention_ms=None)
            return
        retention_ms = windows.lifetime_ms if retention is None else _retention(windows, retention, kind, location)
        self.layout = WindowLayout(size_ms=windows.size_ms, advance_ms=windows.advance_ms, retention_ms=retention_ms)

    def key_serde(self, group_serde: AnySerde) -> AnySerde:
        """Of the rows, and of what the aggregation sends on."""
        return time_windowed(group_serde, self.windows.size_ms if isinstance(self.windows, TimeWindows) else None)


class TimeWindowedKStream(Generic[K, V]):
    """Made by ``KGroupedStream.windowed_by``. An aggregation gives a table with a row per key and window.

    Every change of a row is sent on as it happens (at the next flush, where the record cache is on). A record that is
    late for a window is dropped for that window and counted under ``late``.
    """

    def __init__(self, grouped: KGroupedStream[K, V], windows: Windows) -> None:
        self._grouped = grouped
        self._windows = windows

    def __repr__(self) -> str:
        return f"<TimeWindowedKStream of {self._grouped!r}>"

    def count(
        self, *, store: str | None = None, retention: Duration | None = None, cached: bool = True
    ) -> KTable[Windowed[K], int]:
        """Count the records of each key and window. Records with a null key or a null value are skipped.

        Arguments:
            store: name of the store; default: made of the sources' names.
            retention: how long a window is kept for queries, from its start, in stream time; at least size + grace,
                which is also the default.
            cached: False sends every single change downstream and to the changelog, also where a cache is on.

        Raises:
            TopologyError: a retention shorter than size + grace.
        """
        rows = WindowedRows(self._windows, retention, "count", caller())
        return self._grouped.counted(store=store, cached=cached, rows=rows)

    def reduce(
        self, reducer: Callable[[V, V], V | None], *, store: str | None = None, retention: Duration | None = None,
        cached: bool = True, on_error: OnError | None = None,
    ) -> KTable[Windowed[K], V]:  # fmt: skip
        """Combine the values of each key and window two by two; the first value is the aggregate as it is.

        Arguments:
            reducer: called with aggregate and value; returns the new aggregate, or None to delete it.
            store, retention, cached: as for ``count``.
            on_error: what to do with a record on which the reducer fails; default: the application's policy.
        """
        rows = WindowedRows(self._windows, retention, "reduce", caller())
        return self._grouped.reduced(reducer, store=store, cached=cached, on_error=on_error, rows=rows)

    @overload
    def aggregate(
        self, initializer: Callable[[], A], adder: Callable[[A, V], A | None], *, value: TypeOf[A] | None = None,
        store: str | None = None, retention: Duration | None = None, cached: bool = True,
        on_error: OnError | None = None,
    ) -> KTable[Windowed[K], A]: ...  # fmt: skip
    @overload
    def aggregate(
        self, initializer: Callable[[], A], adder: Callable[[K, A, V], A | None], *, value: TypeOf[A] | None = None,
        store: str | None = None, retention: Duration | None = None, cached: bool = True,
        on_error: OnError | None = None,
    ) -> KTable[Windowed[K], A]: ...  # fmt: skip
    def aggregate(
        self, initializer: Callable[[], Any], adder: Callable[..., Any], *, value: Any = None,
        store: str | None = None, retention: Duration | None = None, cached: bool = True,
        on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """Build an aggregate of another type than the values, per key and window.

        Arguments:
            initializer: makes the aggregate of a key and window that have none.
            adder: called with ``(aggregate, value)`` or ``(key, aggregate, value)``; ``key`` is the stream's own, not
                the windowed one. Returns the new aggregate, or None to delete it.
            value: type of the aggregate, where neither function has a return annotation.
            store, retention, cached, on_error: as for ``reduce``.
        """
        rows = WindowedRows(self._windows, retention, "aggregate", caller())
        return self._grouped.aggregated(
            initializer, adder, value=value, store=store, cached=cached, on_error=on_error, rows=rows
        )


def _retention(windows: TimeWindows, retention: Duration, kind: str, location: str) -> int:
    try:
        found = duration_ms(retention, "retention")
    except ConfigError as error:
        raise TopologyError(f"{at(location)}{kind}(): {error}") from error
    if found < windows.lifetime_ms:
        raise TopologyError(
            f"{at(location)}{kind}(retention={retention!r}) is shorter than a window takes records: size "
            f"{duration_text(windows.size_ms)} + grace {duration_text(windows.grace_ms)}; give "
            f"retention={duration_text(windows.lifetime_ms)!r} or more, or leave it out"
        )
    return found
