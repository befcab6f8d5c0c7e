"""``KTable``: what aggregations return."""

from __future__ import annotations

from streams import App


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
