"""map_values on tables: deletions stay, old values are mapped too, lookups see the mapped rows."""

from __future__ import annotations

import pytest

from streams import App, KTable
from tests.unit.streams.tables import after, driver_of


def doubled(value: int) -> int | None:
    assert value is not None
    return None if value == 0 else value * 2


@pytest.mark.parametrize("store", [None, "mapped"])
def test_values_change_and_deletions_stay(store: str | None) -> None:
    """A mapper that returns None deletes the row."""
    driver = driver_of(lambda app: app.table("in", key=str, value=int).map_values(doubled, value=int, store=store))
    rows = after(driver, ("in", "a", 1, 5), ("in", "a", 3, 2), ("in", "a", 0, 6), ("in", "a", None, 7))
    assert rows == [("a", 2, 5), ("a", 6, 2), ("a", None, 6), ("a", None, 7)]


@pytest.mark.parametrize("store", [None, "mapped"])
@pytest.mark.parametrize("cache", [False, True])
def test_old_values_are_those_that_were_sent(store: str | None, cache: bool) -> None:
    def declare(app: App) -> KTable[str, int]:
        mapped = app.table("in", key=str, value=int).map_values(doubled, value=int, store=store)
        return mapped.group_by(lambda value: ("all", value), key=str, value=int).reduce(
            lambda total, value: total + value, lambda total, value: total - value, store="totals"
        )

    driver = driver_of(declare, cache=cache)
    rows = after(driver, ("in", "a", 1, 5), ("in", "b", 10, 6), ("in", "a", 3, 2), ("in", "b", None, 1))
    assert rows == [("all", 2, 5), ("all", 22, 6), ("all", 26, 6), ("all", 6, 6)]


@pytest.mark.parametrize("store", [None, "mapped"])
def test_rows_are_looked_up_through_it(store: str | None) -> None:
    def declare(app: App) -> KTable[str, int]:
        mapped = app.table("in", key=str, value=int).map_values(doubled, value=int, store=store)
        return (
            app.stream("asked", key=str, value=int)
            .left_join(mapped, lambda one, two: two or -one, value=int)
            .to_table()
        )

    driver = driver_of(declare)
    after(driver, ("in", "a", 4, 1), ("in", "b", 0, 1))
    assert after(driver, ("asked", "a", 7, 7), ("asked", "b", 7, 8), ("asked", "c", 7, 9)) == [
        ("a", 8, 7), ("b", -7, 8), ("c", -7, 9),
    ]  # fmt: skip
