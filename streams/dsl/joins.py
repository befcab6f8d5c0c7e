"""What joins have in common at build time: what may be joined with what, and what they are called.

Co-partitioning is checked here as far as formats go; partition counts are known at start (``runtime.plan``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streams.dsl import returns
from streams.dsl.builder import Builder
from streams.dsl.flow import Flow, lost, need_serde
from streams.dsl.functions import error_policy, shape_function
from streams.errors import TopologyError
from streams.on_error import OnError
from streams.serde.base import same_format
from streams.topology import nodes
from streams.topology.graph import at
from streams.topology.names import check_name, merged_base, repartition_topic
from streams.topology.nodes import AnySerde, Policy

if TYPE_CHECKING:
    from streams.dsl.stream import KStream
    from streams.dsl.table import KTable


def check_sides(left: Any, right: Any, operator: str, location: str) -> AnySerde:
    """The format of the keys, which both sides must have in common.

    Raises:
        TopologyError: the right side is no table, of another application, or has keys of another format.
    """
    from streams.dsl.table import KTable

    kind = "table" if isinstance(left, KTable) else "stream"
    if not isinstance(right, KTable):
        hint = ""
        if hasattr(right, "to_table"):
            other_way = ", or join the other way round: stream.join(table, ...)" if kind == "table" else ""
            hint = f"; make it one with to_table(){other_way}"
        raise TopologyError(f"{at(location)}{operator}(...) of a {kind} takes a table, not {right!r:.80}{hint}")
    if left._builder is not right._builder:
        raise TopologyError(
            f"{at(location)}{operator}(...): the two sides belong to two applications, "
            f"{left._builder.application_id!r} and {right._builder.application_id!r}; declare both on one App"
        )
    because = "looks keys up in a table"
    mine = need_serde(left._key, operator, location, because=because, what="key")
    its = need_serde(right._key, operator, location, because=because, what="table's key")
    if not same_format(mine, its):
        fix = (
            "bring the stream's to the table's format with select_key(..., key=...)"
            if kind == "stream"
            else "read both topics with the same key type, or bring one to the other's format on its way: "
            "table.to_stream().select_key(..., key=...).to_table()"
        )
        raise TopologyError(
            f"{at(location)}{operator}(...): the keys of the {kind} have the format {mine.id} and those of the table "
            f"{right._node!r} {its.id}, so equal keys would not meet; {fix}"
        )
    return mine


def check_merge(stream: KStream[Any, Any], other: object, location: str) -> None:
    """Whether two streams can be one.

    Raises:
        TopologyError: the other is no stream, of another application, or has keys of another format.
    """
    from streams.dsl.stream import KStream

    if not isinstance(other, KStream):
        hint = "; take its to_stream()" if hasattr(other, "to_stream") else ""
        raise TopologyError(f"{at(location)}merge(...) takes another stream, not {other!r}{hint}")
    if other._builder is not stream._builder:
        raise TopologyError(
            f"{at(location)}merge(...): the two streams belong to two applications, "
            f"{stream._builder.application_id!r} and {other._builder.application_id!r}; declare both on one App"
        )
    mine, its = stream._key.serde, other._key.serde
    if mine and its and mine.id != its.id:
        raise TopologyError(
            f"{at(location)}merge(...): the keys of the two streams have different formats, {mine.id} and "
            f"{its.id}, so equal keys would not meet; bring one to the other's with select_key(..., key=...)"
        )


def meet_again(builder: Builder, left: str, right: str) -> bool:
    """Whether one change may reach both of these nodes, so that a join of them gets it twice."""
    return not _sources_above(builder, left).keys().isdisjoint(_sources_above(builder, right))


def _sources_above(builder: Builder, name: str) -> dict[str, None]:
    """Where the records come from that reach this node at once; a topic in between makes them others."""
    if isinstance(builder.graph.node(name), nodes.Source | nodes.Repartition):
        return {name: None}
    return {source: None for parent in builder.graph.parents(name) for source in _sources_above(builder, parent)}


def joined_base(left: Any, right: Any) -> str:
    """What the names below a join begin with."""
    return merged_base(left._base, right._base)


def result(builder: Builder, joiner: Callable[..., Any], value: Any, operator: str, location: str) -> Flow:
    """The value that a joiner makes."""
    return builder.flow(value, returns.returned(joiner), lost(operator, location, "value="), location)


def join_table(
    stream: KStream[Any, Any], table: KTable[Any, Any], joiner: Callable[..., Any], *, operator: str, how: str,
    value: Any, name: str | None, on_error: OnError | None, location: str,
) -> KStream[Any, Any]:  # fmt: skip
    """The stream's records with the table's rows; through a repartition topic where an operator changed the key."""
    from streams.dsl.stream import KStream

    builder = stream._builder
    function = shape_function(joiner, operator, location)
    key_serde = check_sides(stream, table, operator, location)
    base = joined_base(stream, table)
    flow = result(builder, joiner, value, operator, location)
    if name is not None:
        check_name(name, f"{at(location)}name")
    builder.materialise(table._node)
    parent, policy = stream._node, error_policy(on_error, location)
    if stream._rekeyed:
        parent = repartition(stream, operator, name or f"{base}-join", policy, location, given=name is not None)
    node = nodes.StreamTableJoin(
        name=builder.name(name, base, operator, location),
        location=location,
        on_error=policy,
        how=how,
        joiner=function,
        key_serde=key_serde,
    )
    builder.graph.add(node, (parent,), reads=(table._node,))
    return KStream(builder, node.name, base=base, key=stream._key, value=flow)


def repartition(
    stream: KStream[Any, Any], operator: str, base: str, on_error: Policy | None, location: str, *, given: bool
) -> str:
    """A repartition below a stream whose key was changed, for an operator that needs equal keys to meet.

    Arguments:
        on_error: the operator's, for records that cannot be written to the topic.
    """
    because = "needs equal keys in one partition, and so sends the records through a topic"
    node = nodes.Repartition(
        name=f"{base}-repartition",
        location=location,
        on_error=on_error,
        topic=repartition_topic(stream._builder.application_id, base),
        key_serde=need_serde(stream._key, operator, location, because=because, what="key"),
        value_serde=need_serde(stream._value, operator, location, because=because, what="value"),
    )
    return stream._builder.add_repartition(node, stream._node, given=given)
