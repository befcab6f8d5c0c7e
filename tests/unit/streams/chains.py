"""Small topologies for tests of operators and generated code: built by hand, run over records, outputs as tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from state.backends.memory import MemoryBackend
from state.model import POSITION_FAMILY, StoreSpec
from state.task_stores import TaskStores
from streams.codegen import compile_subtopology
from streams.model import ColumnBatch, Headers, OutputColumns, TopicPartition
from streams.serde.base import Serde
from streams.serde.plain import utf8
from streams.serde.resolve import resolve
from streams.topology.compile import SubTopology, compile_topology
from streams.topology.graph import TopologyGraph
from streams.topology.nodes import Aggregate, Node, Sink, Source, UserFunction

NUMBER: Serde[int] = resolve(int)
TEXT: Serde[str] = utf8

Row = tuple[bytes | None, bytes | None, int]


def function(call: Callable[..., Any], *arguments: str) -> UserFunction:
    return UserFunction(call=call, arguments=arguments or ("value",))


def source(
    name: str = "in", *, topic: str = "", key: Serde[Any] = TEXT, value: Serde[Any] = NUMBER, **rest: Any
) -> Source:
    return Source(name=name, topics=(topic or name,), key_serde=key, value_serde=value, **rest)


def sink(name: str = "out", *, key: Serde[Any] | None = TEXT, value: Serde[Any] | None = NUMBER, **rest: Any) -> Sink:
    return Sink(name=name, **{"topic": name, "key_serde": key, "value_serde": value, **rest})


def aggregate(
    name: str, kind: str, *, cached: bool = True, key: Serde[Any] = TEXT, value: Serde[Any] = NUMBER, **rest: Any
) -> Aggregate:
    spec = StoreSpec(name=f"{name}-store", changelog_topic=f"{name}-changelog", cached=cached)
    return Aggregate(name=name, kind=kind, store=spec, key_serde=key, value_serde=value, **rest)


def sub_topology(*edges: tuple[Node, tuple[str, ...]]) -> SubTopology:
    """The one sub-topology of nodes given with their parents' names."""
    graph = TopologyGraph()
    for node, parents in edges:
        graph.add(node, parents)
    (sub,) = compile_topology("test", graph).subtopologies
    return sub


def chain(*nodes: Node) -> SubTopology:
    """Nodes one after the other."""
    return sub_topology(*((node, (nodes[index - 1].name,) if index else ()) for index, node in enumerate(nodes)))


def batch_of(
    topic: str,
    rows: Sequence[Row],
    *,
    base: int = 0,
    headers: list[Headers] | None = None,
    offsets: list[int] | None = None,
) -> ColumnBatch:
    keys, values, timestamps = ([row[index] for row in rows] for index in range(3))
    after = (offsets[-1] + 1 if offsets else base + len(rows)) if rows else base
    return ColumnBatch(TopicPartition(topic, 3), base, after, keys, values, timestamps, headers, offsets)  # type: ignore[arg-type]


def stores_of(sub: SubTopology, *, cache_max_bytes: int = 1 << 20) -> TaskStores:
    families = (*(spec.name for spec in sub.stores), POSITION_FAMILY)
    return TaskStores(MemoryBackend(families), sub.stores, cache_max_bytes=cache_max_bytes)


class Runner:
    """A sub-topology over memory stores."""

    def __init__(
        self,
        sub: SubTopology,
        *,
        cache: bool = False,
        cache_max_bytes: int = 1 << 20,
        partition_count: Callable[[str], int] | None = None,
    ) -> None:
        self.sub = sub
        self.stores = stores_of(sub, cache_max_bytes=cache_max_bytes)
        self.program = compile_subtopology(sub, cache=cache)
        self.bound = self.program.bind(self.stores, partition_count=partition_count)

    def send(self, *rows: Row, topic: str = "in", **batch: Any) -> Runner:
        records = batch_of(topic, rows, **batch)
        self.bound.process[topic](records, 0, len(rows))
        return self

    def flush(self) -> Runner:
        self.bound.flush_caches()
        return self

    def columns(self, topic: str = "out") -> OutputColumns:
        """What was written to ``topic`` since the last call, which forgets all other topics."""
        found = [columns for columns in self.bound.drain_outputs() if columns.topic == topic]
        return found[0] if found else OutputColumns(topic)

    def rows(self, topic: str = "out") -> list[Row]:
        return rows_of(self.columns(topic))

    @property
    def dropped(self) -> dict[tuple[str, str], int]:
        return dict(self.bound.counters.counts)

    def stored(self, store: str) -> dict[bytes, bytes]:
        return dict(self.stores.store(store).range())


def rows_of(columns: OutputColumns) -> list[Row]:
    return list(zip(columns.keys, columns.values, columns.timestamps, strict=True))


def run(nodes: Iterable[Node], *rows: Row) -> list[Row]:
    """What a chain from ``in`` to ``out`` writes for some records."""
    return Runner(chain(*nodes)).send(*rows).rows()
