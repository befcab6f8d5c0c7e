"""``KStream``: each operator adds its node, and each mistake is refused where it is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from streams import App, KStream, serde
from streams.errors import TopologyError
from streams.topology import nodes
from streams.topology.nodes import Node


@dataclass
class Bid:
    auction: int
    price: float


def words_of(line: str) -> list[str]:
    return line.split()


def swapped(key: str, value: str) -> tuple[int, bytes]:
    return len(value), key.encode()


def auction_of(bid: Bid) -> int:
    return bid.auction


@pytest.fixture
def app() -> App:
    return App("app")


@pytest.fixture
def lines(app: App) -> KStream[str, str]:
    return app.stream("lines", key=str, value=str)


@pytest.fixture
def bids(app: App) -> KStream[int, Bid]:
    return app.stream("bids", key=int, value=Bid)


def node_of(stream: Any) -> Node:
    return stream._builder.graph.node(stream._node)  # type: ignore[no-any-return]


def types_of(stream: Any) -> tuple[str | None, str | None]:
    return tuple(flow.serde.id if flow.serde else None for flow in (stream._key, stream._value))  # type: ignore[return-value]


def test_each_operator_adds_its_node(lines: KStream[str, str]) -> None:
    added = [
        (lines.filter(bool), nodes.Filter),
        (lines.filter_not(bool), nodes.Filter),
        (lines.map(swapped), nodes.Map),
        (lines.map_values(len), nodes.MapValues),
        (lines.flat_map(lambda line: [(line, line)]), nodes.FlatMap),
        (lines.flat_map_values(words_of), nodes.FlatMapValues),
        (lines.select_key(len), nodes.SelectKey),
        (lines.peek(print), nodes.Peek),
        (lines.merge(lines), nodes.Merge),
        (lines.repartition(), nodes.Repartition),
    ]
    assert [type(node_of(stream)) for stream, _ in added] == [kind for _, kind in added]


def test_filter_and_filter_not_differ_in_one_flag(lines: KStream[str, str]) -> None:
    kept: Any = node_of(lines.filter(bool))
    dropped: Any = node_of(lines.filter_not(bool))
    assert (kept.negate, dropped.negate) == (False, True)


def test_types_flow(lines: KStream[str, str]) -> None:
    """Through what cannot change them, from annotations, from arguments; and are lost where there are none."""
    assert types_of(lines.filter(bool).peek(print)) == ("utf8", "utf8")
    assert types_of(lines.map(swapped)) == ("json:int", "bytes")
    assert types_of(lines.map_values(len)) == ("utf8", "json:int")
    assert types_of(lines.flat_map_values(words_of)) == ("utf8", "utf8")
    assert types_of(lines.flat_map_values(str.split)) == ("utf8", "utf8")
    assert types_of(lines.select_key(len)) == ("json:int", "utf8")
    assert types_of(lines.map_values(lambda line: line)) == ("utf8", None)
    assert types_of(lines.map_values(lambda line: 1.5, value=serde.float64)) == ("utf8", "float64")
    assert types_of(lines.map(lambda line: (line, line))) == (None, None)
    assert types_of(lines.map(lambda line: (1, line), key=int)) == ("json:int", None)
    assert types_of(lines.merge(lines.filter(bool))) == ("utf8", "utf8")
    assert types_of(lines.merge(lines.map_values(len))) == ("utf8", None)


def test_a_sink_takes_what_has_no_type(app: App, lines: KStream[str, str]) -> None:
    """Then every value is encoded by its own type."""
    lines.map_values(lambda line: {"line": line}).to("out")
    sink: Any = app.topology().subtopologies[0].sinks[0]
    assert sink.key_serde.id == "utf8"
    assert sink.value_serde is None


def test_a_sink_with_a_function_a_partitioner_and_types(app: App, lines: KStream[str, str]) -> None:
    lines.map_values(lambda line: 1, value=int).to(
        lambda key, value: key, value=int, partitioner=lambda topic, key, value, partitions: 0
    )
    sink: Any = app.topology().subtopologies[0].sinks[0]
    assert sink.topic.arguments == ("key", "value")
    assert sink.partitioner.arguments == ("topic", "key", "value", "partitions")
    assert sink.value_serde.id == "json:int"


def test_a_merge_of_unlike_values_can_be_given_a_type(lines: KStream[str, str]) -> None:
    both = lines.merge(lines.map_values(len), value=serde.json)
    assert types_of(both) == ("utf8", "json")


def test_a_handle_used_twice_makes_two_branches(lines: KStream[str, str]) -> None:
    lines.filter(bool)
    lines.map_values(len)
    assert lines._builder.graph.children("lines-source") == ("lines-filter", "lines-map-values")


MISSING = [
    (lambda lines, bids: bids.group_by(lambda bid: bid.auction).count(), "key=int to group_by()"),
    (
        lambda lines, bids: bids.group_by(lambda bid: bid.auction % 2).count(),
        "key=YourType (such as key=str) to group_by()",
    ),
    (lambda lines, bids: lines.group_by(lambda word: word).count(), "key=str to group_by()"),
    (lambda lines, bids: bids.select_key(lambda bid: bid.auction).group_by_key().count(), "key=int to select_key()"),
    (
        lambda lines, bids: lines.map(lambda k, v: (v, k)).group_by_key().count(),
        "key=YourType (such as key=str) to map()",
    ),
    (lambda lines, bids: lines.map_values(lambda v: v.upper()).group_by_key().reduce(max), "value=str to map_values()"),
    (
        lambda lines, bids: lines.flat_map_values(lambda v: v.split()).group_by(str.lower).reduce(max),
        "value=str to flat_map_values()",
    ),
    (
        lambda lines, bids: lines.map_values(lambda v: [v]).repartition(),
        "value=YourType (such as value=str) to map_values()",
    ),
    (
        lambda lines, bids: lines.merge(lines.map_values(len)).repartition(),
        "value=YourType (such as value=str) to merge()",
    ),
    (lambda lines, bids: bids.group_by_key().aggregate(lambda: 0, lambda n, bid: n + 1), "value=int to this call"),
    (
        lambda lines, bids: bids.group_by_key().aggregate(lambda: [], lambda n, bid: [*n, bid]),
        "value=list to this call",
    ),
]


@pytest.mark.parametrize(("declare", "paste"), MISSING)
def test_a_missing_type_is_an_error_with_the_argument_to_paste(
    declare: Any, paste: str, lines: KStream[str, str], bids: KStream[int, Bid]
) -> None:
    with pytest.raises(TopologyError) as caught:
        declare(lines, bids)
    message = str(caught.value)
    assert f"Add {paste}" in message
    assert re.match(r"test_stream\.py:\d+: ", message)


def test_an_annotated_function_supplies_the_key(app: App, bids: KStream[int, Bid]) -> None:
    bids.group_by(auction_of).count(store="counts")
    assert app.topology().stores["counts"].key_serde.id == "json:int"


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda lines: lines.filter("x"), "takes a function"),
        (lambda lines: lines.filter(None), "without calling it"),
        (lambda lines: lines.map_values(len, value=5), r"map_values\(\.\.\., value=\.\.\.\): 5 is a value"),
        (lambda lines: lines.map_values(len, value="int"), "write int without the quotes"),
        (lambda lines: lines.to("no topic"), "no legal name"),
        (lambda lines: lines.to(5), "takes a function, not 5"),
        (lambda lines: lines.to("x", value="str"), r"to\(value=\.\.\.\): 'str' is a string"),
        (lambda lines: lines.filter(bool, name="a b"), "name='a b' is no legal name"),
        (lambda lines: lines.repartition(partitions=0), "a count from 1 on"),
        (lambda lines: lines.repartition(partitions="4"), "a count from 1 on"),
        (lambda lines: lines.repartition(name=5), "name is a string"),
        (lambda lines: lines.merge("x"), "takes another stream, not 'x'"),
        (lambda lines: lines.merge(lines.group_by_key().count()), "take its to_stream"),
        (lambda lines: lines.merge(lines.map(swapped)), "different formats, utf8 and json:int"),
        (
            lambda lines: lines.merge(App("other").stream("x", key=str, value=str)),
            "two applications, 'app' and 'other'",
        ),
        (lambda lines: lines.group_by(len, name="a/b"), "no legal name"),
        (lambda lines: lines.group_by_key(name=""), "no legal name"),
    ],
)
def test_naive_mistakes_are_refused_at_once(declare: Any, message: str, lines: KStream[str, str]) -> None:
    with pytest.raises(TopologyError, match=message):
        declare(lines)
