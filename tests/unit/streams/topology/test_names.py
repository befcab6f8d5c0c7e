"""Names: legal ones, made ones, and that state's names depend on sources, repartitions and state nodes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, KStream
from streams.errors import TopologyError
from streams.topology.compile import CompiledTopology
from streams.topology.names import (
    auto_name,
    changelog_topic,
    check_name,
    is_topic_name,
    merged_base,
    repartition_topic,
    source_base,
)


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 200])
def test_legal_names(name: str) -> None:
    assert check_name(name, "store") == name


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "ä", "a/b", "x" * 201, None, 5])
def test_illegal_names_say_whose_and_what_is_legal(name: Any) -> None:
    with pytest.raises(TopologyError, match=r"app\.py:1: store"):
        check_name(name, "app.py:1: store")


def test_made_names() -> None:
    assert auto_name("a", {"b"}) == "a"
    assert auto_name("a", {"a", "a-2"}) == "a-3"
    assert source_base(("a", "b")) == "a-b"
    assert merged_base("a", "a") == "a"
    assert merged_base("a", "b") == "a-b"
    assert repartition_topic("app", "x") == "app-x-repartition"
    assert changelog_topic("app", "x") == "app-x-changelog"


def durable(topology: CompiledTopology) -> tuple[Any, ...]:
    """Everything whose name or number carries state over a restart."""
    return (
        [(topic.name, topic.kind) for topic in topology.internal_topics],
        {name: (store.subtopology, store.spec.changelog_topic) for name, store in topology.stores.items()},
        [(sub.id, sub.source_topics) for sub in topology.subtopologies],
    )


def declared(insert: Callable[[KStream[Any, Any]], KStream[Any, Any]]) -> CompiledTopology:
    app = App("names")
    lines = insert(app.stream("lines", key=str, value=str))
    words = insert(lines.flat_map_values(str.split))
    insert(words.group_by(str.lower).count().to_stream()).to("counts")
    insert(insert(words.select_key(str.upper)).repartition(name="upper")).group_by_key().reduce(max, store="longest")
    insert(app.stream(["a", "b"], key=str, value=str)).merge(insert(lines)).group_by(str.strip, name="both").count()
    return app.topology()


INSERTIONS: dict[str, Callable[[KStream[Any, Any]], KStream[Any, Any]]] = {
    "filter": lambda stream: stream.filter(bool),
    "peek": lambda stream: stream.peek(print),
    "map_values": lambda stream: stream.map_values(lambda value: value, value=stream._value.serde),
    "two filters, one named": lambda stream: stream.filter_not(bool).filter(bool, name=f"named-after-{stream._node}"),
}


@pytest.mark.parametrize("insert", INSERTIONS.values(), ids=INSERTIONS)
def test_inserting_stateless_operators_moves_nothing(insert: Callable[[KStream[Any, Any]], KStream[Any, Any]]) -> None:
    """Stores, changelogs, repartition topics and sub-topology numbers stay what they were."""
    plain = durable(declared(lambda stream: stream))
    assert durable(declared(insert)) == plain
    assert plain[0] == [
        ("names-lines-count-repartition", "repartition"),
        ("names-upper-repartition", "repartition"),
        ("names-both-repartition", "repartition"),
        ("names-lines-count-changelog", "changelog"),
        ("names-longest-changelog", "changelog"),
        ("names-both-count-changelog", "changelog"),
    ]


def test_a_second_aggregation_does_not_rename_the_first() -> None:
    def topics(*stores: str) -> set[str]:
        app = App("names")
        grouped = app.stream("lines", key=str, value=str).group_by(str.lower)
        for store in stores:
            grouped.count(store=store)
        return {topic.name for topic in app.topology().internal_topics}

    assert topics("b") < topics("a", "b")


def test_a_topic_may_be_longer_than_a_part_of_one() -> None:
    assert is_topic_name("x" * 249)
    assert not any(is_topic_name(name) for name in ("x" * 250, "", "..", "a b", None, 7))
