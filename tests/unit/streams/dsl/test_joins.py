"""What may be joined with what, found out at build, with the operator's name and the fix."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, TopologyError
from streams.topology.nodes import Repartition, StreamTableJoin, TableJoin


def pair(left: Any, right: Any) -> list[Any]:
    return [left, right]


def test_keys_of_different_formats_never_meet() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    with pytest.raises(
        TopologyError,
        match=r"test_joins.py:\d+: join\(...\): the keys of the stream have the format json:int and those of the table "
        r"'users-table' utf8, so equal keys would not meet; bring the stream's .* select_key\(..., key=...\)",
    ):
        app.stream("orders", key=int, value=str).join(table, pair)
    with pytest.raises(TopologyError, match=r"outer_join\(...\): the keys of the table .*to_table\(\)"):
        app.table("others", key=int, value=str).outer_join(table, pair)


def test_what_is_no_table() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    stream = app.stream("orders", key=str, value=str)
    with pytest.raises(TopologyError, match=r"left_join\(...\) of a table takes a table.*stream.join\(table, ...\)"):
        table.left_join(stream, pair)  # type: ignore[call-overload]
    with pytest.raises(TopologyError, match=r"join\(...\) of a stream takes a table, not 'users'"):
        stream.join("users", pair)  # type: ignore[call-overload]
    with pytest.raises(TopologyError, match="the two sides belong to two applications, 'app' and 'other'"):
        stream.join(App("other").table("users", key=str, value=str), pair)


def test_a_joiner_takes_two_or_three() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    with pytest.raises(
        TopologyError, match=r"join\(...\) calls its function with \(left, right\) or \(key, left, right\)"
    ):
        app.stream("orders", key=str, value=str).join(table, lambda one: one)  # type: ignore[call-overload]


def test_a_lost_key_is_asked_for() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    orders = app.stream("orders", key=str, value=str).map(lambda key, value: (value, key))
    with pytest.raises(TopologyError, match=r"join\(\) looks keys up in a table.*Add key="):
        orders.join(table, pair)


def test_only_a_changed_key_needs_a_topic() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    orders = app.stream("orders", key=str, value=str)
    orders.join(table, pair)
    assert not [node for node in app._builder.graph.nodes() if isinstance(node, Repartition)]
    orders.select_key(lambda order: order, key=str).join(table, pair, name="by-order").to("out", value=list[Any])
    (repartition,) = (node for node in app._builder.graph.nodes() if isinstance(node, Repartition))
    assert repartition.topic == "app-by-order-repartition"
    topology = app.topology()
    assert [join.topics for sub in topology.subtopologies for join in sub.copartitions] == [
        ("orders", "users"), ("app-by-order-repartition", "users"),
    ]  # fmt: skip


def test_two_repartitions_of_one_name_need_another() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    orders = app.stream("orders", key=str, value=str).select_key(lambda order: order, key=str)
    orders.join(table, pair)
    with pytest.raises(TopologyError, match=r"two repartition topics are called .*Add another name='...'"):
        orders.left_join(table, pair)


def test_a_joined_tables_rows_are_kept_only_if_asked_or_if_one_table_comes_twice() -> None:
    app = App("app")
    left, right = app.table("left", key=str, value=int), app.table("right", key=str, value=int)
    left.join(right, pair, value=list[int])
    left.join(right, pair, value=list[int], store="kept")
    both = left.join(right, pair, value=list[int], name="inner")
    both.left_join(right, lambda one, two: 1, value=int)
    found = {node.name: node.store is not None for node in app._builder.graph.nodes() if isinstance(node, TableJoin)}
    assert found == {"left-table-right-table-join": False, "kept": True, "inner": False,
                     "left-table-right-table-right-table-join": True}  # fmt: skip
    with pytest.raises(TopologyError, match=r"two stores are called .* by default"):
        both.left_join(right, lambda one, two: 1, value=int)


def test_a_stream_join_reads_its_table_and_does_not_get_its_changes() -> None:
    app = App("app")
    table = app.table("users", key=str, value=str)
    app.stream("orders", key=str, value=str).join(table, pair).to("out", value=list[Any])
    (sub,) = app.topology().subtopologies
    (join,) = (node for node in sub.nodes if isinstance(node, StreamTableJoin))
    assert (sub.parents[join.name], sub.reads[join.name]) == (("orders-source",), ("users-table",))
    assert sub.children["users-table"] == ()
