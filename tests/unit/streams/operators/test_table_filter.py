"""filter and filter_not on tables: deletions instead of rows that do not pass, silent where old values are known."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, KTable
from tests.unit.streams.tables import after, driver_of


def even(value: int) -> bool:
    assert value is not None
    return value % 2 == 0


INPUT = (
    ("in", "a", 1, 5),
    ("in", "a", 2, 15),
    ("in", "a", 4, 16),
    ("in", "a", 3, 10),
    ("in", "a", 5, 20),
    ("in", "a", None, 30),
)


@pytest.mark.parametrize("store", [None, "passed"])
def test_what_does_not_pass_is_deleted_though_it_may_never_have_been_there(store: str | None) -> None:
    driver = driver_of(lambda app: app.table("in", key=str, value=int).filter(even, store=store))
    values = [None, 2, 4, None, None, None]
    assert after(driver, *INPUT) == [("a", value, record[3]) for value, record in zip(values, INPUT, strict=True)]


def test_filter_not_is_its_complement() -> None:
    driver = driver_of(lambda app: app.table("in", key=str, value=int).filter_not(even))
    assert [value for _, value, _ in after(driver, *INPUT)] == [1, None, None, 3, 5, None]


def two_ways(app: App, store: str | None) -> KTable[str, int]:
    """The filter's own changes, with a group below that asks for old values."""
    passed = app.table("in", key=str, value=int).filter(even, store=store)
    passed.group_by(lambda key, value: (key, value), key=str, value=int).count(store="counts")
    return passed


@pytest.mark.parametrize("store", [None, "passed"])
def test_from_nothing_to_nothing_is_silent_where_old_values_are_known(store: str | None) -> None:
    driver = driver_of(lambda app: two_ways(app, store))
    assert after(driver, *INPUT) == [("a", 2, 15), ("a", 4, 16), ("a", None, 10)]
    assert dict(driver.store("counts").all()) == {"a": 0}


@pytest.mark.parametrize("store", [None, "passed"])
@pytest.mark.parametrize("with_key", [False, True])
def test_rows_are_looked_up_through_it(store: str | None, with_key: bool) -> None:
    """With a store of its own, or computed from the table above; the predicate may look at the key alone."""

    def declare(app: App) -> KTable[Any, Any]:
        table = app.table("in", key=str, value=int)
        passed = table.filter(lambda key, _: key > "a", store=store) if with_key else table.filter(even, store=store)
        return app.stream("asked", key=str, value=str).join(passed, lambda _, row: row, value=int).to_table()

    driver = driver_of(declare)
    after(driver, ("in", "a", 1, 1), ("in", "b", 2, 1))
    assert after(driver, ("asked", "a", "x", 7), ("asked", "b", "x", 8)) == [("b", 2, 8)]


def test_the_store_holds_what_passed() -> None:
    driver = driver_of(lambda app: app.table("in", key=str, value=int).filter(even, store="passed"))
    after(driver, ("in", "a", 1, 5), ("in", "b", 2, 5), ("in", "c", 4, 5), ("in", "c", 5, 6))
    driver.rebalance()
    assert dict(driver.store("passed").all()) == {"b": 2}
