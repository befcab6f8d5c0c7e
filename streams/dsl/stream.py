"""``KStream``: a stream of independent records, and the operators on it. Each adds a node and returns a new handle.

Nothing runs here. What a function may take: ``functions``; where types come from: ``builder``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

from streams.dsl import joins, returns, tables
from streams.dsl.builder import Builder, caller
from streams.dsl.flow import Flow, lost, need_serde
from streams.dsl.functions import error_policy, shape_function
from streams.dsl.grouped import KGroupedStream
from streams.dsl.hints import Hinted
from streams.dsl.split import SplitStream
from streams.dsl.suggest import suggested
from streams.errors import TopologyError
from streams.model import RecordContext
from streams.on_error import OnError
from streams.serde.base import Serde
from streams.topology import nodes
from streams.topology.graph import at
from streams.topology.names import check_name, merged_base, repartition_topic

if TYPE_CHECKING:
    from streams.dsl.table import KTable

K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")
T = TypeVar("T")

TypeOf: TypeAlias = type[T] | Serde[T]
"""How an argument names a type: the type itself, or a serde of it."""

OfValue: TypeAlias = Callable[[V], T]
OfRecord: TypeAlias = Callable[[K, V], T]
OfContext: TypeAlias = Callable[[K, V, RecordContext], T]


class KStream(Hinted, Generic[K, V]):
    """Records of one or more topics, or what operators made of them.

    Made by ``App.stream`` and by other streams, never directly. A handle is immutable: using it twice makes two
    branches. Every method raises ``TopologyError`` for what can be seen to be wrong at build time. ``on_error`` says
    what becomes of a record on which the operator fails: ``fail``, ``skip``, ``retry(...)``, ``dead_letter("topic")``
    or a function of the exception that returns one of them; default: what the application says.
    """

    def __init__(
        self, builder: Builder, node: str, *, base: str, key: Flow, value: Flow, rekeyed: bool = False
    ) -> None:
        self._builder = builder
        self._node = node
        self._base = base
        self._key = key
        self._value = value
        self._rekeyed = rekeyed

    def __repr__(self) -> str:
        return f"<KStream {self._node!r} of application {self._builder.application_id!r}>"

    @overload
    def filter(
        self, predicate: OfValue[V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def filter(
        self, predicate: OfRecord[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def filter(
        self, predicate: OfContext[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    def filter(
        self, predicate: Callable[..., object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]:
        """Pass on the records for which the predicate is true."""
        return self._filtered("filter", predicate, name, on_error, negate=False)

    @overload
    def filter_not(
        self, predicate: OfValue[V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def filter_not(
        self, predicate: OfRecord[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def filter_not(
        self, predicate: OfContext[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    def filter_not(
        self, predicate: Callable[..., object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]:
        """Pass on the records for which the predicate is false."""
        return self._filtered("filter_not", predicate, name, on_error, negate=True)

    @overload
    def map(
        self, mapper: OfValue[V, tuple[K2, V2]], *, key: TypeOf[K2] | None = None, value: TypeOf[V2] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K2, V2]: ...  # fmt: skip
    @overload
    def map(
        self, mapper: OfRecord[K, V, tuple[K2, V2]], *, key: TypeOf[K2] | None = None, value: TypeOf[V2] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K2, V2]: ...  # fmt: skip
    @overload
    def map(
        self, mapper: OfContext[K, V, tuple[K2, V2]], *, key: TypeOf[K2] | None = None, value: TypeOf[V2] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K2, V2]: ...  # fmt: skip
    def map(
        self,
        mapper: Callable[..., Any],
        *,
        key: Any = None,
        value: Any = None,
        name: str | None = None,
        on_error: OnError | None = None,
    ) -> Any:
        """Turn each record into another: the mapper returns ``(key, value)``.

        Arguments:
            key, value: types of the result, where the mapper has no return annotation ``tuple[K, V]``.
        """
        location = caller()
        function = shape_function(mapper, "map", location)
        node = nodes.Map(**self._placed("map", name, on_error, location), mapper=function)
        found = returns.pair_of(returns.returned(mapper))
        return self._rekeyed_by("map", node, found, key, value)

    @overload
    def map_values(
        self, mapper: OfValue[V, V2], *, value: TypeOf[V2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V2]: ...  # fmt: skip
    @overload
    def map_values(
        self, mapper: OfRecord[K, V, V2], *, value: TypeOf[V2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V2]: ...  # fmt: skip
    @overload
    def map_values(
        self, mapper: OfContext[K, V, V2], *, value: TypeOf[V2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V2]: ...  # fmt: skip
    def map_values(
        self, mapper: Callable[..., Any], *, value: Any = None, name: str | None = None, on_error: OnError | None = None
    ) -> Any:
        """Turn each value into another; the key stays, so nothing has to move between partitions.

        Arguments:
            value: type of the result, where the mapper has no return annotation.
        """
        location = caller()
        function = shape_function(mapper, "map_values", location)
        node = nodes.MapValues(**self._placed("map_values", name, on_error, location), mapper=function)
        unknown = lost("map_values", location, "value=", suggested(function, self._key, self._value))
        flow = self._builder.flow(value, returns.returned(mapper), unknown, location)
        return self._then(node, value=flow)

    @overload
    def flat_map(
        self, mapper: OfValue[V, Iterable[tuple[K2, V2]]], *, key: TypeOf[K2] | None = None,
        value: TypeOf[V2] | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K2, V2]: ...  # fmt: skip
    @overload
    def flat_map(
        self, mapper: OfRecord[K, V, Iterable[tuple[K2, V2]]], *, key: TypeOf[K2] | None = None,
        value: TypeOf[V2] | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K2, V2]: ...  # fmt: skip
    @overload
    def flat_map(
        self, mapper: OfContext[K, V, Iterable[tuple[K2, V2]]], *, key: TypeOf[K2] | None = None,
        value: TypeOf[V2] | None = None, name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K2, V2]: ...  # fmt: skip
    def flat_map(
        self,
        mapper: Callable[..., Any],
        *,
        key: Any = None,
        value: Any = None,
        name: str | None = None,
        on_error: OnError | None = None,
    ) -> Any:
        """Turn each record into any number of records: the mapper returns or yields ``(key, value)`` pairs.

        Arguments:
            key, value: types of each result, where there is no annotation such as ``list[tuple[K, V]]``.
        """
        location = caller()
        function = shape_function(mapper, "flat_map", location)
        node = nodes.FlatMap(**self._placed("flat_map", name, on_error, location), mapper=function)
        found = returns.pair_of(returns.element_of(returns.returned(mapper)))
        return self._rekeyed_by("flat_map", node, found, key, value)

    @overload
    def flat_map_values(
        self, mapper: OfValue[V, Iterable[V2]], *, value: TypeOf[V2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V2]: ...  # fmt: skip
    @overload
    def flat_map_values(
        self, mapper: OfRecord[K, V, Iterable[V2]], *, value: TypeOf[V2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V2]: ...  # fmt: skip
    @overload
    def flat_map_values(
        self, mapper: OfContext[K, V, Iterable[V2]], *, value: TypeOf[V2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V2]: ...  # fmt: skip
    def flat_map_values(
        self, mapper: Callable[..., Any], *, value: Any = None, name: str | None = None, on_error: OnError | None = None
    ) -> Any:
        """Turn each value into any number of values, all under the same key and timestamp.

        Arguments:
            value: type of each result, where there is no annotation such as ``list[str]``.
        """
        location = caller()
        function = shape_function(mapper, "flat_map_values", location)
        node = nodes.FlatMapValues(**self._placed("flat_map_values", name, on_error, location), mapper=function)
        unknown = lost("flat_map_values", location, "value=", suggested(function, self._key, self._value, each=True))
        found = returns.element_of(returns.returned(mapper))
        return self._then(node, value=self._builder.flow(value, found, unknown, location))

    @overload
    def select_key(
        self, mapper: OfValue[V, K2], *, key: TypeOf[K2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K2, V]: ...  # fmt: skip
    @overload
    def select_key(
        self, mapper: OfRecord[K, V, K2], *, key: TypeOf[K2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K2, V]: ...  # fmt: skip
    @overload
    def select_key(
        self, mapper: OfContext[K, V, K2], *, key: TypeOf[K2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K2, V]: ...  # fmt: skip
    def select_key(
        self, mapper: Callable[..., Any], *, key: Any = None, name: str | None = None, on_error: OnError | None = None
    ) -> Any:
        """Give each record another key. A grouping further down then goes through a repartition topic.

        Arguments:
            key: type of the new key, where the mapper has no return annotation.
        """
        return self._with_key("select_key", mapper, key, name, on_error, caller())

    @overload
    def peek(
        self, action: OfValue[V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def peek(
        self, action: OfRecord[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    @overload
    def peek(
        self, action: OfContext[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]: ...
    def peek(
        self, action: Callable[..., object], *, name: str | None = None, on_error: OnError | None = None
    ) -> KStream[K, V]:
        """Call a function for each record and pass the record on. Its side effects are not part of the transaction."""
        location = caller()
        function = shape_function(action, "peek", location)
        return self._then(nodes.Peek(**self._placed("peek", name, on_error, location), action=function))

    @overload
    def for_each(
        self, action: OfValue[V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> None: ...
    @overload
    def for_each(
        self, action: OfRecord[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> None: ...
    @overload
    def for_each(
        self, action: OfContext[K, V, object], *, name: str | None = None, on_error: OnError | None = None
    ) -> None: ...
    def for_each(
        self, action: Callable[..., object], *, name: str | None = None, on_error: OnError | None = None
    ) -> None:
        """Call a function for each record; the stream ends here."""
        location = caller()
        function = shape_function(action, "for_each", location)
        self._then(nodes.ForEach(**self._placed("for_each", name, on_error, location), action=function))

    def merge(
        self, other: KStream[K, V2], *, value: TypeOf[V | V2] | None = None, name: str | None = None
    ) -> KStream[K, V | V2]:
        """One stream of the records of both. Order is kept within each, and free between the two.

        Arguments:
            other: of the same key type. Merging a stream with itself passes each record twice.
            value: type of the merged values, where the two differ and a store or repartition follows.
        """
        location = caller()
        joins.check_merge(self, other, location)
        unknown = lost("merge", location, "value=")
        same = self._value.serde and other._value.serde and self._value.serde.id == other._value.serde.id
        flow = self._value if same and value is None else self._builder.flow(value, returns.UNKNOWN, unknown, location)
        base = merged_base(self._base, other._base)
        node = nodes.Merge(name=self._builder.name(name, base, "merge", location), location=location)
        self._builder.add(node, (self._node, other._node))
        key = self._key if self._key.serde else other._key
        rekeyed = self._rekeyed or other._rekeyed
        return KStream(self._builder, node.name, base=base, key=key, value=flow, rekeyed=rekeyed)

    def split(self, *, name: str | None = None) -> SplitStream[K, V]:
        """Send each record down one of several ways: the first ``branch`` that takes it, else ``default``.

        ``large = split.branch(lambda order: order.total > 100, "large")``; ``rest = split.default()``.
        """
        location = caller()
        return SplitStream(
            self._then(nodes.Split(name=self._name(name, "split", location), location=location)), location
        )

    def repartition(
        self,
        *,
        name: str | None = None,
        partitions: int | None = None,
        key: TypeOf[K] | None = None,
        value: TypeOf[V] | None = None,
        on_error: OnError | None = None,
    ) -> KStream[K, V]:
        """Send all records through an internal topic, so that equal keys meet in one partition. Null keys are dropped.

        Arguments:
            name: the topic is ``<application>-<name>-repartition``; default: the sources' names.
            partitions: of that topic; default: as many as the largest source has.
            key, value: types, where they are not known.
        """
        location = caller()
        if partitions is not None and (not isinstance(partitions, int) or partitions < 1):
            raise TopologyError(f"{at(location)}repartition(partitions={partitions!r}): a count from 1 on")
        because = "sends the records through a topic"
        key_flow = self._known("repartition", key, self._key, "key=", location)
        value_flow = self._known("repartition", value, self._value, "value=", location)
        base = check_name(name, f"{at(location)}name") if name is not None else self._base
        node = nodes.Repartition(
            name=f"{base}-repartition",
            location=location,
            on_error=error_policy(on_error, location),
            topic=repartition_topic(self._builder.application_id, base),
            key_serde=need_serde(key_flow, "repartition", location, because=because, what="key"),
            value_serde=need_serde(value_flow, "repartition", location, because=because, what="value"),
            partitions=partitions,
            asked_for=True,
        )
        self._builder.add_repartition(node, self._node, given=name is not None)
        return KStream(self._builder, node.name, base=node.name, key=key_flow, value=value_flow)

    @overload
    def group_by(
        self, mapper: OfValue[V, K2], *, key: TypeOf[K2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KGroupedStream[K2, V]: ...  # fmt: skip
    @overload
    def group_by(
        self, mapper: OfRecord[K, V, K2], *, key: TypeOf[K2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KGroupedStream[K2, V]: ...  # fmt: skip
    @overload
    def group_by(
        self, mapper: OfContext[K, V, K2], *, key: TypeOf[K2] | None = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> KGroupedStream[K2, V]: ...  # fmt: skip
    def group_by(
        self, mapper: Callable[..., Any], *, key: Any = None, name: str | None = None, on_error: OnError | None = None
    ) -> Any:
        """Group by a new key: the records go through a repartition topic. Those with a null key are dropped.

        Arguments:
            key: type of the new key, where the mapper has no return annotation.
            name: of the repartition topic (``<application>-<name>-repartition``); default: the name of the store.
            on_error: what becomes of a record that the mapper fails on, or that cannot be written to that topic.
        """
        location = caller()
        if name is not None:
            check_name(name, f"{at(location)}name")
        keyed = self._with_key("group_by", mapper, key, None, on_error, location)
        return KGroupedStream(
            self._builder, keyed._node, base=self._base, key=keyed._key, value=self._value, moves=True, name=name,
            location=location, operator="group_by", on_error=error_policy(on_error, location),
        )  # fmt: skip

    def group_by_key(self, *, name: str | None = None, on_error: OnError | None = None) -> KGroupedStream[K, V]:
        """Group by the key that the records have; through a repartition topic only if an operator above changed it.

        Arguments:
            name: of that topic, if there is one; default: the name of the store.
            on_error: what becomes of a record that cannot be written there.
        """
        location = caller()
        if name is not None:
            check_name(name, f"{at(location)}name")
        return KGroupedStream(
            self._builder, self._node, base=self._base, key=self._key, value=self._value, moves=self._rekeyed,
            name=name, location=location, operator="group_by_key", on_error=error_policy(on_error, location),
        )  # fmt: skip

    def to(
        self,
        topic: str | OfValue[V, str] | OfRecord[K, V, str] | OfContext[K, V, str],
        *,
        key: TypeOf[K] | None = None,
        value: TypeOf[V] | None = None,
        partitioner: Callable[[str, K, V, int], int | None] | None = None,
        name: str | None = None,
        on_error: OnError | None = None,
    ) -> None:
        """Write the records to a topic.

        Arguments:
            topic: its name, or a function of the record that returns one. The embedded log makes such topics when
                their first record comes; on a cluster they must exist.
            key, value: types; default: those of the stream, and where they are not known, each object's own type.
            partitioner: called with topic, key, value and the number of partitions; returns a partition, or None for
                the default (murmur2 of the key's bytes, as Kafka's own clients do).
        """
        location = caller()
        target: str | nodes.UserFunction
        if isinstance(topic, str):
            target, base = check_name(topic, f"{at(location)}topic"), topic
        else:
            target, base = shape_function(topic, "to", location), self._base
        chosen = (
            None
            if partitioner is None
            else shape_function(partitioner, "partitioner", location, argument="partitioner")
        )
        node = nodes.Sink(
            name=self._builder.name(name, base, "sink", location),
            location=location,
            on_error=error_policy(on_error, location),
            topic=target,
            key_serde=self._known("to", key, self._key, "key=", location).serde,
            value_serde=self._known("to", value, self._value, "value=", location).serde,
            partitioner=chosen,
        )
        self._builder.add(node, (self._node,))

    def to_table(
        self, *, key: TypeOf[K] | None = None, value: TypeOf[V] | None = None, store: str | None = None,
        on_error: OnError | None = None,
    ) -> KTable[K, V]:  # fmt: skip
        """The stream as a table: the last value of each key, null deletes. Records with a null key are dropped.

        Through a repartition topic, named after the store, where an operator above changed the key.

        Arguments:
            key, value: types, where they are not known.
            store: keep the rows under this name; default: they are kept where an operator needs them.
            on_error: what becomes of a record whose key or value is not of its type, so that no row can be kept of it.
                Where no row is kept and no key was changed, nothing is written and nothing can fail.
        """
        location = caller()
        key_flow = self._known("to_table", key, self._key, "key=", location)
        value_flow = self._known("to_table", value, self._value, "value=", location)
        stream: KStream[K, V] = KStream(
            self._builder, self._node, base=self._base, key=key_flow, value=value_flow, rekeyed=self._rekeyed
        )
        return tables.of_stream(stream, store, error_policy(on_error, location), location)

    @overload
    def join(
        self, other: KTable[K, V2], joiner: Callable[[V, V2], T], *, value: TypeOf[T] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K, T]: ...  # fmt: skip
    @overload
    def join(
        self, other: KTable[K, V2], joiner: Callable[[K, V, V2], T], *, value: TypeOf[T] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K, T]: ...  # fmt: skip
    def join(
        self, other: Any, joiner: Callable[..., Any], *, value: Any = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """Each record with the row that its key has in a table; records without one are left out.

        The table's changes send nothing. Records with a null key or a null value are dropped and counted.

        Arguments:
            other: a table of the same keys.
            joiner: called with ``(left, right)`` or ``(key, left, right)``: the record's value and the row's.
            value: type of the result, where the joiner has no return annotation.
            name: of the node, and of the repartition topic, where an operator above changed the key.
        """
        return joins.join_table(
            self, other, joiner, operator="join", how=nodes.INNER, value=value, name=name, on_error=on_error,
            location=caller(),
        )  # fmt: skip

    @overload
    def left_join(
        self, other: KTable[K, V2], joiner: Callable[[V, V2 | None], T], *, value: TypeOf[T] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K, T]: ...  # fmt: skip
    @overload
    def left_join(
        self, other: KTable[K, V2], joiner: Callable[[K, V, V2 | None], T], *, value: TypeOf[T] | None = None,
        name: str | None = None, on_error: OnError | None = None,
    ) -> KStream[K, T]: ...  # fmt: skip
    def left_join(
        self, other: Any, joiner: Callable[..., Any], *, value: Any = None, name: str | None = None,
        on_error: OnError | None = None,
    ) -> Any:  # fmt: skip
        """As ``join``, but for a key without a row, or a null key, ``right`` is None."""
        return joins.join_table(
            self, other, joiner, operator="left_join", how=nodes.LEFT, value=value, name=name, on_error=on_error,
            location=caller(),
        )  # fmt: skip

    def _name(self, given: str | None, kind: str, location: str) -> str:
        return self._builder.name(given, self._base, kind, location)

    def _placed(self, kind: str, name: str | None, on_error: OnError | None, location: str) -> dict[str, Any]:
        """What every node is made with."""
        return {
            "name": self._name(name, kind, location),
            "location": location,
            "on_error": error_policy(on_error, location),
        }

    def _filtered(
        self, kind: str, predicate: Callable[..., object], name: str | None, on_error: OnError | None, *, negate: bool
    ) -> KStream[K, V]:
        location = caller()
        function = shape_function(predicate, kind, location)
        return self._then(
            nodes.Filter(**self._placed(kind, name, on_error, location), predicate=function, negate=negate)
        )

    def _then(self, node: nodes.Node, *, value: Flow | None = None) -> KStream[K, Any]:
        """The handle below a new node that keeps the key."""
        self._builder.add(node, (self._node,))
        return KStream(
            self._builder, node.name, base=self._base, key=self._key, value=value or self._value, rekeyed=self._rekeyed
        )

    def _rekeyed_by(
        self, operator: str, node: nodes.Node, found: tuple[Any, Any], key: Any, value: Any
    ) -> KStream[Any, Any]:
        self._builder.add(node, (self._node,))
        flow = self._builder.flow
        return KStream(
            self._builder,
            node.name,
            base=self._base,
            key=flow(key, found[0], lost(operator, node.location, "key="), node.location),
            value=flow(value, found[1], lost(operator, node.location, "value="), node.location),
            rekeyed=True,
        )

    def _with_key(
        self,
        operator: str,
        mapper: Callable[..., Any],
        key: Any,
        name: str | None,
        on_error: OnError | None,
        location: str,
    ) -> KStream[Any, V]:
        function = shape_function(mapper, operator, location)
        node = nodes.SelectKey(**self._placed(operator, name, on_error, location), mapper=function)
        unknown = lost(operator, location, "key=", suggested(function, self._key, self._value))
        flow = self._builder.flow(key, returns.returned(mapper), unknown, location)
        self._builder.add(node, (self._node,))
        return KStream(self._builder, node.name, base=self._base, key=flow, value=self._value, rekeyed=True)

    def _known(self, call: str, kind: Any, flow: Flow, argument: str, location: str) -> Flow:
        if kind is None:
            return flow
        return Flow(serde=self._builder.serde(kind, f"{call}({argument}...)", location))
