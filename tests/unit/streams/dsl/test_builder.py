"""What the handles share: one graph, names, places of declaration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams import App
from streams.dsl.builder import Builder, caller
from streams.dsl.flow import lost
from streams.dsl.returns import UNKNOWN
from streams.errors import TopologyError
from streams.serde.plain import utf8
from streams.topology.nodes import Source


class NoFormat:
    """Cannot be made bytes."""


def test_the_place_is_the_users_line() -> None:
    app = App("a")
    app.stream("lines", key=str, value=str).filter(bool)  # this line
    this = next(
        number for number, line in enumerate(Path(__file__).read_text().splitlines(), 1) if line.endswith("# this line")
    )
    nodes = app.topology().subtopologies[0].nodes
    assert {node.location for node in nodes} == {f"test_builder.py:{this}"}
    assert caller().startswith("test_builder.py:")


def test_what_flows_out_an_argument_wins_then_the_annotation() -> None:
    builder = Builder("a")
    unknown = lost("map_values", "app.py:1", "value=")
    assert builder.flow(int, str, unknown, "").serde is builder.serde(int, "", "")
    assert builder.flow(None, str, unknown, "").serde is utf8
    assert builder.flow(None, UNKNOWN, unknown, "") is unknown


def test_an_annotation_without_a_format_counts_as_none_and_is_mentioned() -> None:
    flow = Builder("a").flow(None, NoFormat, lost("map_values", "app.py:1", "value="), "")
    assert flow.serde is None
    assert "its annotation does not help: there is no format for" in flow.lost_by


def test_one_type_is_one_serde() -> None:
    """Generated code passes bytes on where the serde is the same."""
    builder = Builder("a")
    assert builder.serde(list[int], "", "") is builder.serde(list[int], "", "")


def test_the_same_source_twice_is_one_node() -> None:
    builder = Builder("a")
    source = Source(name="s", topics=("t",), key_serde=utf8, value_serde=utf8)
    other = Source(name="another name", topics=("t",), key_serde=utf8, value_serde=utf8)
    assert builder.source(source) == builder.source(other) == "s"


@pytest.mark.parametrize(
    "declare",
    [
        lambda app: app.stream("lines", key=str, value=int),
        lambda app: app.stream(["lines", "more"], key=str, value=str),
        lambda app: app.stream("lines", key=str, value=str, timestamp=len),
    ],
    ids=["other type", "other topics", "other timestamp"],
)
def test_the_same_topic_read_differently_is_refused(declare: Any) -> None:
    app = App("a")
    app.stream("lines", key=str, value=str)
    with pytest.raises(TopologyError, match=r"topic 'lines' is read at test_builder\.py:\d+ already"):
        declare(app)


def test_two_stores_of_one_name() -> None:
    app = App("a")
    lines = app.stream("lines", key=str, value=str)
    lines.group_by_key().count(store="counts")
    with pytest.raises(
        TopologyError, match=r"two stores are called 'counts'; .* Add another store='\.\.\.' to this call"
    ):
        lines.group_by_key().reduce(max, store="counts")


def test_a_tie_of_default_names_says_so() -> None:
    app = App("a")
    lines = app.stream("lines", key=str, value=str)
    lines.group_by_key().count()
    with pytest.raises(TopologyError, match=r"two stores are called 'lines-count' by default.* Add another store='"):
        lines.filter(bool).group_by_key().count()
    lines.repartition()
    with pytest.raises(TopologyError, match=r"'a-lines-repartition' by default.* Add another name='"):
        lines.filter(bool).repartition()


def test_two_nodes_of_one_name() -> None:
    app = App("a")
    lines = app.stream("lines", key=str, value=str)
    lines.filter(bool, name="busy")
    with pytest.raises(TopologyError, match=r"two nodes are called 'busy': this map_values and the filter declared at"):
        lines.map_values(len, name="busy")
    with pytest.raises(TopologyError, match="store 'busy' has the name of a filter"):
        lines.group_by_key().count(store="busy")
