"""Which topics must be partitioned alike, because a node brings their equal keys together; and how they are written.

Formats of keys are compared where streams and tables are joined or merged (``dsl.joins``), partition counts when the
application starts (``runtime.plan``); partitioners here, as far as this application writes the topics itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streams.errors import TopologyError
from streams.topology.graph import TopologyGraph, at
from streams.topology.nodes import Aggregate, Node, Sink, Source, StreamTableJoin, TableJoin, TableSource, UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class CoPartition:
    """Topics whose equal keys must meet in one task: joined there, or merged and then kept by key."""

    node: str
    location: str
    topics: tuple[str, ...]
    joins: bool = True
    """Whether the node is a join."""


def copartitions(graph: TopologyGraph, nodes: Iterable[Node]) -> tuple[CoPartition, ...]:
    """Of one sub-topology, in the order of its nodes."""
    found = []
    for node in nodes:
        joins = isinstance(node, StreamTableJoin | TableJoin)
        if joins or isinstance(node, Aggregate | TableSource):
            topics = topics_above(graph, node.name)
            if joins or len(topics) > 1:
                found.append(CoPartition(node=node.name, location=node.location, topics=topics, joins=joins))
    return tuple(found)


def topics_above(graph: TopologyGraph, name: str) -> tuple[str, ...]:
    """The topics whose records reach this node, or the tables that it reads."""
    node = graph.node(name)
    if isinstance(node, Source):
        return node.topics
    above = (*graph.parents(name), *graph.reads(name))
    return tuple(dict.fromkeys(topic for parent in above for topic in topics_above(graph, parent)))


def check_partitioners(found: Iterable[CoPartition], sinks: Sequence[Sink]) -> None:
    """Equal keys do not meet where one of two topics is written with a partitioner of its own.

    Raises:
        TopologyError: names the node, the topics, the partitioner and the fix.
    """
    partitioners: Mapping[str, UserFunction] = {
        sink.topic: sink.partitioner for sink in sinks if isinstance(sink.topic, str) and sink.partitioner is not None
    }
    for pair in found:
        calls = {topic: partitioners[topic].call if topic in partitioners else None for topic in pair.topics}
        if len(set(map(id, calls.values()))) == 1:
            continue
        own = next(topic for topic in pair.topics if calls[topic] is not None)
        other = next(topic for topic in pair.topics if calls[topic] is not calls[own])
        raise TopologyError(
            f"{at(pair.location)}{pair.node!r} brings equal keys of {own!r} and {other!r} together, but {own!r} is "
            f"written with partitioner={partitioners[own].name}, and {other!r} is not, so that equal keys are in other "
            "partitions; write both with the same partitioner or none, or read "
            f"app.stream({own!r}, ...).repartition() instead"
        )
