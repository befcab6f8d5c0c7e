"""Questions about a sub-topology, before its code is written."""

from __future__ import annotations

from streams.codegen.analysis import Analysis
from streams.operators.flow import KEY, VALUE
from streams.serde.binary import int64
from streams.topology.nodes import Aggregate, Filter, MapValues, Merge, Source, ToStream
from tests.unit.streams.chains import NUMBER, TEXT, aggregate, chain, function, sink, source, sub_topology

KEYED = Filter(name="keyed", predicate=function(lambda key: True, "key"))


def test_who_looks_at_what() -> None:
    sub = chain(source(), KEYED, sink(value=int64))
    analysis = Analysis(sub, [])
    assert analysis.looks(sub.nodes[1], KEY, TEXT)
    assert analysis.looks(sub.nodes[1], VALUE, NUMBER)
    assert not analysis.looks(sub.nodes[1], VALUE, int64)
    assert not analysis.looks(sub.nodes[2], KEY, TEXT)


def test_a_record_cache_ends_what_a_function_reaches() -> None:
    counts = aggregate("counts", "count")
    sub = chain(source(), counts, ToStream(name="changes"), sink())
    (first, *_) = sub.nodes
    assert [node.name for node in Analysis(sub, [counts]).reached(first)] == ["counts"]
    assert [node.name for node in Analysis(sub, []).reached(first)] == ["counts", "changes", "out"]
    assert [node.name for node in Analysis(sub, [counts]).reached(counts)] == ["changes", "out"]


def test_what_several_edges_lead_to_is_an_inner_function() -> None:
    doubled = MapValues(name="doubled", mapper=function(lambda value: value))
    sub = sub_topology((source(), ()), (doubled, ("in",)), (Merge(name="both"), ("in", "doubled")), (sink(), ("both",)))
    analysis = Analysis(sub, [])
    inner = analysis.inner_functions(sub.nodes[0], analysis.reached(sub.nodes[0]))
    assert inner == {"both": {"key": (TEXT, "in"), "value": None}}


def test_which_columns_are_handled_at_once() -> None:
    counts = aggregate("counts", "count")
    sub = chain(source(), counts, ToStream(name="changes"), sink())
    begin, kept, *_ = sub.nodes
    assert isinstance(begin, Source) and isinstance(kept, Aggregate)
    assert Analysis(sub, [counts]).counted_column(begin) == counts
    assert Analysis(sub, []).counted_column(begin) is None
    assert Analysis(sub, [counts]).passed_on(kept) == sub.nodes[-1]
    looked_at = chain(source(), counts, ToStream(name="changes"), sink(value=int64))
    assert Analysis(looked_at, [counts]).passed_on(counts) is None
