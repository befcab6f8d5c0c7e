"""Compile passes that an application may switch on: fewer internal topics, fewer records in them. PURE.

Each leaves names and results as they are (docs/optimisations.md). A pass says what to change; ``compile`` does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from streams.on_error import ErrorPolicy, Fail
from streams.serde.base import same_format
from streams.topology.graph import TopologyGraph
from streams.topology.nodes import Aggregate, Node, Policy, Repartition, Sink, Source, Stateful, TableSource

if TYPE_CHECKING:
    from streams.topology.compile import SubTopology


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Which passes run. All off is what Kafka Streams does by default.

    Arguments:
        merge_repartitions: aggregations of one key-changed stream read one repartition topic, the first one's.
        combiners: records that are about to be counted or reduced are pre-aggregated before the repartition topic.
        reuse_source_topics: a table read from a topic restores from that topic and has no changelog.
    """

    merge_repartitions: bool = False
    combiners: bool = False
    reuse_source_topics: bool = False


NO_PASSES: Final = Passes()


def merged_repartitions(graph: TopologyGraph) -> Mapping[str, str]:
    """Repartitions that another one makes needless, each with that one: equal records for aggregations only.

    Kafka Streams' ``merge.repartition.topics``, for aggregations of the same stream. A topic that the user asked for
    with ``repartition()`` stays.
    """
    kept: list[tuple[str, tuple[str, ...], Node]] = []
    merged: dict[str, str] = {}
    for name in graph.topological():
        node = graph.node(name)
        if not isinstance(node, Repartition) or node.asked_for:
            continue
        if not all(isinstance(graph.node(child), Aggregate) for child in graph.children(name)):
            continue
        parents, nameless = graph.parents(name), replace(node, name="", topic="", location="")
        found = next((first for first, above, like in kept if (above, like) == (parents, nameless)), None)
        if found is None:
            kept.append((name, parents, nameless))
        else:
            merged[name] = found
    return merged


def combined(subtopologies: Sequence[SubTopology]) -> tuple[SubTopology, ...]:
    """The sub-topologies where the sinks of repartition topics know what to pre-aggregate for."""
    readers = {topic: found for sub in subtopologies for topic, found in _combinable(sub).items()}
    return tuple(_with_combiners(sub, readers) for sub in subtopologies)


def _combinable(sub: SubTopology) -> dict[str, Aggregate]:
    """The repartition topic that one associative aggregation reads, if this is what the sub-topology begins with.

    Never for a window, which a late record would get into with an early one, nor where another input is read beside it
    or somebody looks rows up: they would find a row as it is before or after a combined record, and not in between.
    What fails on one record must not take others along, so a policy for failures rules it out, too.
    """
    if len(sub.sources) != 1 or not sub.sources[0].internal or sub.reads:
        return {}
    (source,) = sub.sources
    children = [node for node in sub.nodes if node.name in sub.children[source.name]]
    if len(children) != 1 or len(sub.children[source.name]) != 1:
        return {}
    (child,) = children
    if type(child) is not Aggregate or not child.associative or not child.store.cached:
        return {}
    if child.on_error is not None and not isinstance(child.on_error, Fail):
        return {}
    return dict.fromkeys(source.topics, child)


def _with_combiners(sub: SubTopology, readers: Mapping[str, Aggregate]) -> SubTopology:
    """Nothing is gathered where a record's effects may have to be undone."""
    if any(node.on_error is not None and _may_undo(node.on_error) for node in sub.nodes):
        return sub

    def changed(node: Node) -> Node:
        if isinstance(node, Sink) and node.internal and isinstance(node.topic, str) and node.topic in readers:
            if node.on_error is not None and not isinstance(node.on_error, Fail):
                return node  # it has to know which record it was whose key cannot be written
            return replace(node, combines_for=readers[node.topic])
        return node

    nodes = tuple(changed(node) for node in sub.nodes)
    return replace(sub, nodes=nodes, sinks=tuple(node for node in nodes if isinstance(node, Sink)))


def with_reused_sources(sub: SubTopology) -> SubTopology:
    """The sub-topology whose tables, where their topic has exactly their rows, have no changelog besides it.

    Kafka Streams' ``reuse.ktable.source.topics``.
    """
    if any(node.on_error is not None and _may_undo(node.on_error) for node in sub.nodes):
        return sub
    nodes = tuple(_reusing(sub, node) for node in sub.nodes)
    stores = tuple(node.store for node in nodes if isinstance(node, Stateful) and node.store is not None)
    return replace(sub, nodes=nodes, stores=stores)


def _reusing(sub: SubTopology, node: Node) -> Node:
    """A record that an error policy took back or dropped is in the topic and not in the store; a row's timestamp and
    bytes must be the record's own."""
    if not isinstance(node, TableSource) or node.store is None or not node.topic:
        return node
    source = next(other for other in sub.sources if other.name in sub.parents[node.name])
    is_same = (
        source.topics == (node.topic,)
        and source.timestamp is None
        and (source.on_error is None or isinstance(source.on_error, Fail))
        and node.value_serde is not None
        and same_format(source.key_serde, node.key_serde)
        and same_format(source.value_serde, node.value_serde)
    )
    return replace(node, store=replace(node.store, changelog_topic=None, source_topic=node.topic)) if is_same else node


def _may_undo(policy: Policy) -> bool:
    return not isinstance(policy, ErrorPolicy) or policy.may_undo


def may_read_counts(sub: SubTopology, source: Source) -> bool:
    """Whether combined counts may be in the topic of this source, whatever the switch says now."""
    children = sub.children[source.name]
    return source.internal and any(
        node.name in children and type(node) is Aggregate and node.kind == "count" and len(children) == 1
        for node in sub.nodes
    )
