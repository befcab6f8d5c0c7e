"""From the graph to what runs: repartitions split, sub-topologies numbered, internal topics listed.

Passes never rename: every name is in the graph already. Code for the nodes is generated elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from state.model import StoreSpec
from streams.errors import TopologyError
from streams.on_error import DeadLetter, ErrorPolicy, Retry
from streams.topology.copartitions import CoPartition, check_partitioners, copartitions
from streams.topology.graph import TopologyGraph, at
from streams.topology.nodes import (
    LEFT,
    AnySerde,
    FlatMap,
    Map,
    Node,
    Repartition,
    SelectKey,
    Sink,
    Source,
    Stateful,
    StreamTableJoin,
    TableSource,
    UserFunction,
    WindowedAggregate,
)
from streams.topology.passes import NO_PASSES, Passes, combined, merged_repartitions, with_reused_sources

REPARTITION_CONFIGS: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "message.timestamp.type": "CreateTime",
    "retention.ms": "-1",
    "segment.bytes": str(50 * 1024 * 1024),
}
"""Never by age: what has been committed is purged, what has not must stay (Kafka Streams' R3). Purging frees whole
segments. The time of a record is the event's, whatever the broker's default."""

CHANGELOG_CONFIGS: Mapping[str, str] = {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
CHANGELOG_EXTRA_RETENTION_MS = 86_400_000
"""A window's changelog records outlive the window by this much (Kafka Streams' R3)."""

TABLE_CONFIGS: Mapping[str, str] = {"cleanup.policy": "compact"}
"""Of a topic that the application makes because a table is to be read from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalTopic:
    """A topic that the application owns. ``partitions`` None: derived from the sources when the counts are known."""

    name: str
    kind: str
    """``repartition`` or ``changelog``."""
    partitions: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedStore:
    """A store, where it lives and how its rows are read."""

    spec: StoreSpec
    subtopology: int
    node: str
    key_serde: AnySerde
    value_serde: AnySerde
    group_serde: AnySerde | None = None
    """Of a window store: the format of the keys inside the windowed keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubTopology:
    """A connected part that runs as one task per partition. ``children`` may name a child twice: two edges."""

    id: int
    nodes: tuple[Node, ...]
    """Parents before children, the same order in every run."""
    children: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    sources: tuple[Source, ...]
    sinks: tuple[Sink, ...]
    stores: tuple[StoreSpec, ...]
    source_topics: tuple[str, ...]
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The tables that a node looks rows up in, where it does."""
    copartitions: tuple[CoPartition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTopology:
    """Everything that an application runs, as values."""

    application_id: str
    subtopologies: tuple[SubTopology, ...]
    internal_topics: tuple[InternalTopic, ...]
    stores: Mapping[str, PlacedStore]
    external_topics: tuple[str, ...]
    """The topics read that the application does not own."""
    output_topics: tuple[str, ...]
    """The topics written that it does not own; those that a function names are not known here."""
    table_topics: tuple[str, ...] = ()
    """The external topics that a table is read from: they must not lose rows by age."""


def compile_topology(
    application_id: str,
    graph: TopologyGraph,
    *,
    on_error: ErrorPolicy | UserFunction | None = None,
    passes: Passes = NO_PASSES,
) -> CompiledTopology:
    """Split and number; the result depends on the order of declaration and on the passes only.

    Arguments:
        on_error: policy of nodes that have none.
        passes: which of them run.

    Raises:
        TopologyError: nothing to run, two sources of one topic, two stores of one name, topics that are brought
            together and written with different partitioners.
    """
    if not graph.nodes():
        raise TopologyError(
            f"application {application_id!r} has no source: begin with app.stream('topic', key=..., value=...)"
        )
    _check_sources(graph.nodes())
    merged = merged_repartitions(graph) if passes.merge_repartitions else {}
    split, repartitions = _split_repartitions(graph, on_error, merged)
    subtopologies = tuple(_sub_topology(index, split, part) for index, part in enumerate(split.components()))
    check_partitioners(
        [found for sub in subtopologies for found in sub.copartitions],
        [sink for sub in subtopologies for sink in sub.sinks],
    )
    if passes.combiners:
        subtopologies = combined(subtopologies)
    if passes.reuse_source_topics:
        subtopologies = tuple(with_reused_sources(sub) for sub in subtopologies)
    stores = _place_stores(subtopologies)
    changelogs = tuple(
        InternalTopic(name=store.spec.changelog_topic, kind="changelog", configs=_changelog_configs(store.spec))
        for store in stores.values()
        if store.spec.changelog_topic is not None
    )
    own = {topic.name for topic in repartitions}
    return CompiledTopology(
        application_id=application_id,
        subtopologies=subtopologies,
        internal_topics=(*repartitions, *changelogs),
        stores=stores,
        external_topics=_distinct(topic for sub in subtopologies for topic in sub.source_topics if topic not in own),
        output_topics=_distinct(
            (
                *(
                    sink.topic
                    for sub in subtopologies
                    for sink in sub.sinks
                    if isinstance(sink.topic, str) and not sink.internal
                ),
                *_dead_letter_topics(subtopologies),
            )
        ),
        table_topics=_distinct(topic for sub in subtopologies for topic in _table_topics(sub)),
    )


def _changelog_configs(spec: StoreSpec) -> Mapping[str, str]:
    """Windows that retention has dropped go from the changelog too; deletions alone would keep their tombstones."""
    if spec.windows is None or spec.windows.retention_ms is None:
        return CHANGELOG_CONFIGS
    retention_ms = spec.windows.retention_ms + CHANGELOG_EXTRA_RETENTION_MS
    return {**CHANGELOG_CONFIGS, "cleanup.policy": "compact,delete", "retention.ms": str(retention_ms)}


def _check_sources(nodes: Iterable[Node]) -> None:
    """One topic read by two sources would need two positions in one partition; a group keeps one."""
    readers: dict[str, Source] = {}
    for node in nodes:
        for topic in node.topics if isinstance(node, Source) else ():
            if topic in readers:
                raise TopologyError(
                    f"{at(node.location)}topic {topic!r} is read by two sources, {readers[topic].name!r} and "
                    f"{node.name!r}; read it once and use that stream twice"
                )
            readers[topic] = node  # type: ignore[assignment]


def _split_repartitions(
    graph: TopologyGraph, on_error: ErrorPolicy | UserFunction | None, merged: Mapping[str, str]
) -> tuple[TopologyGraph, tuple[InternalTopic, ...]]:
    """Each repartition becomes a sink above and a source below, with nothing between them but the topic.

    Arguments:
        merged: repartitions that go away, with the one whose topic is read in their place.
    """
    split = TopologyGraph()
    topics: list[InternalTopic] = []
    below: dict[str, str] = {}
    for name in graph.topological():
        node = graph.node(name)
        if node.on_error is None and on_error is not None:
            node = replace(node, on_error=on_error)
        parents = tuple(below.get(parent, parent) for parent in graph.parents(name))
        if not isinstance(node, Repartition):
            split.add(node, parents, reads=graph.reads(name))
            continue
        if name in merged:
            below[name] = below[merged[name]]
            continue
        sink, source = _halves(node, on_error, keeps_null_keys=_null_keys_wanted(graph, name))
        split.add(sink, parents)
        split.add(source)
        below[name] = source.name
        topics.append(
            InternalTopic(name=node.topic, kind="repartition", partitions=node.partitions, configs=REPARTITION_CONFIGS)
        )
    return split, tuple(topics)


def _null_keys_wanted(graph: TopologyGraph, name: str) -> bool:
    """Whether a join that sends records without key on unjoined gets what leaves this node (Kafka Streams' S6)."""
    children = [graph.node(child) for child in graph.children(name)]
    if any(isinstance(child, StreamTableJoin) and child.how == LEFT for child in children):
        return True
    return any(
        _null_keys_wanted(graph, child.name)
        for child in children
        if not isinstance(child, Repartition | Stateful | SelectKey | Map | FlatMap)
    )


def _halves(
    node: Repartition, on_error: ErrorPolicy | UserFunction | None, *, keeps_null_keys: bool
) -> tuple[Sink, Source]:
    sink = Sink(
        name=f"{node.name}-sink",
        location=node.location,
        on_error=node.on_error,
        topic=node.topic,
        key_serde=node.key_serde,
        value_serde=node.value_serde,
        internal=True,
        keeps_null_keys=keeps_null_keys,
        changes=node.changes,
    )
    source = Source(
        name=f"{node.name}-source",
        location=node.location,
        on_error=on_error,
        topics=(node.topic,),
        key_serde=node.key_serde,
        value_serde=node.value_serde,
        internal=True,
        changes=node.changes,
    )
    return sink, source


def _sub_topology(index: int, graph: TopologyGraph, part: tuple[str, ...]) -> SubTopology:
    nodes = tuple(graph.node(name) for name in part)
    sources = tuple(node for node in nodes if isinstance(node, Source))
    return SubTopology(
        id=index,
        nodes=nodes,
        children={name: graph.children(name) for name in part},
        parents={name: graph.parents(name) for name in part},
        sources=sources,
        sinks=tuple(node for node in nodes if isinstance(node, Sink)),
        stores=tuple(node.store for node in nodes if isinstance(node, Stateful) and node.store is not None),
        source_topics=tuple(topic for source in sources for topic in source.topics),
        reads={name: reads for name in part if (reads := graph.reads(name))},
        copartitions=copartitions(graph, nodes),
    )


def _table_topics(sub: SubTopology) -> tuple[str, ...]:
    return tuple(node.topic for node in sub.nodes if isinstance(node, TableSource) and node.topic)


def _place_stores(subtopologies: tuple[SubTopology, ...]) -> dict[str, PlacedStore]:
    placed: dict[str, PlacedStore] = {}
    for sub in subtopologies:
        for node in sub.nodes:
            if not isinstance(node, Stateful) or node.store is None:
                continue
            assert node.value_serde is not None, "rows of a store have a type"
            if node.store.name in placed:
                raise TopologyError(
                    f"{at(node.location)}two stores are called {node.store.name!r}; give one of them another store=..."
                )
            placed[node.store.name] = PlacedStore(
                spec=node.store,
                subtopology=sub.id,
                node=node.name,
                key_serde=node.key_serde,
                value_serde=node.value_serde,
                group_serde=node.group_serde if isinstance(node, WindowedAggregate) else None,
            )
    return placed


def _dead_letter_topics(subtopologies: Iterable[SubTopology]) -> Iterator[str]:
    for sub in subtopologies:
        for node in sub.nodes:
            policy = node.on_error.then if isinstance(node.on_error, Retry) else node.on_error
            if isinstance(policy, DeadLetter):
                yield policy.topic


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
