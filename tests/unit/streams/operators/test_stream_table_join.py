"""Stream-table joins: what a record meets, what is dropped, and that a table wakes nobody."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, KTable
from streams.operators.drops import NULL_KEY, NULL_VALUE
from streams.testing import TopologyTestDriver
from tests.unit.streams.tables import after


def driver_of(how: str = "join", *, rekey: bool = False, **settings: Any) -> TopologyTestDriver:
    app = App("app")
    users = app.table("users", key=str, value=str)
    orders = app.stream("orders", key=str, value=str)
    if rekey:
        orders = orders.select_key(lambda key, order: None if order.startswith("nobody") else order[0], key=str)
    joined = getattr(orders, how)(users, lambda order, user: f"{order}/{user}", value=str)
    joined.to("out")
    return TopologyTestDriver(app, **{"partitions": 1, **settings})


def test_the_row_of_the_moment_and_the_records_own_timestamp() -> None:
    """By arrival: an older row that comes later counts, and so does a deletion (point 7 of the conformance notes)."""
    driver = driver_of()
    rows = after(
        driver, ("orders", "a", "early", 1), ("users", "a", "Ann", 50), ("orders", "a", "x", 10),
        ("users", "a", "Bob", 20), ("orders", "a", "y", 11), ("users", "a", None, 5), ("orders", "a", "late", 60),
    )  # fmt: skip
    assert rows == [("a", "x/Ann", 10), ("a", "y/Bob", 11)]


def test_a_left_join_keeps_what_has_no_partner() -> None:
    driver = driver_of("left_join")
    rows = after(
        driver, ("orders", "a", "x", 1), ("users", "a", "Ann", 2), ("orders", "a", "y", 1), ("orders", None, "z", 3)
    )
    assert rows == [("a", "x/None", 1), ("a", "y/Ann", 1), (None, "z/None", 3)]


@pytest.mark.parametrize("how", ["join", "left_join"])
def test_null_keys_and_values(how: str) -> None:
    driver = driver_of(how)
    rows = after(driver, ("orders", None, "x", 1), ("orders", "a", None, 2), ("orders", None, None, 3))
    reasons = {reason: count for (_, reason), count in driver.drop_reasons.items()}
    if how == "join":
        assert (rows, reasons) == ([], {NULL_KEY: 2, NULL_VALUE: 1})
    else:
        assert (rows, reasons) == ([(None, "x/None", 1)], {NULL_VALUE: 2})


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("how", ["join", "left_join"])
def test_a_changed_key_goes_through_a_topic(how: str, partitions: int) -> None:
    """Null keys go along for a left join, which has a use for them (Kafka Streams' S6)."""
    driver = driver_of(how, rekey=True, partitions=partitions)
    for user in "abc":
        driver.send("users", user, user.upper())
    rows = after(driver, ("orders", "?", "a1", 1), ("orders", "?", "c2", 2), ("orders", "?", "nobody", 3))
    assert ("a", "a1/A", 1) in rows
    assert ("c", "c2/C", 2) in rows
    assert rows[2:] == ([] if how == "join" else [(None, "nobody/None", 3)])


@pytest.mark.parametrize("cache", [False, True])
def test_a_counted_table_is_looked_up_as_of_now(cache: bool) -> None:
    """With the record cache too: what a record meets does not depend on when anybody commits."""
    app = App("app")
    clicks: KTable[str, int] = app.stream("clicks", key=str, value=str).group_by_key().count(store="clicks-of")
    app.stream("asked", key=str, value=str).join(clicks, lambda _, count: count, value=int).to("out")
    driver = TopologyTestDriver(app, partitions=1, cache=cache, commit_every=None)
    for asked in range(3):
        driver.send("clicks", "a", "click")
        driver.send("asked", "a", "?", timestamp=asked)
    driver.commit()
    assert [record.value for record in driver.read("out")] == [1, 2, 3]


def test_headers_are_those_of_the_record() -> None:
    driver = driver_of("left_join")
    driver.send("orders", "a", "x", headers=[("h", b"1")])
    assert driver.read("out")[0].headers == (("h", b"1"),)


@pytest.mark.parametrize("how", ["join", "left_join"])
def test_rows_outlive_a_crash(how: str) -> None:
    driver = driver_of(how)
    driver.send("users", "a", "Ann")
    driver.crash()
    driver.rebalance()
    assert after(driver, ("orders", "a", "x", 1)) == [("a", "x/Ann", 1)]
