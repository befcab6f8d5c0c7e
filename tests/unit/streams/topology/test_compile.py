"""Compilation: where the graph is cut, what the application owns, and that nothing depends on chance."""

from __future__ import annotations

import pytest

from streams import App
from streams.errors import TopologyError
from streams.serde.plain import utf8
from streams.topology.compile import CompiledTopology, compile_topology
from streams.topology.graph import TopologyGraph
from streams.topology.nodes import Sink, Source


def word_count() -> CompiledTopology:
    app = App("word-count")
    lines = app.stream("lines", key=str, value=str)
    words = lines.flat_map_values(str.split)
    words.group_by(lambda word: word, key=str).count(store="word-counts").to_stream().to("counts")
    return app.topology()


def test_word_count() -> None:
    topology = word_count()
    upper, lower = topology.subtopologies
    assert [node.name for node in upper.nodes] == [
        "lines-source",
        "lines-flat-map-values",
        "lines-group-by",
        "word-counts-repartition-sink",
    ]
    assert [node.name for node in lower.nodes] == [
        "word-counts-repartition-source",
        "word-counts",
        "word-counts-to-stream",
        "counts-sink",
    ]
    assert (upper.source_topics, lower.source_topics) == (("lines",), ("word-count-word-counts-repartition",))
    assert upper.children["lines-group-by"] == ("word-counts-repartition-sink",)
    assert upper.children["word-counts-repartition-sink"] == ()
    assert lower.parents["word-counts"] == ("word-counts-repartition-source",)
    assert [store.name for store in lower.stores] == ["word-counts"]
    assert (topology.external_topics, topology.output_topics) == (("lines",), ("counts",))
    assert topology.stores["word-counts"].subtopology == 1


def test_internal_topics_and_how_they_are_kept() -> None:
    """Repartition topics never lose records by age; changelogs are compacted (Kafka Streams' R3)."""
    repartition, changelog = word_count().internal_topics
    assert (repartition.name, repartition.kind) == ("word-count-word-counts-repartition", "repartition")
    assert dict(repartition.configs) == {
        "cleanup.policy": "delete", "message.timestamp.type": "CreateTime", "retention.ms": "-1",
        "segment.bytes": "52428800",
    }  # fmt: skip
    assert (changelog.name, changelog.kind) == ("word-count-word-counts-changelog", "changelog")
    assert dict(changelog.configs) == {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
    assert repartition.partitions is None


def test_both_halves_of_a_repartition_have_one_format() -> None:
    upper, lower = word_count().subtopologies
    sink, source = upper.sinks[0], lower.sources[0]
    assert sink.internal
    assert source.internal
    assert sink.key_serde is source.key_serde
    assert sink.value_serde is source.value_serde


def test_a_group_by_key_without_a_changed_key_needs_no_topic() -> None:
    app = App("a")
    app.stream("lines", key=str, value=str).filter(bool).map_values(len).group_by_key().count()
    (sub,) = app.topology().subtopologies
    assert [node.name for node in sub.nodes] == ["lines-source", "lines-filter", "lines-map-values", "lines-count"]


@pytest.mark.parametrize("operator", ["select_key", "map", "flat_map"])
def test_a_group_by_key_after_a_changed_key_does(operator: str) -> None:
    app = App("a")
    lines = app.stream("lines", key=str, value=str)
    changed = {
        "select_key": lambda: lines.select_key(str.lower),
        "map": lambda: lines.map(lambda key, value: (value, key), key=str, value=str),
        "flat_map": lambda: lines.flat_map(lambda key, value: [(value, key)], key=str, value=str),
    }[operator]()
    changed.filter(bool).group_by_key().count()
    assert len(app.topology().subtopologies) == 2


def test_after_a_repartition_the_key_counts_as_unchanged() -> None:
    app = App("a")
    app.stream("lines", key=str, value=str).select_key(str.lower).repartition().group_by_key().count()
    assert [topic.name for topic in app.topology().internal_topics] == [
        "a-lines-repartition",
        "a-lines-repartition-count-changelog",
    ]


def test_a_topic_that_is_written_and_read_is_no_cycle() -> None:
    """The way round leads through the log, so the two halves are two sub-topologies."""
    app = App("a")
    lines = app.stream("lines", key=str, value=str)
    lines.filter(bool).to("lines-again")
    again = app.stream("lines-again", key=str, value=str)
    again.to("lines")
    topology = app.topology()
    assert [sub.source_topics for sub in topology.subtopologies] == [("lines",), ("lines-again",)]


def test_a_stream_merged_with_itself_has_two_edges() -> None:
    app = App("a")
    lines = app.stream("lines", key=str, value=str)
    lines.merge(lines).to("twice")
    (sub,) = app.topology().subtopologies
    assert sub.children["lines-source"] == ("lines-merge", "lines-merge")


def test_merged_streams_are_one_sub_topology() -> None:
    app = App("a")
    app.stream("x", key=str, value=str).merge(app.stream("y", key=str, value=str)).to("both")
    app.stream("z", key=str, value=str).to("alone")
    assert [sub.source_topics for sub in app.topology().subtopologies] == [("x", "y"), ("z",)]


def test_one_stream_used_twice_is_read_once() -> None:
    app = App("a")
    app.stream("lines", key=str, value=str).to("one")
    app.stream("lines", key=str, value=str).to("two")
    (sub,) = app.topology().subtopologies
    assert len(sub.sources) == 1
    assert sub.children["lines-source"] == ("one-sink", "two-sink")


def test_compiling_twice_gives_the_same() -> None:
    app = App("a")
    app.stream("lines", key=str, value=str).group_by(str.lower).count()
    assert app.topology() == app.topology()


def test_nothing_declared_is_nothing_to_run() -> None:
    with pytest.raises(TopologyError, match=r"'empty' has no source: begin with app\.stream"):
        App("empty").topology()


def test_two_sources_of_one_topic_are_refused_also_below_the_dsl() -> None:
    graph = TopologyGraph()
    for name in ("one", "two"):
        graph.add(Source(name=name, topics=("t",), key_serde=utf8, value_serde=utf8))
    graph.add(Sink(name="sink", topic="out", key_serde=None, value_serde=None), ("one", "two"))
    with pytest.raises(TopologyError, match="read by two sources, 'one' and 'two'"):
        compile_topology("a", graph)
