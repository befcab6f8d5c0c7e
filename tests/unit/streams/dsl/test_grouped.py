"""Aggregations: their stores, and the repartition topics above them."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, serde
from streams.topology.compile import CompiledTopology
from streams.topology.nodes import Aggregate


def longest(total: str, line: str) -> str:
    return max(total, line, key=len)


def aggregate_node(topology: CompiledTopology) -> Aggregate:
    return next(node for sub in topology.subtopologies for node in sub.nodes if isinstance(node, Aggregate))


def test_count() -> None:
    app = App("app")
    app.stream("lines", key=str, value=str).group_by_key().count(store="counts", cached=False)
    node = aggregate_node(app.topology())
    assert (node.kind, node.store.name, node.store.cached) == ("count", "counts", False)
    assert node.store.changelog_topic == "app-counts-changelog"
    assert (node.key_serde.id, node.value_serde.id) == ("utf8", "json:int")
    assert node.initializer is None
    assert node.adder is None


def test_reduce_keeps_the_values_type() -> None:
    app = App("app")
    app.stream("lines", key=str, value=serde.int64).group_by_key().reduce(max)
    node = aggregate_node(app.topology())
    assert (node.kind, node.store.name, node.value_serde.id) == ("reduce", "lines-reduce", "int64")
    assert node.adder is not None
    assert node.adder.arguments == ("aggregate", "value")


@pytest.mark.parametrize(
    ("initializer", "adder", "value", "identity"),
    [
        (str, longest, None, "utf8"),
        (lambda: "", longest, None, "utf8"),
        (float, lambda total, line: total + 1, None, "json:float"),
        (dict, lambda total, line: total, None, "json:dict"),
        (lambda: 0, lambda key, total, line: total + 1, serde.int64, "int64"),
        (list, lambda total, line: [*total, line], list[str], "json:list[str]"),
    ],
    ids=["both say it", "the adder says it", "a class is the initializer", "dict", "an argument", "an argument wins"],
)
def test_aggregate_learns_its_type(initializer: Any, adder: Any, value: Any, identity: str) -> None:
    app = App("app")
    app.stream("lines", key=str, value=str).group_by_key().aggregate(initializer, adder, value=value)
    assert aggregate_node(app.topology()).value_serde.id == identity


def test_a_count_needs_no_type_of_the_values() -> None:
    """Its repartition topic carries only that a value was there."""
    app = App("app")
    lines = app.stream("lines", key=str, value=str)
    lines.flat_map_values(lambda line: line.split()).group_by(lambda word: word, key=str).count()
    assert app.topology().subtopologies[1].sources[0].value_serde.id == "absent"


def test_a_count_keeps_a_known_type_of_the_values() -> None:
    app = App("app")
    app.stream("lines", key=str, value=str).group_by(str.lower).count()
    assert app.topology().subtopologies[1].sources[0].value_serde.id == "utf8"


def test_aggregations_of_a_named_group_share_its_topic() -> None:
    app = App("app")
    grouped = app.stream("lines", key=str, value=str).group_by(str.lower, name="lower")
    grouped.count()
    grouped.reduce(max)
    topology = app.topology()
    repartitions = [topic.name for topic in topology.internal_topics if topic.kind == "repartition"]
    assert repartitions == ["app-lower-repartition"]
    assert set(topology.stores) == {"lower-count", "lower-reduce"}
    assert len(topology.subtopologies) == 2


def test_aggregations_of_an_unnamed_group_have_a_topic_each() -> None:
    app = App("app")
    grouped = app.stream("lines", key=str, value=str).group_by(str.lower)
    grouped.count()
    grouped.reduce(max)
    repartitions = [topic.name for topic in app.topology().internal_topics if topic.kind == "repartition"]
    assert repartitions == ["app-lines-count-repartition", "app-lines-reduce-repartition"]


def test_a_name_on_a_group_that_moves_nothing_is_only_a_name() -> None:
    app = App("app")
    app.stream("lines", key=str, value=str).group_by_key(name="by-key").count()
    assert [topic.name for topic in app.topology().internal_topics] == ["app-lines-count-changelog"]
