"""merge."""

from __future__ import annotations

import pytest

from streams.serde.base import Serde
from streams.topology.nodes import Filter, FlatMap, Map, MapValues, Merge, ToStream
from tests.unit.streams.chains import NUMBER, TEXT, Runner, aggregate, function, sink, source, sub_topology


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


@pytest.mark.parametrize("kind", [FlatMap, Map])
def test_new_objects_meet_bytes_as_they_were_read(kind: type[FlatMap] | type[Map]) -> None:
    """Where one way brings objects and the other bytes, the common part gets objects."""
    pair = function(lambda key, value: [("new", value)] if kind is FlatMap else ("new", value), "key", "value")
    runner = Runner(
        sub_topology(
            (source(), ()),
            (kind(name="made", mapper=pair), ("in",)),
            (Merge(name="both"), ("in", "made")),
            (sink(), ("both",)),
        )
    )
    assert runner.send((b"a", b"1", 1)).rows() == [(b"new", b"1", 1), (b"a", b"1", 1)]


def test_bytes_of_two_formats_meet() -> None:
    """Keys of the source and keys of a store in another format: each is read by its own."""
    bracketed: Serde[str] = Serde(
        encode=lambda key: f"<{key}>".encode(), decode=lambda raw: raw[1:-1].decode(), id="<>"
    )
    runner = Runner(
        sub_topology(
            (source(), ()),
            (aggregate("counts", "count", key=bracketed), ("in",)),
            (ToStream(name="changes"), ("counts",)),
            (Merge(name="both"), ("in", "changes")),
            (MapValues(name="plus", mapper=function(lambda value: value + 10)), ("both",)),
            (sink(key=TEXT), ("plus",)),
        )
    )
    assert runner.send((b"a", b"5", 1)).rows() == [(b"a", b"11", 1), (b"a", b"15", 1)]
