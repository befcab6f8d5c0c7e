"""merge."""

from __future__ import annotations

from streams.topology.nodes import Filter, MapValues, Merge
from tests.unit.streams.chains import NUMBER, TEXT, Runner, function, sink, source, sub_topology


def test_merges_sources_of_different_formats() -> None:
    """One source's values are read as numbers, the other's as text; the sink writes text."""
    runner = Runner(
        sub_topology(
            (source("numbers"), ()),
            (MapValues(name="as-text", mapper=function(str)), ("numbers",)),
            (source("texts", value=TEXT), ()),
            (Merge(name="both"), ("as-text", "texts")),
            (sink(value=TEXT), ("both",)),
        )
    )
    runner.send((b"a", b" 1", 1), topic="numbers").send((b"b", b" 2", 2), topic="texts")
    assert runner.rows() == [(b"a", b"1", 1), (b"b", b" 2", 2)]


def test_branches_of_one_source_meet_again_in_one_inner_function() -> None:
    """A record that comes by both ways comes twice, the first declared way first."""
    sub = sub_topology(
        (source(), ()),
        (Filter(name="odd", predicate=function(lambda value: value % 2 == 1)), ("in",)),
        (MapValues(name="negative", mapper=function(lambda value: -value)), ("in",)),
        (Merge(name="both"), ("odd", "negative")),
        (MapValues(name="plus", mapper=function(lambda value: value + 10)), ("both",)),
        (sink(value=NUMBER), ("plus",)),
    )
    runner = Runner(sub).send((b"a", b"1", 1), (b"b", b"2", 2))
    assert runner.rows() == [(b"a", b"11", 1), (b"a", b"9", 1), (b"b", b"8", 2)]
    assert runner.program.source.count("call_plus(") == 1
