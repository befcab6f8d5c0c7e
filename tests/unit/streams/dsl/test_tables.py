"""Where tables begin: topics read as tables, streams made into tables, and what is refused."""

from __future__ import annotations

import pytest

from streams import App, TopologyError
from streams.topology.nodes import Repartition, TableSource


def test_a_topic_is_one_table_however_often_it_is_read() -> None:
    app = App("app")
    first = app.table("users", key=str, value=int)
    again = app.table("users", key=str, value=int)
    stream = app.stream("users", key=str, value=int)
    first.to_stream().to("one")
    again.to_stream().to("two")
    stream.to("three")
    (sub,) = app.topology().subtopologies
    assert [node.name for node in sub.nodes if isinstance(node, TableSource)] == ["users-table"]
    assert app.topology().table_topics == ("users",)
    assert app.is_table("users")
    assert not app.is_table("one")


def test_a_second_name_is_refused() -> None:
    app = App("app")
    app.table("users", key=str, value=int, store="people")
    with pytest.raises(TopologyError, match=r"test_tables.py:\d+: topic 'users' is table 'people' at .* already"):
        app.table("users", key=str, value=int, store="persons")
    with pytest.raises(TopologyError, match="topic 'users' is read at"):
        app.table("users", key=str, value=str)


@pytest.mark.parametrize("store", [None, "rows"])
def test_a_stream_as_a_table(store: str | None) -> None:
    app = App("app")
    table = app.stream("in", key=str, value=int).to_table(store=store)
    table.to_stream().to("out")
    topology = app.topology()
    assert set(topology.stores) == ({store} if store else set())
    assert topology.table_topics == ()  # a table made of a stream has all that it needs in its changelog
    if store is None:
        with pytest.raises(TopologyError, match="'in-to-table' keeps no rows, for nothing needed them; give it store="):
            app.store_name(table)
    else:
        assert app.store_name(table) == store


def test_a_changed_key_goes_through_a_topic_of_the_stores_name() -> None:
    app = App("app")
    app.stream("in", key=str, value=int).select_key(str, key=str).to_table(store="rows")
    nodes = app._builder.graph.nodes()
    assert [node.topic for node in nodes if isinstance(node, Repartition)] == ["app-rows-repartition"]


def test_types_must_be_known() -> None:
    app = App("app")
    with pytest.raises(
        TopologyError, match=r"to_table\(\) keeps the last value of each key.*Add value=int to map_values"
    ):
        app.stream("in", key=str, value=int).map_values(lambda value: 1).to_table()


def test_two_tables_of_one_stream_need_names() -> None:
    app = App("app")
    stream = app.stream("in", key=str, value=int)
    stream.to_table()
    with pytest.raises(TopologyError, match="'in-to-table'"):
        stream.to_table()
    stream.to_table(store="second")
