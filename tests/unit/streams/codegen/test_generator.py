"""The shape of generated code: what is decoded where, which columns are handled at once."""

from __future__ import annotations

import pytest

from streams.codegen.generator import generate
from streams.errors import TopologyError
from streams.topology.compile import SubTopology
from streams.topology.nodes import Filter, FlatMapValues, MapValues, Peek, ToStream
from tests.unit.streams.chains import NUMBER, Runner, aggregate, chain, function, sink, source, sub_topology

ODD = Filter(name="odd", predicate=function(lambda value: value % 2 == 1))
BIG = Filter(name="big", predicate=function(lambda value: value > 1))
KEYED = Filter(name="keyed", predicate=function(lambda key: key == "a", "key"))


def text_of(sub: SubTopology, *, cache: bool = False) -> str:
    return generate(sub, cache=cache).text


def test_two_children_that_look_share_one_decoding() -> None:
    sub = sub_topology((source(), ()), (ODD, ("in",)), (BIG, ("in",)), (sink(), ("odd", "big")))
    assert text_of(sub).count("decode_in_value(") == 1


def test_what_only_one_child_looks_at_is_decoded_there() -> None:
    """Behind a filter on the key: its records are decoded, no others."""
    doubled = MapValues(name="doubled", mapper=function(lambda value: value * 2))
    sub = sub_topology(
        (source(), ()), (KEYED, ("in",)), (doubled, ("keyed",)), (sink("a"), ("doubled",)), (sink("b"), ("in",))
    )
    runner = Runner(sub)
    runner.send((b"b", b"no number", 1), (b"a", b"2", 2))
    drained = {columns.topic: columns.values for columns in runner.bound.drain_outputs()}
    assert drained == {"a": [b"4"], "b": [b"no number", b"2"]}


def test_all_effects_of_the_first_child_come_before_the_second() -> None:
    seen: list[str] = []
    nodes = [Peek(name=name, action=function(lambda value, name=name: seen.append(f"{name}{value}"))) for name in "abc"]
    sub = sub_topology((source(), ()), (nodes[0], ("in",)), (nodes[1], ("a",)), (nodes[2], ("in",)))
    Runner(sub).send((b"k", b"1", 1), (b"k", b"2", 2))
    assert seen == ["a1", "b1", "c1", "a2", "b2", "c2"]


def test_a_cached_count_of_a_whole_source_is_one_kernel_call() -> None:
    counted = chain(source(), aggregate("counts", "count"), ToStream(name="changes"), sink())
    assert "count_column(" in text_of(counted, cache=True)
    assert "count_column(" not in text_of(counted, cache=False)
    filtered = chain(source(), BIG, aggregate("counts", "count"))
    assert "count_column(" not in text_of(filtered, cache=True)
    rekeyed = chain(source(key=NUMBER), aggregate("counts", "count"))
    assert "count_column(" not in text_of(rekeyed, cache=True)


def test_changes_that_nobody_looks_at_are_passed_on_as_columns() -> None:
    passed = chain(source(), aggregate("counts", "count"), ToStream(name="changes"), sink())
    assert ".extend(changes.new_bytes)" in text_of(passed, cache=True)
    looked_at = chain(source(), aggregate("counts", "count"), ToStream(name="changes"), BIG, sink())
    assert ".extend(" not in text_of(looked_at, cache=True)


def test_two_sources_of_one_topic_are_refused() -> None:
    good = sub_topology((source("a"), ()), (source("b"), ()), (sink(), ("a", "b")))
    bad = SubTopology(
        id=0,
        nodes=(source("a", topic="t"), source("b", topic="t"), *good.nodes[2:]),
        children=good.children,
        parents=good.parents,
        sources=good.sources,
        sinks=good.sinks,
        stores=(),
        source_topics=("t",),
    )
    with pytest.raises(TopologyError, match="'t' has two sources"):
        generate(bad, cache=False)


def test_a_second_aggregate_gets_the_changes_of_the_first() -> None:
    """Caches are flushed in topological order, so one flush is enough."""
    sub = chain(
        source(),
        aggregate("first", "count"),
        ToStream(name="changes"),
        aggregate("second", "count"),
        ToStream(name="again"),
        sink(),
    )
    for cache, last in ((True, [(b"a", b"1", 2)]), (False, [(b"a", b"1", 1), (b"a", b"2", 2)])):
        runner = Runner(sub, cache=cache).send((b"a", b"1", 1), (b"a", b"1", 2)).flush()
        assert runner.rows() == last
        assert runner.flush().rows() == []


@pytest.mark.parametrize("kind", ["filter", "flat_map_values", "map_values"])
def test_chains_longer_than_python_can_nest(kind: str) -> None:
    """More nested blocks or indentation than CPython compiles, or deeper recursion than it allows, never arise."""
    length = 120
    nodes = {
        "filter": lambda name: Filter(name=name, predicate=function(lambda value: True)),
        "flat_map_values": lambda name: FlatMapValues(name=name, mapper=function(lambda value: [value + 1])),
        "map_values": lambda name: MapValues(name=name, mapper=function(lambda value: value + 1)),
    }
    chained = [nodes[kind](f"n{index}") for index in range(length)]
    runner = Runner(chain(source(), *chained, sink())).send((b"a", b"1", 1))
    assert runner.rows() == [(b"a", b"1" if kind == "filter" else b"%d" % (length + 1), 1)]
