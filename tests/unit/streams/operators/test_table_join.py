"""Table-table joins: which side makes what, when, with which timestamp, and how they are looked up themselves."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, KTable
from tests.unit.streams.tables import after, driver_of, left_and_right


def pair(left: int | None, right: int | None) -> list[int | None]:
    return [left, right]


def joined(app: App, how: str, **rest: Any) -> KTable[str, Any]:
    left, right = left_and_right(app)
    table: KTable[str, Any] = getattr(left, how)(right, pair, **rest)
    return table


STEPS = (
    ("left", "a", 1, 10), ("right", "a", 2, 5), ("left", "a", 3, 7), ("right", "a", 4, 20), ("right", "a", None, 15),
    ("left", "a", None, 9), ("right", "a", 5, 4), ("left", "a", None, 30), ("right", "a", None, 2),
)  # fmt: skip
EXPECTED = {
    "join": [[1, 2], 10, [3, 2], 7, [3, 4], 20, None, 15],
    "left_join": [[1, None], 10, [1, 2], 10, [3, 2], 7, [3, 4], 20, [3, None], 15, None, 9],
    "outer_join": [
        [1, None], 10, [1, 2], 10, [3, 2], 7, [3, 4], 20, [3, None], 15, None, 9, [None, 5], 4, [None, 5], 30, None, 2,
    ],
}  # fmt: skip


@pytest.mark.parametrize("store", [None, "joined"])
@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("how", EXPECTED)
def test_either_side_changes_the_result(how: str, cache: bool, store: str | None) -> None:
    """The timestamp is the larger of the two rows' own; rows count in order of arrival; a deletion comes only where
    there was a result."""
    driver = driver_of(lambda app: joined(app, how, store=store), cache=cache)
    flat = EXPECTED[how]
    expected = [("a", value, timestamp) for value, timestamp in zip(flat[::2], flat[1::2], strict=True)]
    assert after(driver, *STEPS) == expected


def test_another_key_is_another_row() -> None:
    driver = driver_of(lambda app: joined(app, "join"))
    assert after(driver, ("left", "a", 1, 1), ("right", "b", 2, 1)) == []


def test_the_joiner_may_take_the_key_and_delete() -> None:
    def declare(app: App) -> KTable[str, str]:
        left, right = left_and_right(app)
        return left.join(right, lambda key, one, two: f"{key}{one}{two}" if two else None, value=str)

    driver = driver_of(declare)
    assert after(driver, ("left", "a", 1, 1), ("right", "a", 2, 2), ("right", "a", 0, 3)) == [
        ("a", "a12", 2), ("a", None, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("store", [None, "joined"])
def test_a_join_is_looked_up_like_any_table(store: str | None) -> None:
    def declare(app: App) -> KTable[str, Any]:
        table = joined(app, "left_join", store=store)
        asked = app.stream("asked", key=str, value=str)
        return asked.left_join(table, lambda one, two: [one, two], value=list[Any]).to_table()

    driver = driver_of(declare)
    after(driver, ("left", "a", 1, 1), ("right", "b", 2, 1), ("left", "b", 3, 1))
    assert after(driver, *(("asked", key, "?", 5) for key in "abc")) == [
        ("a", ["?", [1, None]], 5), ("b", ["?", [3, 2]], 5), ("c", ["?", None], 5),
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["join", "left_join", "outer_join"])
def test_a_table_that_reaches_it_by_both_sides_ends_right(how: str) -> None:
    """One change comes twice, and the last answer is the right one; so is a deletion."""

    def declare(app: App) -> KTable[str, Any]:
        table = app.table("in", key=str, value=int)
        joined: KTable[str, Any] = getattr(table, how)(table.map_values(lambda value: value + 1, value=int), pair)
        return joined

    driver = driver_of(declare)
    assert after(driver, ("in", "a", 1, 1))[-1] == ("a", [1, 2], 1)
    assert after(driver, ("in", "a", 5, 2)) == [("a", [5, 6], 2)] * 2
    assert after(driver, ("in", "a", None, 3)) == [("a", None, 3)]
    assert dict(driver.store("in-table-join").all()) == {}


@pytest.mark.parametrize("cache", [False, True])
def test_sums_below_a_join_of_cached_counts_stay_right(cache: bool) -> None:
    """A lookup sees what the other side last sent, so that what is taken away is what was added."""

    def declare(app: App) -> KTable[str, int]:
        one = app.stream("one", key=str, value=int).group_by_key().count(store="ones")
        two = app.stream("two", key=str, value=int).group_by_key().count(store="twos")
        both = one.outer_join(two, lambda left, right: 10 * (left or 0) + (right or 0), value=int)
        return both.group_by(lambda value: ("all", value), key=str, value=int).reduce(
            lambda total, value: total + value, lambda total, value: total - value, store="totals"
        )

    driver = driver_of(declare, cache=cache, commit_every=None)
    for index in range(20):
        driver.send("one" if index % 3 else "two", "abc"[index % 3 - 1], 1)
        if index % 7 == 6:
            driver.commit()
    driver.commit()
    assert driver.store("totals").get("all") == 10 * 13 + 7
