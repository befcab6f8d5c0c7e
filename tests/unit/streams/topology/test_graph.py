"""The graph refuses what cannot run, and answers in the order of declaration."""

from __future__ import annotations

import itertools

import pytest

from streams.errors import TopologyError
from streams.serde.plain import utf8
from streams.topology.graph import TopologyGraph, at, kind_of
from streams.topology.nodes import FlatMapValues, Merge, Source, ToStream, UserFunction


def source(name: str, location: str = "") -> Source:
    return Source(name=name, location=location, topics=(name,), key_serde=utf8, value_serde=utf8)


def chain(*names: str) -> TopologyGraph:
    graph = TopologyGraph()
    graph.add(source(names[0]))
    for parent, name in itertools.pairwise(names):
        graph.add(Merge(name=name), (parent,))
    return graph


def test_children_and_parents_are_in_the_order_of_declaration() -> None:
    graph = chain("a", "b")
    graph.add(Merge(name="d"), ("a",))
    graph.add(Merge(name="c"), ("a", "b"))
    assert graph.children("a") == ("b", "d", "c")
    assert graph.parents("c") == ("a", "b")
    assert graph.topological() == ("a", "b", "d", "c")


def test_two_edges_between_two_nodes_are_two() -> None:
    """A stream merged with itself passes each record twice."""
    graph = chain("a")
    graph.add(Merge(name="both"), ("a", "a"))
    assert graph.children("a") == ("both", "both")
    assert graph.parents("both") == ("a", "a")


def test_components_are_ordered_by_their_first_node() -> None:
    graph = chain("z", "y")
    graph.add(source("a"))
    graph.add(Merge(name="x"), ("y",))
    assert graph.components() == (("z", "y", "x"), ("a",))


def test_a_cycle_is_refused_with_its_path() -> None:
    graph = chain("a", "b", "c", "d")
    with pytest.raises(TopologyError, match=r"closes a cycle: b -> c -> d -> b\. .*write them to a topic"):
        graph.connect("d", "b")
    assert graph.children("d") == (), "a refused edge leaves nothing behind"


def test_a_node_cannot_be_its_own_parent() -> None:
    with pytest.raises(TopologyError, match="cycle: b -> b"):
        chain("a", "b").connect("b", "b")


def test_two_nodes_of_one_name_are_refused_with_both_places() -> None:
    graph = TopologyGraph()
    graph.add(source("a", "app.py:1"))
    with pytest.raises(TopologyError, match=r"app\.py:2: two nodes are called 'a'.*source declared at app\.py:1"):
        graph.add(source("a", "app.py:2"))


def test_what_hangs_in_the_air_is_refused() -> None:
    graph = chain("a", "b")
    with pytest.raises(TopologyError, match="needs a parent"):
        graph.add(Merge(name="m"))
    with pytest.raises(TopologyError, match="no node 'nowhere'; known are a, b"):
        graph.add(Merge(name="m"), ("nowhere",))
    with pytest.raises(TopologyError, match="cannot have parents"):
        graph.add(source("s"), ("b",))
    with pytest.raises(TopologyError, match="cannot have parents"):
        graph.connect("b", "a")


def test_a_refused_node_is_not_there() -> None:
    graph = chain("a")
    with pytest.raises(TopologyError):
        graph.add(Merge(name="m"), ("a", "nowhere"))
    assert "m" not in graph
    assert graph.children("a") == ()


def test_words_for_messages() -> None:
    mapper = UserFunction(call=str.split, arguments=("value",))
    assert kind_of(FlatMapValues(name="x", mapper=mapper)) == "flat_map_values"
    assert kind_of(ToStream(name="x")) == "to_stream"
    assert at("app.py:7") == "app.py:7: "
    assert at("app.py:7", "at ") == "at app.py:7 "
    assert at("") == ""
