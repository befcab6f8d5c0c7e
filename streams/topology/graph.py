"""The graph of nodes while it is being built: adds nodes, refuses what cannot be, answers in a fixed order.

Owns edges and the order of declaration. Splitting into sub-topologies is ``compile``'s; the nodes' meaning is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx

from streams.errors import TopologyError
from streams.topology.nodes import Node, Source


class TopologyGraph:
    """Nodes by name, in order of declaration, and the edges between them.

    Two edges between the same two nodes are two (a stream merged with itself passes each record twice), so a name
    may appear twice among the children. A node may also read tables that it does not get the changes of (a join looks
    rows up): these keep the two in one task, and are no edges otherwise.
    """

    def __init__(self) -> None:
        self._graph = networkx.MultiDiGraph()
        self._edges = 0

    def add(self, node: Node, parents: Sequence[str] = (), *, reads: Sequence[str] = ()) -> None:
        """Add a node below its parents, which must be there already, as must the tables that it reads.

        Raises:
            TopologyError: the name is taken, a parent is unknown, or a source has parents.
        """
        if node.name in self._graph:
            other = self.node(node.name)
            raise TopologyError(
                f"{at(node.location)}two nodes are called {node.name!r}: this {kind_of(node)} and the "
                f"{kind_of(other)} declared {at(other.location, 'at ')}earlier; give one of them another name"
            )
        if parents and isinstance(node, Source):
            raise TopologyError(f"{at(node.location)}source {node.name!r} cannot have parents")
        if not parents and not isinstance(node, Source):
            raise TopologyError(f"{at(node.location)}{kind_of(node)} {node.name!r} needs a parent")
        for parent in (*parents, *reads):
            self._check_known(parent)
        self._graph.add_node(node.name, node=node)
        for parent in parents:
            self.connect(parent, node.name)
        for table in reads:
            self._graph.add_edge(table, node.name, order=self._edges, reads=True)
            self._edges += 1

    def replace(self, node: Node) -> None:
        """Put another node in the place of the one of its name."""
        self._check_known(node.name)
        self._graph.nodes[node.name]["node"] = node

    def connect(self, parent: str, child: str) -> None:
        """Add one more edge.

        Raises:
            TopologyError: one of the two is unknown, or the edge would close a cycle.
        """
        self._check_known(parent)
        self._check_known(child)
        if isinstance(self.node(child), Source):
            raise TopologyError(f"source {child!r} cannot have parents")
        if parent == child or networkx.has_path(self._graph, child, parent):
            path = networkx.shortest_path(self._graph, child, parent)
            raise TopologyError(
                f"the edge from {parent!r} to {child!r} closes a cycle: {' -> '.join([*path, child])}. Records would "
                "go round for ever; to feed results back, write them to a topic and read that topic as a source"
            )
        self._graph.add_edge(parent, child, order=self._edges, reads=False)
        self._edges += 1

    def node(self, name: str) -> Node:
        found: Node = self._graph.nodes[name]["node"]
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._graph

    def nodes(self) -> tuple[Node, ...]:
        """All nodes in the order of declaration."""
        return tuple(self.node(name) for name in self._graph)

    def children(self, name: str) -> tuple[str, ...]:
        """In the order of declaration, one for each edge."""
        edges = sorted(self._graph.out_edges(name, data=True), key=_order)
        return tuple(child for _, child, facts in edges if not facts["reads"])

    def parents(self, name: str) -> tuple[str, ...]:
        """In the order of declaration, one for each edge."""
        edges = sorted(self._graph.in_edges(name, data=True), key=_order)
        return tuple(parent for parent, _, facts in edges if not facts["reads"])

    def reads(self, name: str) -> tuple[str, ...]:
        """The tables that this node looks rows up in, in the order given."""
        edges = sorted(self._graph.in_edges(name, data=True), key=_order)
        return tuple(table for table, _, facts in edges if facts["reads"])

    def topological(self) -> tuple[str, ...]:
        """Parents before children; among equals, the order of declaration."""
        index = {name: position for position, name in enumerate(self._graph)}
        return tuple(networkx.lexicographical_topological_sort(self._graph, key=index.__getitem__))

    def components(self) -> tuple[tuple[str, ...], ...]:
        """The connected parts, each in topological order; ordered by their first node."""
        order = self.topological()
        position = {name: index for index, name in enumerate(order)}
        parts = [sorted(part, key=position.__getitem__) for part in networkx.weakly_connected_components(self._graph)]
        first = {name: index for index, name in enumerate(self._graph)}
        return tuple(tuple(part) for part in sorted(parts, key=lambda part: min(first[name] for name in part)))

    def _check_known(self, name: str) -> None:
        if name not in self._graph:
            raise TopologyError(f"there is no node {name!r}; known are {', '.join(self._graph) or 'none'}")


def _order(edge: tuple[str, str, dict[str, Any]]) -> int:
    order: int = edge[2]["order"]
    return order


def kind_of(node: Node) -> str:
    """What a node is, in the words of the DSL: ``flat_map_values``."""
    name = type(node).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def at(location: str, prefix: str = "") -> str:
    """The opening of a message: ``app.py:7: ``, or nothing; with a prefix, ``at app.py:7 ``."""
    if not location:
        return ""
    return f"{prefix}{location} " if prefix else f"{location}: "
