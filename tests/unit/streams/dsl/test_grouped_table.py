"""Grouped tables: names, topics, types and what is refused."""

from __future__ import annotations

import pytest

from streams import App, KGroupedTable, TopologyError
from streams.topology.nodes import Repartition


def by_value(key: str, value: int) -> tuple[int, str]:
    return value, key


def grouped(app: App, name: str | None = None) -> KGroupedTable[int, str]:
    return app.table("in", key=str, value=int).group_by(by_value, name=name)


def test_each_aggregation_has_a_topic_of_its_own_unless_it_has_a_name() -> None:
    for name, topics in (
        (None, ["app-one-repartition", "app-two-repartition"]),
        ("groups", ["app-groups-repartition"]),
    ):
        app = App("app")
        groups = grouped(app, name)
        groups.count(store="one")
        groups.reduce(min, max, store="two")
        found = [node for node in app._builder.graph.nodes() if isinstance(node, Repartition)]
        assert [node.topic for node in found] == topics
        assert all(node.changes for node in found)


def test_default_names_come_from_the_sources() -> None:
    app = App("app")
    assert grouped(app).count().store_name == "in-table-count"
    assert repr(grouped(app)) == "<KGroupedTable 'in-table-group-by-2' of application 'app'>"


def test_types_must_be_known() -> None:
    app = App("app")
    table = app.table("in", key=str, value=int)
    with pytest.raises(TopologyError, match=r"group_by\(\) sends the rows to their groups.*key=.* to this call"):
        table.group_by(lambda key, value: (value, key))
    groups = table.group_by(lambda key, value: (value, key), key=int)
    groups.count(store="counts")  # never looks at values
    with pytest.raises(TopologyError, match=r"reduce\(\) .*type of the value; group_by\(\) at .*Add value="):
        groups.reduce(min, max)
    with pytest.raises(TopologyError, match=r"aggregate\(\) keeps its results in a store.*Add value=list"):
        grouped(app).aggregate(lambda: [], lambda total, value: total, lambda total, value: total)


def test_a_subtractor_has_the_adders_shape() -> None:
    with pytest.raises(TopologyError, match=r"reduce\(subtractor\)= calls its function with \(aggregate, value\)"):
        grouped(App("app")).reduce(min, lambda value: value)  # type: ignore[arg-type, misc]
    with pytest.raises(TopologyError, match="takes a function, not None"):
        grouped(App("app")).aggregate(int, lambda total, value: total, None)  # type: ignore[call-overload]
