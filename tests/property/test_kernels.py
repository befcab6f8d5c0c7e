"""Compiled kernels equal their interpreted twins, and both a plain restatement."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker_core.compiled import load_interpreted
from state.layers import CacheEntry
from streams.codegen import kernels

TWINS: tuple[Any, Any] = (kernels, load_interpreted("streams.codegen.kernels"))
TIMES = st.lists(st.one_of(st.integers(-2, 9), st.integers(-(2**63), 2**63 - 1)), max_size=20)
KEYS = st.sampled_from([None, b"", b"a", b"b", b"c"])
RECORDS = st.lists(st.tuples(KEYS, st.sampled_from([None, b"", b"v"]), st.integers(-2, 9)), max_size=30)


def bounds(length: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda pair: (min(pair), max(pair)))


@given(st.data(), TIMES, st.one_of(st.integers(-2, 9), st.integers(-(2**63), 2**63 - 1)), st.booleans())
def test_run_length_and_max_timestamp(data: st.DataObject, times: list[int], limit: int, inclusive: bool) -> None:
    start, stop = data.draw(bounds(len(times)))
    length = 0
    for time in times[start:stop]:
        if time > limit or (time == limit and not inclusive):
            break
        length += 1
    for twin in TWINS:
        assert twin.run_length(times, start, stop, limit, inclusive) == length
        assert twin.max_timestamp(times, start, stop, limit) == max([limit, *times[start:stop]])


@given(
    st.data(),
    RECORDS,
    st.dictionaries(st.sampled_from([b"", b"a", b"b"]), st.tuples(st.integers(0, 5), st.integers(0, 9))),
)
def test_counting(data: st.DataObject, records: list[Any], rows: dict[bytes, tuple[int, int]]) -> None:
    start, stop = data.draw(bounds(len(records)))
    keys, values, timestamps = ([record[index] for record in records] for index in range(3))
    some = st.lists(st.integers(1, 9), min_size=stop - start, max_size=stop - start)
    counts = data.draw(st.one_of(st.none(), some))
    counted = [
        (key, time, number)
        for (key, value, time), number in zip(records[start:stop], counts or itertools.repeat(1), strict=False)
        if time >= 0 and key is not None and value is not None
    ]
    for twin in TWINS:
        entries = {key: CacheEntry(key, value, time) for key, (value, time) in rows.items()}
        missing = twin.missing_keys(entries, keys, start, stop)
        assert missing == [key for key in dict.fromkeys(keys[start:stop]) if key is not None and key not in rows]
        entries.update((key, CacheEntry(key)) for key in missing)
        dirty: list[CacheEntry] = []
        dropped = twin.count_column(entries, dirty, keys, values, timestamps, start, stop, counts)
        assert sum(dropped) + len(counted) == stop - start
        assert [entry.key for entry in dirty] == list(dict.fromkeys(key for key, _, _ in counted))
        for key, entry in entries.items():
            before, latest = rows.get(key, (0, -1))
            mine = [(time, number) for counted_key, time, number in counted if counted_key == key]
            assert (entry.value or 0) == before + sum(number for _, number in mine)
            assert entry.timestamp == max([latest, *(time for time, _ in mine)])
            assert entry.dirty is bool(mine)
