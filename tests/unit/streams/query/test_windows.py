"""Queries of windowed tables, over partitions, as a user writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streams import App, KTable, StreamsError, Windowed, hopping, tumbling
from streams.query.windows import ReadOnlyWindowStore
from streams.testing import TopologyTestDriver


def count(windows: Any, rows: list[tuple[str, int]], **options: Any) -> tuple[TopologyTestDriver, Any]:
    app = App("a")
    stream = app.stream("in", key=str, value=str)
    table: KTable[Windowed[str], int] = stream.group_by_key().windowed_by(windows).count(**options)
    driver = TopologyTestDriver(app, partitions=3)
    for key, timestamp in rows:
        driver.send(stream, key, "v", timestamp=timestamp)
    return driver, driver.store(table)


ROWS = [("a", 0), ("b", 3), ("a", 12), ("a", 13), ("c", 25)]


def test_one_window_of_a_key() -> None:
    _, store = count(tumbling("10ms"), ROWS, retention="1s")
    assert isinstance(store, ReadOnlyWindowStore)
    assert store.fetch("a", 10) == 2
    assert store.fetch("a", datetime(1970, 1, 1, 0, 0, 0, 10_000, tzinfo=UTC)) == 2
    assert store.fetch("a", 11) is None, "a window is known by its start"
    assert store.fetch("x", 10) is None
    assert store[Windowed("a", 10, 20)] == store.get(Windowed("a", 10, 0)) == 2
    assert Windowed("c", 20, 30) in store
    assert Windowed("c", 10, 20) not in store


def test_spans_of_time_include_both_ends() -> None:
    _, store = count(tumbling("10ms"), ROWS, retention="1s")
    assert list(store.fetch("a", 0, 10)) == [(Windowed("a", 0, 10), 1), (Windowed("a", 10, 20), 2)]
    assert list(store.fetch("a", 1, None)) == [(Windowed("a", 10, 20), 2)]
    assert list(store.fetch("a", None, 9)) == [(Windowed("a", 0, 10), 1)]
    assert [window.key for window, _ in store.fetch_all(0, 10)] == ["a", "b", "a"]
    assert [window.start for window, _ in store.fetch_all()] == [0, 0, 10, 20]
    assert sorted(window.start for window, _ in store.all()) == [0, 0, 10, 20]
    assert store.approximate_count() == 4


def test_what_retention_dropped_is_not_found() -> None:
    driver, store = count(hopping("10ms", "5ms", grace="5ms"), [("a", 7)])
    assert [window.start for window, _ in store.all()] == [0, 5]
    for time, starts in ((15, [5, 10, 15]), (19, [5, 10, 15]), (20, [10, 15, 20]), (100, [95, 100])):
        driver.send("in", "a", "v", timestamp=time)
        assert sorted({window.start for window, _ in store.all()}) == starts


def test_keys_have_no_order() -> None:
    _, store = count(tumbling("10ms"), ROWS)
    for read in (store.range, lambda: store.prefix(Windowed("a", 0, 10))):
        with pytest.raises(StreamsError, match="fetch"):
            read()
    with pytest.raises(ValueError, match="no time zone"):
        store.fetch("a", datetime(2024, 1, 1))
