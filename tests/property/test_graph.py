"""The graph orders nodes and finds cycles and parts as networkx does."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import TopologyError
from streams.serde.plain import utf8
from streams.topology.graph import TopologyGraph
from streams.topology.nodes import Merge, Source


@st.composite
def graphs(draw: st.DrawFn) -> tuple[TopologyGraph, networkx.MultiDiGraph]:
    """The same nodes and edges twice; later edges go in any direction that closes no cycle."""
    ours, theirs = TopologyGraph(), networkx.MultiDiGraph()
    names = [f"n{number}" for number in draw(st.permutations(range(draw(st.integers(1, 9)))))]
    for index, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:index]), max_size=2)) if index else []
        if parents:
            ours.add(Merge(name=name), parents)
        else:
            ours.add(Source(name=name, topics=(name,), key_serde=utf8, value_serde=utf8))
        theirs.add_node(name)
        theirs.add_edges_from((parent, name) for parent in parents)
    merges = [node.name for node in ours.nodes() if isinstance(node, Merge)]
    for _ in range(draw(st.integers(0, 5)) if merges else 0):
        parent, child = draw(st.sampled_from(names)), draw(st.sampled_from(merges))
        if parent == child or networkx.has_path(theirs, child, parent):
            length = networkx.shortest_path_length(theirs, child, parent)
            with pytest.raises(TopologyError, match=" -> ".join([r"n\d"] * (length + 2)) + r"\."):
                ours.connect(parent, child)
        else:
            ours.connect(parent, child)
            theirs.add_edge(parent, child)
    return ours, theirs


@given(graphs())
def test_answers_as_networkx(pair: tuple[TopologyGraph, networkx.MultiDiGraph]) -> None:
    ours, theirs = pair
    index = {name: position for position, name in enumerate(theirs)}
    order = list(networkx.lexicographical_topological_sort(theirs, key=index.__getitem__))
    assert list(ours.topological()) == order
    parts = sorted(
        (set(part) for part in networkx.weakly_connected_components(theirs)), key=lambda p: min(map(index.get, p))
    )
    assert [list(part) for part in ours.components()] == [[name for name in order if name in part] for part in parts]
    for name in theirs:
        assert sorted(ours.children(name)) == sorted(child for _, child in theirs.out_edges(name))
        assert sorted(ours.parents(name)) == sorted(parent for parent, _ in theirs.in_edges(name))
