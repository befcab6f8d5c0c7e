"""``KTable``: what aggregations return."""

from __future__ import annotations

import pytest

from streams import App, TopologyError


def test_a_table_knows_its_store_and_types() -> None:
    table = App("app").stream("lines", key=str, value=str).group_by_key().count(store="counts")
    assert table.store_name == "counts"
    assert (table.key_serde.id, table.value_serde.id) == ("utf8", "json:int")
    assert repr(table) == "<KTable 'counts' of application 'app'>"


def test_its_stream_has_its_types_and_needs_no_repartition() -> None:
    app = App("app")
    table = app.stream("lines", key=str, value=str).group_by(str.lower).count(store="counts")
    table.to_stream().group_by_key().reduce(max)
    topology = app.topology()
    assert len(topology.subtopologies) == 2
    assert topology.stores["counts-reduce"].value_serde.id == "json:int"


def test_two_streams_of_one_table() -> None:
    app = App("app")
    table = app.stream("lines", key=str, value=str).group_by_key().count(store="counts")
    table.to_stream().to("one")
    table.to_stream(name="second").to("two")
    (sub,) = app.topology().subtopologies
    assert sub.children["counts"] == ("counts-to-stream", "second")


def test_functions_of_rows_have_no_context() -> None:
    table = App("app").table("in", key=str, value=int)
    with pytest.raises(TopologyError, match=r"filter\(...\) calls its function with \(value\) or \(key, value\)"):
        table.filter(lambda key, value, context: True)  # type: ignore[call-overload]


def test_a_store_needs_a_type() -> None:
    table = App("app").table("in", key=str, value=int)
    table.map_values(lambda value: f"{value}")
    with pytest.raises(TopologyError, match=r"map_values\(\) keeps its rows in a store.*Add value="):
        table.map_values(lambda value: f"{value}", store="lists")


def test_stores_names_are_unique() -> None:
    app = App("app")
    table = app.table("in", key=str, value=int, store="rows")
    with pytest.raises(TopologyError, match="two stores are called 'rows'"):
        table.filter(bool, store="rows")
    assert (table.filter(bool, store="passed").store_name, table.store_name) == ("passed", "rows")
