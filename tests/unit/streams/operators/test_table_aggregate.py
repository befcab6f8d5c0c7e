"""count, reduce and aggregate over grouped tables, with the record cache and without: Kafka Streams' rule G4."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, KTable
from streams.errors import ProcessingError
from tests.unit.streams.tables import after, driver_of

KINDS = ("count", "reduce", "aggregate")


def by_first_letter(app: App, kind: str) -> KTable[str, Any]:
    groups = app.table("in", key=str, value=str).group_by(lambda key, value: (key[0], value), key=str, value=str)
    match kind:
        case "count":
            return groups.count(store="result")
        case "reduce":
            return groups.reduce(
                lambda total, one: f"{total}+{one}", lambda total, one: f"{total}-{one}", store="result"
            )
        case _:
            return groups.aggregate(
                lambda: "", lambda key, total, one: f"{total}+{one}", lambda key, total, one: f"{total}-{one}",
                value=str, store="result",
            )  # fmt: skip


INPUT = (
    ("in", "a1", "x", 10),
    ("in", "a2", "y", 5),
    ("in", "a1", "z", 20),
    ("in", "a2", None, 7),
    ("in", "a1", None, 1),
)
EXPECTED = {
    "count": [1, 2, 2, 1, 0],
    "reduce": ["x", "x+y", "x+y-x+z", "x+y-x+z-y", "x+y-x+z-y-z"],
    "aggregate": ["+x", "+x+y", "+x+y-x+z", "+x+y-x+z-y", "+x+y-x+z-y-z"],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cache", [False, True])
def test_old_values_go_before_new_ones_come(kind: str, cache: bool) -> None:
    """One output for each change of a group; the largest timestamp of the group; an empty count stays, as 0."""
    driver = driver_of(lambda app: by_first_letter(app, kind), cache=cache)
    expected = list(zip("a" * 5, EXPECTED[kind], [10, 10, 20, 20, 20], strict=True))
    assert after(driver, *INPUT) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_cache_the_last_change_of_a_commit_counts(kind: str) -> None:
    driver = driver_of(lambda app: by_first_letter(app, kind), cache=True, commit_every=None)
    assert after(driver, *INPUT) == []
    driver.commit()
    assert after(driver) == [("a", EXPECTED[kind][-1], 20)]


@pytest.mark.parametrize("cache", [False, True])
def test_results_outlive_crashes_and_moves(cache: bool) -> None:
    driver = driver_of(lambda app: by_first_letter(app, "reduce"), cache=cache)
    for index, record in enumerate(INPUT):
        assert after(driver, record)[-1][1] == EXPECTED["reduce"][index]
        (driver.crash if index % 2 else driver.rebalance)()


@pytest.mark.parametrize("cache", [False, True])
def test_a_null_result_deletes_and_nothing_is_taken_from_nothing(cache: bool) -> None:
    def declare(app: App) -> KTable[str, int]:
        groups = app.table("in", key=str, value=int).group_by(lambda value: ("all", value), key=str, value=int)
        return groups.reduce(
            lambda total, value: None if total + value > 9 else total + value,  # type: ignore[arg-type, return-value]
            lambda total, value: total - value,
            store="result",
        )

    driver = driver_of(declare, cache=cache)
    rows = after(
        driver, ("in", "a", 5, 10), ("in", "b", 6, 3), ("in", "a", None, 4), ("in", "b", None, 5), ("in", "c", 2, 1)
    )
    assert rows == [("all", 5, 10), ("all", None, 10), ("all", 2, 1)]


@pytest.mark.parametrize("cache", [False, True])
def test_a_mutated_and_returned_aggregate_is_legal(cache: bool) -> None:
    def add(rows: list[str], row: str) -> list[str]:
        rows.append(row)
        return rows

    def remove(rows: list[str], row: str) -> list[str]:
        rows.remove(row)
        return rows

    def declare(app: App) -> KTable[str, list[str]]:
        groups = app.table("in", key=str, value=str).group_by(lambda key, value: (key[0], value), key=str, value=str)
        lists = groups.aggregate(list, add, remove, value=list[str], store="lists")
        return lists.filter(lambda rows: True)

    driver = driver_of(declare, cache=cache)
    assert [value for _, value, _ in after(driver, *INPUT)] == [["x"], ["x", "y"], ["y", "z"], ["z"], []]


def test_a_failing_subtractor_is_named() -> None:
    def declare(app: App) -> KTable[str, int]:
        groups = app.table("in", key=str, value=int).group_by(lambda value: ("all", value), key=str, value=int)
        return groups.reduce(lambda total, value: total + value, lambda total, value: total // 0, store="result")

    driver = driver_of(declare)
    driver.send("in", "a", 1)
    with pytest.raises(ProcessingError, match=r"result .*failed.*ZeroDivisionError") as caught:
        driver.send("in", "a", 2)
    assert caught.value.operator == "result"
