"""A table's source: what keeps a row, what deletes it, what is dropped."""

from __future__ import annotations

import pytest

from streams import App, KTable
from streams.topology.nodes import TableSource
from tests.unit.streams.tables import after, driver_of


def plain(app: App) -> KTable[str, int]:
    return app.table("in", key=str, value=int)


def kept(app: App) -> KTable[str, int]:
    return app.table("in", key=str, value=int, store="rows")


@pytest.mark.parametrize("declare", [plain, kept])
def test_the_last_to_arrive_counts_whatever_its_timestamp(declare: object) -> None:
    """Out-of-order rows and deletions count as well (Kafka Streams' T2)."""
    driver = driver_of(declare)  # type: ignore[arg-type]
    rows = after(driver, ("in", "a", 1, 10), ("in", "a", 2, 5), ("in", "a", None, 3), ("in", "b", 1, 1))
    assert rows == [("a", 1, 10), ("a", 2, 5), ("a", None, 3), ("b", 1, 1)]


@pytest.mark.parametrize("cache", [False, True])
def test_rows_outlive_crashes_and_moves(cache: bool) -> None:
    """Restored from the changelog, deletions included; a source table goes through no record cache."""
    driver = driver_of(kept, cache=cache)
    assert after(driver, ("in", "a", 1, 10), ("in", "b", 2, 5), ("in", "b", None, 6)) != []
    for disturb in (driver.crash, driver.rebalance):
        disturb()
        assert dict(driver.store("rows").all()) == {"a": 1}
    assert after(driver, ("in", "a", None, 11)) == [("a", None, 11)]
    assert dict(driver.store("rows").all()) == {}


def test_a_null_key_is_dropped_and_counted() -> None:
    driver = driver_of(plain)
    assert after(driver, ("in", None, 1, 10)) == []
    assert sum(driver.dropped.values()) == 1


def test_headers_stay_with_the_change() -> None:
    driver = driver_of(kept)
    driver.send("in", "a", 1, timestamp=1, headers=[("h", b"1")])
    assert driver.read("out")[0].headers == (("h", b"1"),)


def test_rows_are_kept_only_where_they_are_needed() -> None:
    app = App("app")
    app.table("passed", key=str, value=int).filter(bool).to_stream().to("out")
    looked_up = app.table("looked-up", key=str, value=int)
    app.stream("in", key=str, value=int).join(looked_up, max, value=int).to("out")
    grouped = app.table("grouped", key=str, value=int)
    grouped.group_by(lambda key, value: (key, value), key=str, value=int).count(store="counts")
    nodes = [node for sub in app.topology().subtopologies for node in sub.nodes if isinstance(node, TableSource)]
    assert {node.topic: node.store is not None for node in nodes} == {
        "passed": False, "looked-up": True, "grouped": True,
    }  # fmt: skip
