"""Queries of windows on the level of bytes: what is committed, by key and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from state.backends.memory import MemoryBackend
from state.backends.rocksdb import RocksBackend
from state.keys import window_start_bytes
from state.model import WINDOW, StoreSpec, WindowLayout
from state.read_only import MAX_START, WINDOWS_PER_READ, ReadOnlyWindows
from state.task_stores import TaskStores


def at(key: str, start: int) -> bytes:
    return key.encode() + window_start_bytes(start)


@pytest.fixture(params=["memory", "rocksdb"])
def stores(request: Any, tmp_path: Path) -> Any:
    layout = WindowLayout(size_ms=10, advance_ms=5, retention_ms=None)
    backend = MemoryBackend(["counts"]) if request.param == "memory" else RocksBackend.open(tmp_path, ["counts"])
    yield TaskStores(backend, [StoreSpec(name="counts", kind=WINDOW, windows=layout)])
    backend.close()


def rows_of(stores: TaskStores) -> ReadOnlyWindows:
    rows = stores.read_only("counts")
    assert isinstance(rows, ReadOnlyWindows)
    return rows


def test_only_what_is_committed_is_seen(stores: TaskStores) -> None:
    stores.store("counts").put(at("a", 5), b"1", 7)
    rows = rows_of(stores)
    assert rows.get(at("a", 5)) is None
    assert list(rows.fetch(b"a", 0, MAX_START)) == []
    stores.apply({}, 0)
    assert rows.get(at("a", 5)) == (b"1", 7)
    assert rows.get_many([at("a", 0), at("a", 5)]) == [None, (b"1", 7)]


def test_by_key_and_time(stores: TaskStores) -> None:
    keys = [at("a", 0), at("ab", 5), at("a", 10), at("b", 10), at("a", 20)]
    stores.store("counts").put_many(keys, [b"1", b"2", b"3", b"4", b"5"], [1] * 5)
    stores.apply({}, 0)
    rows = rows_of(stores)
    assert list(rows.fetch(b"a", 0, 10)) == [(at("a", 0), b"1"), (at("a", 10), b"3")]
    assert list(rows.fetch(b"a", -7, MAX_START)) == [(at("a", start), value) for start, value in
                                                     ((0, b"1"), (10, b"3"), (20, b"5"))]  # fmt: skip
    assert list(rows.fetch(b"a", 1, 9)) == []
    assert list(rows.fetch(b"a", 15, 2)) == []
    assert list(rows.between(5, 10)) == [(at("ab", 5), b"2"), (at("a", 10), b"3"), (at("b", 10), b"4")]
    assert list(rows.between(11, MAX_START, reverse=True)) == [(at("a", 20), b"5")]
    assert list(rows.between(-9, -1)) == []
    assert len(list(rows.range())) == 5


def test_many_windows_of_a_key_are_read_in_portions(stores: TaskStores) -> None:
    starts = [5 * index for index in range(2 * WINDOWS_PER_READ + 3)]
    stores.store("counts").put_many([at("a", start) for start in starts], [b"1"] * len(starts), [1] * len(starts))
    stores.apply({}, 0)
    assert [key for key, _ in rows_of(stores).fetch(b"a", 0, MAX_START)] == [at("a", start) for start in starts]


def test_the_one_window_that_never_ends() -> None:
    layout = WindowLayout(size_ms=MAX_START, advance_ms=0, retention_ms=None)
    stores = TaskStores(MemoryBackend(["counts"]), [StoreSpec(name="counts", kind=WINDOW, windows=layout)])
    stores.store("counts").put(at("a", 3), b"1", 7)
    stores.apply({}, 0)
    rows = rows_of(stores)
    assert list(rows.fetch(b"a", 0, MAX_START)) == [(at("a", 3), b"1")]
    assert list(rows.fetch(b"a", 4, MAX_START)) == []
