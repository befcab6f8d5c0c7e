"""``KGroupedTable``: a table whose rows are grouped by another key, waiting for an aggregation.

As with grouped streams, the repartition topic above an aggregation is added when the aggregation is: its name may come
from the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from state.model import StoreSpec
from streams.dsl import returns
from streams.dsl.builder import Builder, caller
from streams.dsl.flow import Flow, lost, need_serde
from streams.dsl.functions import error_policy, shape_function
from streams.dsl.suggest import suggested
from streams.on_error import OnError
from streams.serde import models, plain
from streams.topology import nodes
from streams.topology.names import changelog_topic, repartition_topic

if TYPE_CHECKING:
    from streams.dsl.stream import TypeOf
    from streams.dsl.table import KTable

K = TypeVar("K")
V = TypeVar("V")
A = TypeVar("A")


class KGroupedTable(Generic[K, V]):
    """Made by ``KTable.group_by``. A row that changes is taken away with its old value before it is added again."""

    def __init__(
        self, builder: Builder, node: str, *, base: str, key: Flow, value: Flow, name: str | None, location: str,
        on_error: nodes.Policy | None,
    ) -> None:  # fmt: skip
        self._builder = builder
        self._node = node
        self._base = name or base
        self._key = key
        self._value = value
        self._name = name
        self._location = location
        self._on_error = on_error

    def __repr__(self) -> str:
        return f"<KGroupedTable {self._node!r} of application {self._builder.application_id!r}>"

    def count(self, *, store: str | None = None, cached: bool = True) -> KTable[K, int]:
        """Count the rows of each group. A count that falls to 0 stays, as 0.

        Arguments:
            store: name of the store; default: made of the sources' names.
            cached: False sends every single change downstream and to the changelog, also where a cache is on.
        """
        return self._aggregated("count", Flow(serde=models.integer), store, cached, None, caller())

    def reduce(
        self, adder: Callable[[V, V], V | None], subtractor: Callable[[V, V], V | None], *, store: str | None = None,
        cached: bool = True, on_error: OnError | None = None,
    ) -> KTable[K, V]:  # fmt: skip
        """Combine the values of each group; the first value is the aggregate as it is.

        Arguments:
            adder: called with aggregate and new value; returns the new aggregate, or None to delete it.
            subtractor: called with aggregate and old value; undoes ``adder``.
            store, cached: as for ``count``.
        """
        location = caller()
        functions = {
            "adder": shape_function(adder, "reduce", location, argument="reduce(adder)"),
            "subtractor": shape_function(subtractor, "reduce", location, argument="reduce(subtractor)"),
        }
        return self._aggregated("reduce", self._value, store, cached, on_error, location, **functions)

    @overload
    def aggregate(
        self, initializer: Callable[[], A], adder: Callable[[A, V], A | None],
        subtractor: Callable[[A, V], A | None], *, value: TypeOf[A] | None = None, store: str | None = None,
        cached: bool = True, on_error: OnError | None = None,
    ) -> KTable[K, A]: ...  # fmt: skip
    @overload
    def aggregate(
        self, initializer: Callable[[], A], adder: Callable[[K, A, V], A | None],
        subtractor: Callable[[K, A, V], A | None], *, value: TypeOf[A] | None = None, store: str | None = None,
        cached: bool = True, on_error: OnError | None = None,
    ) -> KTable[K, A]: ...  # fmt: skip
    def aggregate(
        self, initializer: Callable[[], Any], adder: Callable[..., Any], subtractor: Callable[..., Any], *,
        value: Any = None, store: str | None = None, cached: bool = True, on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """Build an aggregate of another type than the values.

        Arguments:
            initializer: makes the aggregate of a group that has none.
            adder: called with ``(aggregate, value)`` or ``(key, aggregate, value)`` for a new value; returns the new
                aggregate (the same object, changed, is fine), or None to delete it.
            subtractor: the same for an old value; undoes ``adder``.
            value: type of the aggregate, where no function has a return annotation.
            store, cached: as for ``count``.
        """
        location = caller()
        start = shape_function(initializer, "initializer", location, argument="aggregate(initializer)")
        functions = {
            "initializer": start,
            "adder": shape_function(adder, "aggregate", location, argument="aggregate(adder)"),
            "subtractor": shape_function(subtractor, "aggregate", location, argument="aggregate(subtractor)"),
        }
        found = returns.returned(adder) or returns.returned(subtractor) or returns.returned(initializer)
        unknown = lost("aggregate", location, "value=", suggested(start, Flow(), Flow()))
        flow = self._builder.flow(value, found, unknown, location)
        return self._aggregated("aggregate", flow, store, cached, on_error, location, **functions)

    def _aggregated(
        self, kind: str, result: Flow, store: str | None, cached: bool, on_error: OnError | None, location: str,
        **functions: nodes.UserFunction,
    ) -> KTable[Any, Any]:  # fmt: skip
        from streams.dsl.table import KTable

        assert self._key.serde is not None, "group_by has asked for it"
        what = "value" if kind == "reduce" else "aggregate"
        value_serde = need_serde(result, kind, location, because="keeps its results in a store", what=what)
        name = self._builder.claim_store(store or f"{self._base}-{kind}", location, given=store is not None)
        parent = self._repartitioned(kind, name, location)
        changelog = changelog_topic(self._builder.application_id, name)
        node = nodes.TableAggregate(
            name=name,
            location=location,
            on_error=error_policy(on_error, location),
            kind=kind,
            store=StoreSpec(name=name, changelog_topic=changelog, cached=cached),
            key_serde=self._key.serde,
            value_serde=value_serde,
            associative=False,  # a group loses rows, too
            **functions,
        )
        self._builder.add(node, (parent,))
        return KTable(self._builder, name, store=name, key=self._key, value=Flow(serde=value_serde))

    def _repartitioned(self, kind: str, store: str, location: str) -> str:
        """The repartition above this aggregation; a named one is there already if another aggregation made it."""
        base = self._name or store
        name = f"{base}-repartition"
        if self._name is not None and self._builder.repartition_of(self._node, name):
            return name
        assert self._key.serde is not None
        if kind == "count" and self._value.serde is None:
            value_serde = plain.absent  # a count never looks at values, so their type need not be known
        else:
            because = "reads its rows from a repartition topic"
            value_serde = need_serde(self._value, kind, location, because=because, what="value")
        node = nodes.Repartition(
            name=name,
            location=self._location,
            on_error=self._on_error,
            topic=repartition_topic(self._builder.application_id, base),
            key_serde=self._key.serde,
            value_serde=value_serde,
            changes=True,
        )
        return self._builder.add_repartition(node, self._node, given=self._name is not None)
