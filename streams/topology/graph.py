"""The graph of nodes while it is being built: adds nodes, refuses what cannot be, answers in a fixed order.

Owns edges and the order of declaration. Splitting into sub-topologies is ``compile``'s; the nodes' meaning is theirs.
Two dictionaries and not a graph library: importing networkx takes a quarter of every start (it is the oracle of
``tests/property/test_graph.py`` instead).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence

from streams.errors import TopologyError
from streams.topology.nodes import Node, Source


class TopologyGraph:
    """Nodes by name, in order of declaration, and the edges between them.

    Two edges between the same two nodes are two (a stream merged with itself passes each record twice), so a name
    may appear twice among the children.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._children: dict[str, list[str]] = {}
        self._parents: dict[str, list[str]] = {}

    def add(self, node: Node, parents: Sequence[str] = ()) -> None:
        """Add a node below its parents, which must be there already.

        Raises:
            TopologyError: the name is taken, a parent is unknown, or a source has parents.
        """
        if node.name in self._nodes:
            other = self.node(node.name)
            raise TopologyError(
                f"{at(node.location)}two nodes are called {node.name!r}: this {kind_of(node)} and the "
                f"{kind_of(other)} declared {at(other.location, 'at ')}earlier; give one of them another name"
            )
        if parents and isinstance(node, Source):
            raise TopologyError(f"{at(node.location)}source {node.name!r} cannot have parents")
        if not parents and not isinstance(node, Source):
            raise TopologyError(f"{at(node.location)}{kind_of(node)} {node.name!r} needs a parent")
        for parent in parents:
            self._check_known(parent)
        self._nodes[node.name] = node
        self._children[node.name] = []
        self._parents[node.name] = []
        for parent in parents:
            self._add_edge(parent, node.name)

    def connect(self, parent: str, child: str) -> None:
        """Add one more edge.

        Raises:
            TopologyError: one of the two is unknown, or the edge would close a cycle.
        """
        self._check_known(parent)
        self._check_known(child)
        if isinstance(self.node(child), Source):
            raise TopologyError(f"source {child!r} cannot have parents")
        path = self._path(child, parent)
        if path:
            raise TopologyError(
                f"the edge from {parent!r} to {child!r} closes a cycle: {' -> '.join([*path, child])}. Records would "
                "go round for ever; to feed results back, write them to a topic and read that topic as a source"
            )
        self._add_edge(parent, child)

    def node(self, name: str) -> Node:
        return self._nodes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def nodes(self) -> tuple[Node, ...]:
        """All nodes in the order of declaration."""
        return tuple(self._nodes.values())

    def children(self, name: str) -> tuple[str, ...]:
        """In the order of declaration, one for each edge."""
        return tuple(self._children[name])

    def parents(self, name: str) -> tuple[str, ...]:
        """In the order of declaration, one for each edge."""
        return tuple(self._parents[name])

    def topological(self) -> tuple[str, ...]:
        """Parents before children; among equals, the order of declaration."""
        names = list(self._nodes)
        index = {name: position for position, name in enumerate(names)}
        missing = {name: len(parents) for name, parents in self._parents.items()}
        ready = [index[name] for name in names if not missing[name]]
        order: list[str] = []
        while ready:
            name = names[heapq.heappop(ready)]
            order.append(name)
            for child in self._children[name]:
                missing[child] -= 1
                if not missing[child]:
                    heapq.heappush(ready, index[child])
        return tuple(order)

    def components(self) -> tuple[tuple[str, ...], ...]:
        """The connected parts, each in topological order; ordered by their first node."""
        first_of: dict[str, str] = {}
        for first in self._nodes:
            waiting = [first]
            while waiting:
                name = waiting.pop()
                if name not in first_of:
                    first_of[name] = first
                    waiting += self._children[name] + self._parents[name]
        parts: dict[str, list[str]] = {first: [] for first in self._nodes if first_of[first] == first}
        for name in self.topological():
            parts[first_of[name]].append(name)
        return tuple(map(tuple, parts.values()))

    def _add_edge(self, parent: str, child: str) -> None:
        self._children[parent].append(child)
        self._parents[child].append(parent)

    def _path(self, start: str, end: str) -> list[str]:
        """A shortest way along the edges, both ends included; empty where there is none."""
        came_from: dict[str, str | None] = {start: None}
        waiting = deque([start])
        while waiting and end not in came_from:
            name = waiting.popleft()
            for child in self._children[name]:
                if child not in came_from:
                    came_from[child] = name
                    waiting.append(child)
        path: list[str] = []
        step: str | None = end if end in came_from else None
        while step is not None:
            path.append(step)
            step = came_from[step]
        return path[::-1]

    def _check_known(self, name: str) -> None:
        if name not in self._nodes:
            raise TopologyError(f"there is no node {name!r}; known are {', '.join(self._nodes) or 'none'}")


def kind_of(node: Node) -> str:
    """What a node is, in the words of the DSL: ``flat_map_values``."""
    name = type(node).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def at(location: str, prefix: str = "") -> str:
    """The opening of a message: ``app.py:7: ``, or nothing; with a prefix, ``at app.py:7 ``."""
    if not location:
        return ""
    return f"{prefix}{location} " if prefix else f"{location}: "
