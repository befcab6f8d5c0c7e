"""group_by on tables: what the groups hear of a change, and through which bytes."""

from __future__ import annotations

from streams import App, KTable
from streams.operators.table_group_by import group_changes
from streams.serde.changes import Change
from tests.unit.streams.tables import after, driver_of


def test_who_hears_what() -> None:
    assert group_changes(b"g", 2, b"g", 1) == ((b"g", 2, 1),)
    assert group_changes(b"new", 2, b"old", 1) == ((b"old", None, 1), (b"new", 2, None))
    assert group_changes(b"g", 2, None, None) == ((b"g", 2, None),)
    assert group_changes(None, None, b"g", 1) == ((b"g", None, 1),)
    assert group_changes(None, 5, b"g", None) == ()


def by_tens(app: App) -> KTable[int, int]:
    """Rows below 0 have no group, those from 100 on a null one, 50 a null value."""
    table = app.table("in", key=str, value=int)
    groups = table.group_by(
        lambda value: None if value < 0 else (None if value >= 100 else value // 10, None if value == 50 else value),
        key=int, value=int,
    )  # fmt: skip
    return groups.count(store="tens")


def test_one_record_where_the_group_stays_and_two_where_it_changes() -> None:
    driver = driver_of(by_tens)
    assert after(driver, ("in", "a", 11, 5), ("in", "a", 12, 4), ("in", "a", 21, 3), ("in", "a", None, 9)) == [
        (1, 1, 5), (1, 1, 5), (1, 0, 5), (2, 1, 3), (2, 0, 9),
    ]  # fmt: skip
    changes = [(record.key, record.value) for record in driver.read("app-tens-repartition")]
    assert changes == [
        (1, Change(11, None)), (1, Change(12, 11)), (1, Change(None, 12)), (2, Change(21, None)), (2, Change(None, 21)),
    ]  # fmt: skip


def test_no_group_a_null_group_and_a_null_value_are_left_out() -> None:
    driver = driver_of(by_tens)
    rows = after(driver, *(("in", "a", value, 1) for value in (-1, 11, -2, 100, 50, 12, 50)))
    assert rows == [(1, 1, 1), (1, 0, 1), (1, 1, 1), (1, 0, 1)]
