"""The kernels of windowed counts, compiled and interpreted, against a plain restatement."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker_core.compiled import load_interpreted
from state.backends.memory import MemoryBackend
from state.keys import window_start_bytes
from state.layers import ENTRY_OVERHEAD_BYTES, CacheEntry
from state.model import WINDOW, StoreSpec, WindowLayout
from state.stores.window import WindowStore
from state.transaction import TaskTransaction
from state.window_cache import WindowCache
from streams.codegen import window_kernels
from streams.windows import TimeWindows

TWINS: tuple[Any, Any] = (window_kernels, load_interpreted("streams.codegen.window_kernels"))
KEYS = st.sampled_from([None, b"", b"a", b"b"])
RECORDS = st.lists(st.tuples(KEYS, st.sampled_from([None, b"v"]), st.integers(-2, 40)), max_size=25)
SIZES = st.integers(1, 12).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size), st.integers(0, 8)))
ROWS = st.dictionaries(
    st.tuples(st.sampled_from([b"", b"a", b"b"]), st.integers(0, 20)), st.tuples(st.integers(1, 5), st.integers(0, 9)),
    max_size=6,
)  # fmt: skip


def open_cache(windows: TimeWindows, rows: dict[tuple[bytes, int], tuple[int, int]]) -> WindowCache:
    layout = WindowLayout(size_ms=windows.size_ms, advance_ms=windows.advance_ms, retention_ms=None)
    spec = StoreSpec(name="counts", kind=WINDOW, windows=layout)
    store = WindowStore(TaskTransaction(MemoryBackend(["counts"])), spec)
    for (key, index), (value, timestamp) in rows.items():
        start = index * windows.advance_ms
        store.put(key + window_start_bytes(start), str(value).encode(), timestamp)
    return WindowCache(store, lambda value: str(value).encode(), int, 1 << 20)


@given(RECORDS, SIZES, st.integers(-1, 30), ROWS)
def test_counting(records: list[Any], sizes: tuple[int, int, int], stream_time: int, rows: Any) -> None:
    windows = TimeWindows(size_ms=sizes[0], advance_ms=sizes[1], grace_ms=sizes[2])
    keys, values, timestamps = ([record[index] for record in records] for index in range(3))
    expected = {(key, index * sizes[1]): row for (key, index), row in rows.items()}
    changed: list[tuple[bytes, int]] = []
    late, time = 0, stream_time
    for key, value, timestamp in records:
        if timestamp < 0 or key is None or value is None:
            continue
        time = max(time, timestamp)
        for start in windows.starts(timestamp):
            if windows.is_closed(start, time):
                late += 1
                continue
            count, latest = expected.get((key, start), (0, -1))
            expected[key, start] = (count + 1, max(latest, timestamp))
            changed.append((key, start))
    for twin in TWINS:
        cache = open_cache(windows, rows)
        earliest, latest = twin.time_bounds(timestamps, 0, len(records))
        check = windows.may_be_late(earliest, max(latest, stream_time))
        columns = (keys, values, timestamps, 0, len(records), windows.size_ms, windows.advance_ms)
        cache.load(twin.missing_in_windows(cache, *columns, stream_time - windows.grace_ms))
        result = twin.count_windows(
            cache, CacheEntry, ENTRY_OVERHEAD_BYTES, *columns, windows.grace_ms, stream_time, check
        )
        assert result[0] == time
        assert result[4] == late
        assert sum(result[1:4]) == sum(1 for key, value, at in records if at < 0 or key is None or value is None)
        windowed = [key + window_start_bytes(start) for key, start in dict.fromkeys(changed)]
        assert [entry.key for entry in cache.dirty] == windowed
        assert cache.size_bytes == sum(entry.size for entry in cache.held())
        changes = cache.flush()
        found = {
            key: (value, at)
            for key, value, at in zip(changes.keys, changes.new_values, changes.timestamps, strict=True)
        }
        assert found == {key + window_start_bytes(start): expected[key, start] for key, start in changed}


@given(st.lists(st.integers(-5, 50), max_size=10), st.data())
def test_time_bounds(times: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(times)))
    stop = data.draw(st.integers(start, len(times)))
    part = times[start:stop]
    for twin in TWINS:
        assert twin.time_bounds(times, start, stop) == ((min(part), max(part)) if part else (-1, -1))


@pytest.mark.parametrize("twin", TWINS)
def test_a_window_that_is_whole_asks_for_nothing(twin: Any) -> None:
    """Newer than every row of the store: no read, whatever the keys."""
    windows = TimeWindows(size_ms=10, advance_ms=10)
    cache = open_cache(windows, {(b"a", 0): (1, 1)})
    columns: tuple[Any, ...] = ([b"a", b"b", b"a"], [b"v"] * 3, [15, 12, 3], 0, 3, 10, 10)
    assert twin.missing_in_windows(cache, *columns, -1) == {0: {b"a": None}}
    assert twin.missing_in_windows(cache, *columns, 10) == {}, "a closed window is left alone"
