"""Topics that are brought together by key: found through merges and groupings, and their partitioners compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, TopologyError, tumbling


def by_length(topic: str, key: str, value: str, partitions: int) -> int:
    return len(key) % partitions


def by_first(topic: str, key: str, value: str, partitions: int) -> int:
    return ord(key[0]) % partitions


def stream(app: App, topic: str) -> Any:
    return app.stream(topic, key=str, value=str)


def together(app: App) -> dict[str, tuple[str, ...]]:
    return {found.node: found.topics for sub in app.topology().subtopologies for found in sub.copartitions}


def test_what_is_joined_or_kept_by_key() -> None:
    app = App("a")
    merged = stream(app, "one").merge(stream(app, "two").filter(bool))
    merged.group_by_key().count(store="merged")
    merged.join(app.table("table", key=str, value=str), lambda value, row: row, name="joined").to("out")
    app.stream(["three", "four"], key=str, value=str).to_table(store="kept")
    stream(app, "five").group_by_key().windowed_by(tumbling("1s")).count(store="alone")
    assert together(app) == {
        "merged": ("one", "two"), "joined": ("one", "two", "table"), "kept": ("three", "four")
    }  # fmt: skip


def test_behind_a_repartition_only_its_topic_counts() -> None:
    app = App("a")
    merged = stream(app, "one").merge(stream(app, "two"))
    merged.group_by(lambda value: value, key=str).count(store="counted")
    assert together(app) == {}


def test_tables_joined_after_a_grouping() -> None:
    app = App("a")
    one, two = (
        app.table(topic, key=str, value=str).group_by(lambda row: (row, row), key=str, value=str).count(store=topic)
        for topic in ("one", "two")
    )
    one.join(two, lambda left, right: left + right, value=int, store="both")
    assert together(app) == {"both": ("a-one-repartition", "a-two-repartition")}


def joined(app: App) -> None:
    stream(app, "left").join(app.table("right", key=str, value=str), lambda value, row: row, name="x").to("out")


def merged(app: App) -> None:
    stream(app, "left").merge(stream(app, "right")).group_by_key().count(store="x")


@pytest.mark.parametrize("declare", [joined, merged])
def test_a_partitioner_of_one_side_alone_is_refused(declare: Callable[[App], None]) -> None:
    app = App("a")
    declare(app)
    stream(app, "in").to("left", partitioner=by_length)
    with pytest.raises(
        TopologyError,
        match=r"test_copartitions.py:\d+: 'x' brings equal keys of 'left' and 'right' together, but 'left' is written "
        r"with partitioner=by_length, and 'right' is not.*app.stream\('left', ...\).repartition\(\)",
    ):
        app.topology()


@pytest.mark.parametrize("declare", [joined, merged])
def test_the_same_partitioner_on_both_sides_is_one(declare: Callable[[App], None]) -> None:
    app = App("a")
    declare(app)
    copies = stream(app, "in")
    copies.to("left", partitioner=by_length)
    copies.to("right", partitioner=by_length)
    assert len(app.topology().subtopologies) == 2


def test_two_partitioners_are_two() -> None:
    app = App("a")
    merged(app)
    copies = stream(app, "in")
    copies.to("left", partitioner=by_length)
    copies.to("right", partitioner=by_first)
    with pytest.raises(TopologyError, match="partitioner=by_length"):
        app.topology()


def test_a_topic_that_is_read_alone_may_be_partitioned_in_any_way() -> None:
    app = App("a")
    stream(app, "in").to("left", partitioner=by_length)
    stream(app, "left").group_by_key().count(store="x")
    assert together(app) == {}
