"""What can be known of a sub-topology before its code is written: who looks at what, what is shared, what is columnar.

Questions only, over the graph and the operators' tables; ``codegen.generator`` writes the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from streams.operators.flow import KEY, OLD, PARTS, VALUE, PartName
from streams.operators.needs import is_handled
from streams.operators.registry import operator_of
from streams.serde.base import same_format
from streams.topology.nodes import (
    Aggregate,
    AnySerde,
    Branch,
    Merge,
    Node,
    Sink,
    Source,
    Stateful,
    StreamTableJoin,
    ToStream,
    WindowedAggregate,
)
from streams.windows import TimeWindows

if TYPE_CHECKING:
    from streams.topology.compile import SubTopology

MAX_NESTED_BLOCKS: Final = 12
"""CPython compiles at most 20 blocks inside each other."""
MAX_CHAIN: Final = 40
"""Nodes after one another in one function; keeps the walk's recursion flat."""

Format: TypeAlias = tuple[AnySerde, str] | None
"""How a part travels along an edge: as bytes of a serde that some node read, or (None) as an object."""
Formats: TypeAlias = Mapping[PartName, Format]
"""Of key and value, and of the old value where it travels along."""


class Analysis:
    """Questions about one sub-topology.

    Arguments:
        cached: the aggregates whose changes end in a record cache; what comes after one belongs to its flush.
    """

    def __init__(self, sub: SubTopology, cached: Sequence[Aggregate]) -> None:
        self._sub = sub
        self._cached = cached
        self._nodes = {node.name: node for node in sub.nodes}
        self._wants_old: dict[str, bool] = {}
        for node in reversed(sub.nodes):
            reads = isinstance(node, Source)
            self._wants_old[node.name] = not reads and operator_of(node).wants_old(node, self.sends_old(node))

    def sends_old(self, node: Node) -> bool:
        """Whether the changes that leave ``node`` must carry the old value (Kafka Streams' enableSendingOldValues)."""
        return any(self._wants_old[child] for child in self._sub.children[node.name])

    def looks(self, node: Node, name: PartName, serde: AnySerde | None) -> bool:
        """Whether ``node``, or a node after it, needs this part decoded."""
        operator = operator_of(node)
        if any(name in function.arguments for function in operator.functions(node)):
            return True
        encoded = operator.encodes(node)
        if name in encoded and not _same(encoded[name], serde):
            return True
        if isinstance(node, Aggregate) and name == VALUE:
            return node.kind == "reduce"
        return name in operator.keeps and any(
            self.looks(self._nodes[child], name, serde) for child in self._sub.children[node.name]
        )

    def looked_at(self, node: Source, name: PartName) -> bool:
        """Whether any node after the source needs this part decoded."""
        serde = node.key_serde if name == KEY else node.value_serde
        return any(self.looks(self._nodes[child], name, serde) for child in self._sub.children[node.name])

    def reached(self, entry: Node) -> list[Node]:
        """The nodes whose code belongs to the entry's function, parents first; a cached aggregate ends it."""
        reached = {entry.name}
        found: list[Node] = []
        for node in self._sub.nodes:
            if node.name != entry.name and any(parent in reached for parent in self._sub.parents[node.name]):
                found.append(node)
                if node not in self._cached:
                    reached.add(node.name)
        return found

    def inner_functions(self, entry: Node, reached: list[Node]) -> dict[str, Formats]:
        """Nodes that get a function of their own, and in which format their parts arrive there.

        Those that several edges lead to, and in very long chains one now and then.
        """
        depth = {entry.name: (0, 0)}
        leaving: dict[str, Formats] = {entry.name: _read_by(entry)}
        inner: dict[str, Formats] = {}
        for node in reached:
            edges = [leaving[parent] for parent in self._sub.parents[node.name] if parent in leaving]
            names = (*PARTS, OLD) if self._wants_old[node.name] else PARTS
            arriving = {name: _common([edge[name] for edge in edges]) for name in names}
            above = [depth[parent] for parent in self._sub.parents[node.name] if parent in depth]
            nested, length = above[0]
            too_deep = nested >= MAX_NESTED_BLOCKS or length >= MAX_CHAIN
            # A branch shares a local with its siblings, so it stays in the function of its split.
            if len(edges) > 1 or (too_deep and not isinstance(node, Branch)):
                inner[node.name] = arriving
                nested = length = 0
            depth[node.name] = (nested + operator_of(node).nests + is_handled(node), length + 1)
            if node in self._cached:
                continue
            if isinstance(node, Stateful) and node.store is not None:
                leaving[node.name] = _read_by(node)
            else:
                keeps = operator_of(node).keeps
                leaving[node.name] = {name: arriving.get(name) if name in keeps else None for name in (*PARTS, OLD)}
        return inner

    # Shapes for which whole columns are handled at once.

    def _only_child(self, node: Node) -> Node | None:
        """The one node that gets what leaves ``node``, past nodes that only hand on."""
        while True:
            children = self._sub.children[node.name]
            if len(children) != 1:
                return None
            node = self._nodes[children[0]]
            if not isinstance(node, Merge | ToStream):
                return node

    def counted_column(self, node: Source) -> Aggregate | None:
        """The cached count that gets every record of this source with its key's bytes unchanged, if that is all."""
        child = self._only_child(node)
        if not isinstance(child, Aggregate) or child not in self._cached or child.kind != "count":
            return None
        if isinstance(child, WindowedAggregate):
            same = isinstance(child.windows, TimeWindows) and _same(child.group_serde, node.key_serde)
        else:
            same = type(child) is Aggregate and _same(child.key_serde, node.key_serde)
        return child if same else None

    def passed_on(self, node: Aggregate) -> Sink | None:
        """The sink that gets every change of this store with its bytes unchanged, if that is all."""
        child = None if self.sends_old(node) else self._only_child(node)
        if not isinstance(child, Sink) or not isinstance(child.topic, str) or child.partitioner is not None:
            return None
        same = _same(child.key_serde, node.key_serde) and _same(child.value_serde, node.value_serde)
        return child if same else None


def read_by_streams(sub: SubTopology) -> frozenset[str]:
    """The nodes above tables that a stream looks rows up in: what it finds does not depend on cache flushes."""
    above = [name for node in sub.nodes if isinstance(node, StreamTableJoin) for name in sub.reads[node.name]]
    found: dict[str, None] = {}
    while above:
        name = above.pop()
        if name not in found:
            found[name] = None
            above += [*sub.parents[name], *sub.reads.get(name, ())]
    return frozenset(found)


def _same(wanted: AnySerde | None, serde: AnySerde | None) -> bool:
    """Whether bytes in format ``serde`` can stay as they are where ``wanted`` is asked for."""
    return serde is not None and (wanted is None or same_format(wanted, serde))


def _read_by(node: Node) -> Formats:
    """The formats of what a source reads, or a table keeps."""
    assert isinstance(node, Source | Stateful)
    assert node.value_serde is not None
    key, value = (node.key_serde, node.name), (node.value_serde, node.name)
    return {KEY: key, VALUE: value, OLD: value}


def _common(edges: list[Format]) -> Format:
    """The format that all edges have in common."""
    first = edges[0]
    if first is None or any(edge is None or not same_format(edge[0], first[0]) for edge in edges):
        return None
    return first
