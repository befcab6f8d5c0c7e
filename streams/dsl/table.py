"""``KTable``: the latest value of each key, and the operators on it. Each adds nodes and returns a new handle.

Nothing runs here. A table keeps its rows in a store if it has a name for one, or if an operator must look rows up; a
filter or ``map_values`` without a store computes its rows from its parent's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from state.model import StoreSpec
from streams.dsl import joins, returns
from streams.dsl.builder import Builder, caller
from streams.dsl.flow import Flow, lost, need_serde
from streams.dsl.functions import OF_ROW, error_policy, shape_function
from streams.dsl.grouped_table import KGroupedTable
from streams.dsl.hints import Hinted
from streams.dsl.suggest import suggested
from streams.errors import TopologyError
from streams.on_error import OnError
from streams.topology import nodes
from streams.topology.graph import at
from streams.topology.names import changelog_topic, check_name
from streams.topology.nodes import AnySerde

if TYPE_CHECKING:
    from streams.dsl.stream import KStream, OfRecord, OfValue, TypeOf

K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")
T = TypeVar("T")


class KTable(Hinted, Generic[K, V]):
    """Made by ``App.table``, by aggregations, and by other tables. Immutable: using it twice makes two branches.

    ``App.query(table)`` reads its rows as of the last commit, where it keeps them in a store. Every method raises
    ``TopologyError`` for what can be seen to be wrong at build time.
    """

    def __init__(
        self, builder: Builder, node: str, *, store: str | None = None, base: str = "", key: Flow, value: Flow
    ) -> None:
        self._builder = builder
        self._node = node
        self._base = base or store or node
        self._key = key
        self._value = value

    def __repr__(self) -> str:
        return f"<KTable {self._node!r} of application {self._builder.application_id!r}>"

    @property
    def store_name(self) -> str:
        """The store that keeps the rows.

        Raises:
            TopologyError: it keeps none.
        """
        node = self._builder.graph.node(self._node)
        if isinstance(node, nodes.Stateful) and node.store is not None:
            return node.store.name
        raise TopologyError(
            f"{at(node.location)}table {self._node!r} keeps no rows, for nothing needed them; give it store='...'"
        )

    @property
    def key_serde(self) -> AnySerde:
        return need_serde(self._key, "query", caller(), because="reads rows from a store", what="key")

    @property
    def value_serde(self) -> AnySerde:
        return need_serde(self._value, "query", caller(), because="reads rows from a store", what="value")

    @overload
    def filter(
        self, predicate: OfValue[V, object], *, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]: ...  # fmt: skip
    @overload
    def filter(
        self, predicate: OfRecord[K, V, object], *, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]: ...  # fmt: skip
    def filter(
        self, predicate: Callable[..., object], *, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]:  # fmt: skip
        """The rows for which the predicate is true. A row that does not pass (any more) is deleted downstream.

        Arguments:
            predicate: called with ``(value)`` or ``(key, value)``; never with null.
            store: keep the rows under this name; default: they are computed from this table's when asked for.
        """
        return self._filtered("filter", predicate, store, name, on_error, negate=False)

    @overload
    def filter_not(
        self, predicate: OfValue[V, object], *, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]: ...  # fmt: skip
    @overload
    def filter_not(
        self, predicate: OfRecord[K, V, object], *, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]: ...  # fmt: skip
    def filter_not(
        self, predicate: Callable[..., object], *, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]:  # fmt: skip
        """The rows for which the predicate is false; otherwise as ``filter``."""
        return self._filtered("filter_not", predicate, store, name, on_error, negate=True)

    @overload
    def map_values(
        self, mapper: OfValue[V, V2], *, value: TypeOf[V2] | None = None, store: str | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, V2]: ...  # fmt: skip
    @overload
    def map_values(
        self, mapper: OfRecord[K, V, V2], *, value: TypeOf[V2] | None = None, store: str | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, V2]: ...  # fmt: skip
    def map_values(
        self, mapper: Callable[..., Any], *, value: Any = None, store: str | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """Another value for each row.

        Arguments:
            mapper: called with ``(value)`` or ``(key, value)``, never with null. It may be called more than once for
                one row, also for old values, so its result must depend on its arguments only.
            value: type of the result, where the mapper has no return annotation.
            store: keep the rows under this name; default: they are computed when asked for.
        """
        location = caller()
        function = shape_function(mapper, "map_values", location, shapes=OF_ROW)
        unknown = lost("map_values", location, "value=", suggested(function, self._key, self._value))
        flow = self._builder.flow(value, returns.returned(mapper), unknown, location)
        named = self._named("map_values", store, name, on_error, location)
        node = nodes.TableMapValues(**named, **self._rows("map_values", store, flow, location), mapper=function)
        return self._then(node, flow)

    def to_stream(self, *, name: str | None = None) -> KStream[K, V]:
        """The table's changes as a stream of records: key, new value (None for a deleted row), timestamp."""
        from streams.dsl.stream import KStream

        location = caller()
        node = nodes.ToStream(name=self._builder.name(name, self._base, "to_stream", location), location=location)
        self._builder.add(node, (self._node,))
        return KStream(self._builder, node.name, base=self._base, key=self._key, value=self._value)

    @overload
    def group_by(
        self, mapper: OfValue[V, tuple[K2, V2] | None], *, key: TypeOf[K2] | None = None,
        value: TypeOf[V2] | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KGroupedTable[K2, V2]: ...  # fmt: skip
    @overload
    def group_by(
        self, mapper: OfRecord[K, V, tuple[K2, V2] | None], *, key: TypeOf[K2] | None = None,
        value: TypeOf[V2] | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KGroupedTable[K2, V2]: ...  # fmt: skip
    def group_by(
        self, mapper: Callable[..., Any], *, key: Any = None, value: Any = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """Group the rows by another key, through a repartition topic. A row that changes leaves its old group first.

        Arguments:
            mapper: called with ``(value)`` or ``(key, value)``; returns ``(key, value)`` for the group, or None for
                none. Also called for old values, so its result must depend on its arguments only.
            key, value: types of the result, where the mapper has no return annotation ``tuple[K, V]``.
            name: of the repartition topic (``<application>-<name>-repartition``); default: the name of the store.
            on_error: what becomes of a change that the mapper fails on, or that cannot be written to that topic.
        """
        location = caller()
        if name is not None:
            check_name(name, f"{at(location)}name")
        function = shape_function(mapper, "group_by", location, shapes=OF_ROW)
        found = returns.pair_of(returns.returned(mapper))
        flow = self._builder.flow
        key_flow = flow(key, found[0], lost("group_by", location, "key="), location)
        value_flow = flow(value, found[1], lost("group_by", location, "value="), location)
        because, policy = "sends the rows to their groups through a topic", error_policy(on_error, location)
        node = nodes.TableGroupBy(
            name=self._builder.name(None, self._base, "group_by", location),
            location=location,
            on_error=policy,
            mapper=function,
            key_serde=need_serde(key_flow, "group_by", location, because=because, what="key"),
        )
        self._builder.materialise(self._node)
        self._builder.add(node, (self._node,))
        return KGroupedTable(
            self._builder, node.name, base=self._base, key=key_flow, value=value_flow, name=name, location=location,
            on_error=policy,
        )  # fmt: skip

    @overload
    def join(
        self, other: KTable[K, V2], joiner: Callable[[V, V2], T], *, value: TypeOf[T] | None = None,
        store: str | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, T]: ...  # fmt: skip
    @overload
    def join(
        self, other: KTable[K, V2], joiner: Callable[[K, V, V2], T], *, value: TypeOf[T] | None = None,
        store: str | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, T]: ...  # fmt: skip
    def join(
        self, other: Any, joiner: Callable[..., Any], *, value: Any = None, store: str | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """A row for each key that both tables have; a change of either side changes it.

        Arguments:
            other: a table of the same keys.
            joiner: called with ``(left, right)`` or ``(key, left, right)``; its result must depend on its arguments
                only.
            value: type of the result, where the joiner has no return annotation.
            store: keep the rows under this name; default: they are computed from both tables when asked for, but for
                a table that reaches the join by both sides, which needs a store and gets one.
        """
        return self._joined("join", nodes.INNER, other, joiner, value, store, name, on_error)

    @overload
    def left_join(
        self, other: KTable[K, V2], joiner: Callable[[V, V2 | None], T], *, value: TypeOf[T] | None = None,
        store: str | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, T]: ...  # fmt: skip
    @overload
    def left_join(
        self, other: KTable[K, V2], joiner: Callable[[K, V, V2 | None], T], *, value: TypeOf[T] | None = None,
        store: str | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, T]: ...  # fmt: skip
    def left_join(
        self, other: Any, joiner: Callable[..., Any], *, value: Any = None, store: str | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """A row for each key of this table; ``right`` is None where the other has none. Otherwise as ``join``."""
        return self._joined("left_join", nodes.LEFT, other, joiner, value, store, name, on_error)

    @overload
    def outer_join(
        self, other: KTable[K, V2], joiner: Callable[[V | None, V2 | None], T], *, value: TypeOf[T] | None = None,
        store: str | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, T]: ...  # fmt: skip
    @overload
    def outer_join(
        self, other: KTable[K, V2], joiner: Callable[[K, V | None, V2 | None], T], *, value: TypeOf[T] | None = None,
        store: str | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KTable[K, T]: ...  # fmt: skip
    def outer_join(
        self, other: Any, joiner: Callable[..., Any], *, value: Any = None, store: str | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """A row for each key that either table has; the other side is None where it has none. Otherwise as ``join``."""
        return self._joined("outer_join", nodes.OUTER, other, joiner, value, store, name, on_error)

    def _joined(
        self, operator: str, how: str, other: Any, joiner: Callable[..., Any], value: Any, store: str | None,
        name: str | None, on_error: OnError | None,
    ) -> KTable[K, Any]:  # fmt: skip
        location = caller()
        function = shape_function(joiner, operator, location)
        key_serde = joins.check_sides(self, other, operator, location)
        base = joins.joined_base(self, other)
        flow = joins.result(self._builder, joiner, value, operator, location)
        twice = joins.meet_again(self._builder, self._node, other._node)
        given = store is not None or name is not None
        if twice and store is None:
            store = name or f"{base}-join"
        named = self._named("join", store, name, on_error, location, base=base, given=given)
        node = nodes.TableJoin(
            **named, **self._rows(operator, store, flow, location), how=how, joiner=function, twice=twice
        )
        self._builder.materialise(self._node)
        self._builder.materialise(other._node)
        for side, parent, read in (("left", self._node, other._node), ("right", other._node, self._node)):
            half = nodes.TableJoinSide(
                name=f"{node.name}-{side}", location=location, on_error=node.on_error, how=how,
                is_left=side == "left", twice=twice, joiner=function, key_serde=key_serde,
            )  # fmt: skip
            self._builder.graph.add(half, (parent,), reads=(read,))
        sides = (f"{node.name}-left", f"{node.name}-right")
        self._builder.graph.add(node, sides, reads=(self._node, other._node))
        return KTable(self._builder, node.name, store=store, base=base, key=self._key, value=flow)

    def _filtered(
        self, operator: str, predicate: Callable[..., object], store: str | None, name: str | None,
        on_error: OnError | None, *, negate: bool,
    ) -> KTable[K, V]:  # fmt: skip
        location = caller()
        function = shape_function(predicate, operator, location, shapes=OF_ROW)
        named = self._named(operator, store, name, on_error, location)
        rows = self._rows(operator, store, self._value, location)
        return self._then(nodes.TableFilter(**named, **rows, predicate=function, negate=negate), self._value)

    def _named(
        self, kind: str, store: str | None, name: str | None, on_error: OnError | None, location: str, *,
        base: str | None = None, given: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """What every node is made with; it has its store's name, if it has a store."""
        if store is not None:
            name = self._builder.claim_store(store, location, given=given)
        else:
            name = self._builder.name(name, base or self._base, kind, location)
        return {"name": name, "location": location, "on_error": error_policy(on_error, location)}

    def _rows(self, operator: str, store: str | None, value: Flow, location: str) -> dict[str, Any]:
        """What a new node keeps: its store, if it has one, and the types of its rows."""
        assert self._key.serde is not None, "a table knows the type of its keys from its beginning"
        if store is None:
            return {"store": None, "key_serde": self._key.serde, "value_serde": value.serde}
        serde = need_serde(value, operator, location, because="keeps its rows in a store", what="value")
        changelog = changelog_topic(self._builder.application_id, store)
        spec = StoreSpec(name=store, changelog_topic=changelog, cached=False)
        return {"store": spec, "key_serde": self._key.serde, "value_serde": serde}

    def _then(self, node: nodes.Stateful, value: Flow) -> KTable[K, Any]:
        """The handle below a new node."""
        self._builder.add(node, (self._node,))
        store = None if node.store is None else node.store.name
        return KTable(self._builder, node.name, store=store, base=store or self._base, key=self._key, value=value)
