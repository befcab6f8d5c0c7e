"""Changelog columns hand over everything once."""

from __future__ import annotations

from state.changelog import ChangelogBatch, ChangelogColumns


def test_a_drain_hands_over_all_writes_in_order_and_starts_afresh() -> None:
    columns = ChangelogColumns("app-counts-changelog")
    columns.append(b"a", b"1", 10)
    columns.extend([b"b", b"a"], [None, b"2"], [11, 12])
    assert len(columns) == 3
    batch = columns.drain()
    assert batch == ChangelogBatch("app-counts-changelog", [b"a", b"b", b"a"], [b"1", None, b"2"], [10, 11, 12])
    columns.append(b"c", b"3", 13)
    assert batch.keys == [b"a", b"b", b"a"]
    assert columns.drain().keys == [b"c"]


def test_clearing_forgets_writes() -> None:
    columns = ChangelogColumns("topic")
    columns.append(b"a", b"1", 10)
    columns.clear()
    assert columns.drain() == ChangelogBatch("topic", [], [], [])


def test_truncating_forgets_the_last_writes() -> None:
    columns = ChangelogColumns("topic")
    columns.extend([b"a", b"b", b"c"], [b"1", None, b"3"], [10, 11, 12])
    columns.truncate(1)
    assert columns.drain() == ChangelogBatch("topic", [b"a"], [b"1"], [10])
