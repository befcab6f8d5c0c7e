"""``KGroupedStream``: a stream whose records are grouped by key, waiting for an aggregation.

The repartition topic above an aggregation is added here, when the aggregation is: its name may come from the store.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from state.model import WINDOW, StoreSpec
from streams.dsl import returns
from streams.dsl.associative import is_associative
from streams.dsl.builder import Builder, caller
from streams.dsl.flow import Flow, lost, need_serde
from streams.dsl.functions import error_policy, shape_function
from streams.dsl.hints import Hinted
from streams.dsl.suggest import suggested
from streams.dsl.table import KTable
from streams.dsl.windowed import TimeWindowedKStream, WindowedRows
from streams.errors import TopologyError, UnsupportedError
from streams.on_error import OnError
from streams.serde import models, plain
from streams.topology import nodes
from streams.topology.graph import at
from streams.topology.names import changelog_topic, repartition_topic
from streams.windows import TimeWindows, UnlimitedWindows, Windows

if TYPE_CHECKING:
    from streams.dsl.stream import TypeOf

K = TypeVar("K")
V = TypeVar("V")
A = TypeVar("A")


class KGroupedStream(Hinted, Generic[K, V]):
    """Made by ``KStream.group_by`` and ``group_by_key``.

    Several aggregations of one grouped stream share its repartition topic if it has a name, and otherwise have one
    each, called as their stores are.
    """

    def __init__(
        self, builder: Builder, node: str, *, base: str, key: Flow, value: Flow, moves: bool, name: str | None,
        location: str, operator: str, on_error: nodes.Policy | None,
    ) -> None:  # fmt: skip
        self._builder = builder
        self._node = node
        self._base = name if name is not None and moves else base
        self._key = key
        self._value = value
        self._moves = moves
        self._name = name
        self._location = location
        self._operator = operator
        self._on_error = on_error

    def __repr__(self) -> str:
        return f"<KGroupedStream {self._node!r} of application {self._builder.application_id!r}>"

    def count(self, *, store: str | None = None, cached: bool = True) -> KTable[K, int]:
        """Count the records of each key. Records with a null key or a null value are skipped.

        Arguments:
            store: name of the store; default: made of the sources' names.
            cached: False sends every single change downstream and to the changelog, also where a cache is on.
        """
        return self.counted(store=store, cached=cached)

    def reduce(
        self,
        reducer: Callable[[V, V], V | None],
        *,
        store: str | None = None,
        cached: bool = True,
        associative: bool | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]:
        """Combine the values of each key two by two; the first value is the aggregate as it is.

        Arguments:
            reducer: called with aggregate and value; returns the new aggregate, or None to delete it.
            store, cached: as for ``count``.
            associative: True promises that ``reducer(reducer(a, b), c) == reducer(a, reducer(b, c))``, that it never
                returns None and changes neither argument. With ``combiners=True`` (a setting) values are then combined
                before the repartition topic, too. None: so for ``min``, ``max`` and ``operator.add`` of int or str.
        """
        return self.reduced(reducer, store=store, cached=cached, associative=associative, on_error=on_error)

    @overload
    def aggregate(
        self, initializer: Callable[[], A], adder: Callable[[A, V], A | None], *, value: TypeOf[A] | None = None,
        store: str | None = None, cached: bool = True, on_error: OnError | None = None,
    ) -> KTable[K, A]: ...  # fmt: skip
    @overload
    def aggregate(
        self, initializer: Callable[[], A], adder: Callable[[K, A, V], A | None], *, value: TypeOf[A] | None = None,
        store: str | None = None, cached: bool = True, on_error: OnError | None = None,
    ) -> KTable[K, A]: ...  # fmt: skip
    def aggregate(
        self, initializer: Callable[[], Any], adder: Callable[..., Any], *, value: Any = None,
        store: str | None = None, cached: bool = True, on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """Build an aggregate of another type than the values.

        Arguments:
            initializer: makes the aggregate of a key that has none.
            adder: called with ``(aggregate, value)`` or ``(key, aggregate, value)``; returns the new aggregate (the
                same object, changed, is fine), or None to delete it.
            value: type of the aggregate, where neither function has a return annotation.
            store, cached: as for ``count``.
        """
        return self.aggregated(initializer, adder, value=value, store=store, cached=cached, on_error=on_error)

    def windowed_by(self, windows: Windows, *, emit: str = "on_update") -> TimeWindowedKStream[K, V]:
        """Cut the stream into windows: the aggregation that follows has a row per key and window.

        Arguments:
            windows: ``tumbling(...)``, ``hopping(...)`` or ``unlimited(...)``.
            emit: ``on_update``: every change of a row is sent on as it happens.

        Raises:
            TopologyError: something else than windows, or a way of emission that does not exist (yet).
        """
        location = caller()
        if not isinstance(windows, TimeWindows | UnlimitedWindows):
            raise TopologyError(
                f"{at(location)}windowed_by({windows!r:.60}) takes windows: tumbling('10s'), "
                "hopping('10s', advance='2s') or unlimited()"
            )
        if emit == "on_close":
            raise UnsupportedError(
                f"{at(location)}windowed_by(emit='on_close') is not supported yet; leave it out, and take a window's "
                "last update for its result"
            )
        if emit != "on_update":
            raise TopologyError(f"{at(location)}windowed_by(emit={emit!r}): there is only 'on_update'")
        return TimeWindowedKStream(self, windows)

    # What both the aggregations above and those over windows come to.

    def counted(self, *, store: str | None, cached: bool, rows: WindowedRows | None = None) -> KTable[Any, int]:
        """``count``, over windows where ``rows`` says so."""
        result = Flow(serde=models.integer)
        return self._aggregated(
            "count", result, store=store, cached=cached, location=caller(), rows=rows, associative=True
        )

    def reduced(
        self, reducer: Callable[[V, V], V | None], *, store: str | None, cached: bool, on_error: OnError | None,
        associative: bool | None = None, rows: WindowedRows | None = None,
    ) -> KTable[Any, V]:  # fmt: skip
        """``reduce``, likewise."""
        location = caller()
        adder = shape_function(reducer, "reduce", location)
        return self._aggregated(
            "reduce", self._value, store=store, cached=cached, location=location, adder=adder,
            associative=is_associative(reducer, self._value, associative, location),
            on_error=error_policy(on_error, location), rows=rows,
        )  # fmt: skip

    def aggregated(
        self, initializer: Callable[[], Any], adder: Callable[..., Any], *, value: Any, store: str | None,
        cached: bool, on_error: OnError | None, rows: WindowedRows | None = None,
    ) -> KTable[Any, Any]:  # fmt: skip
        """``aggregate``, likewise."""
        location = caller()
        start = shape_function(initializer, "initializer", location, argument="aggregate(initializer)")
        function = shape_function(adder, "aggregate", location)
        found = returns.returned(adder) or returns.returned(initializer)
        unknown = lost("aggregate", location, "value=", suggested(start, Flow(), Flow()))
        flow = self._builder.flow(value, found, unknown, location)
        return self._aggregated(
            "aggregate", flow, store=store, cached=cached, location=location, initializer=start, adder=function,
            on_error=error_policy(on_error, location), rows=rows,
        )  # fmt: skip

    def _aggregated(
        self, kind: str, result: Flow, *, store: str | None, cached: bool, location: str,
        initializer: nodes.UserFunction | None = None, adder: nodes.UserFunction | None = None,
        on_error: nodes.Policy | None = None, rows: WindowedRows | None = None,
        associative: bool = False,
    ) -> KTable[Any, Any]:  # fmt: skip
        because = "keeps its results in a store"
        key_serde = need_serde(self._key, kind, location, because=because, what="key")
        what = "value" if kind == "reduce" else "aggregate"
        value_serde = need_serde(result, kind, location, because=because, what=what)
        given = store is not None
        default = f"{self._base}-{kind}" if rows is None else f"{self._base}-windowed-{kind}"
        name = self._builder.claim_store(default if store is None else store, location, given=given)
        parent = self._repartitioned(kind, name, location) if self._moves else self._node
        spec = StoreSpec(name=name, changelog_topic=changelog_topic(self._builder.application_id, name), cached=cached)
        node = nodes.Aggregate(
            name=name,
            location=location,
            on_error=on_error,
            kind=kind,
            store=spec,
            key_serde=key_serde,
            value_serde=value_serde,
            initializer=initializer,
            adder=adder,
            associative=associative,
        )
        if rows is not None:
            node = _windowed(node, rows)
        self._builder.add(node, (parent,))
        key = self._key if rows is None else Flow(serde=node.key_serde)
        return KTable(self._builder, node.name, store=name, key=key, value=Flow(serde=value_serde))

    def _repartitioned(self, kind: str, store: str, location: str) -> str:
        """The repartition above this aggregation; a named one is there already if another aggregation made it."""
        base = self._name or store
        name = f"{base}-repartition"
        if self._name is not None and self._builder.repartition_of(self._node, name):
            return name
        because = "reads its records from a repartition topic"
        key_serde = need_serde(self._key, kind, location, because=because, what="key")
        if kind == "count" and self._value.serde is None:
            value_serde = plain.absent  # a count never looks at values, so their type need not be known
        else:
            value_serde = need_serde(self._value, kind, location, because=because, what="value")
        node = nodes.Repartition(
            name=name,
            location=self._location,
            on_error=self._on_error,
            topic=repartition_topic(self._builder.application_id, base),
            key_serde=key_serde,
            value_serde=value_serde,
        )
        self._builder.add_repartition(node, self._node, given=self._name is not None)
        return name


def _windowed(node: nodes.Aggregate, rows: WindowedRows) -> nodes.WindowedAggregate:
    """The same aggregation per key and window."""
    fields = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
    return nodes.WindowedAggregate(
        **{
            **fields,
            "store": replace(node.store, kind=WINDOW, windows=rows.layout),
            "key_serde": rows.key_serde(node.key_serde),
            "windows": rows.windows,
            "group_serde": node.key_serde,
        }
    )
