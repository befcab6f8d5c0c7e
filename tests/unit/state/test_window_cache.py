"""The cache over a window store: which windows are whole, what leaves, and that nothing is lost on the way."""

from __future__ import annotations

from state.backends.memory import MemoryBackend
from state.keys import window_start_bytes
from state.layers import ENTRY_OVERHEAD_BYTES
from state.model import WINDOW, StoreSpec, WindowLayout
from state.stores.window import WindowStore
from state.transaction import TaskTransaction
from state.window_cache import WindowCache


def at(key: str, start: int) -> bytes:
    return key.encode() + window_start_bytes(start)


def open_cache(max_bytes: int = 1 << 20) -> tuple[TaskTransaction, WindowCache]:
    layout = WindowLayout(size_ms=10, advance_ms=10, retention_ms=100)
    transaction = TaskTransaction(MemoryBackend(["counts"]))
    spec = StoreSpec(name="counts", kind=WINDOW, changelog_topic="changelog", windows=layout)
    return transaction, WindowCache(WindowStore(transaction, spec), lambda value: str(value).encode(), int, max_bytes)


def put(cache: WindowCache, key: str, start: int, value: int | None) -> None:
    entry = cache.entry(cache.open(start), key.encode())
    entry.value, entry.timestamp = value, start
    if not entry.dirty:
        entry.dirty = True
        cache.dirty.append(entry)


def balanced(cache: WindowCache) -> bool:
    return cache.size_bytes == sum(entry.size for entry in cache.held())


def test_a_flush_gives_windowed_keys_and_old_values() -> None:
    _, cache = open_cache()
    put(cache, "a", 0, 1)
    put(cache, "b", 10, 2)
    changes = cache.flush()
    assert (changes.keys, changes.new_bytes, changes.old_bytes) == ([at("a", 0), at("b", 10)], [b"1", b"2"], [None] * 2)
    put(cache, "a", 0, 3)
    changes = cache.flush()
    assert (changes.keys, changes.new_values, changes.old_bytes) == ([at("a", 0)], [3], [b"1"])
    assert cache.store.get(at("a", 0)) == b"3"
    assert balanced(cache)


def test_a_window_newer_than_every_row_needs_no_read() -> None:
    transaction, cache = open_cache()
    assert cache.open(50).complete
    put(cache, "a", 50, 1)
    cache.flush()
    transaction.apply({})
    assert cache.open(50).complete, "it stays whole: all its rows are entries"
    cache.clear()
    assert not cache.open(50).complete, "its rows are in the store"
    assert not cache.open(40).complete
    assert cache.open(60).complete


def test_missing_entries_come_from_the_store() -> None:
    _, cache = open_cache()
    cache.store.put_many([at("a", 0), at("b", 10)], [b"1", b"2"], [5, 15])
    cache.load({0: (b"a", b"x"), 10: (b"b",)})
    assert cache.open(0).entries[b"a"].value == 1
    assert cache.open(0).entries[b"x"].value is None
    assert cache.entry(cache.open(10), b"b").timestamp == 15
    assert cache.entry(cache.open(10), b"a").value is None
    assert balanced(cache)


def test_the_oldest_windows_leave_first_and_are_whole_no_more() -> None:
    _, cache = open_cache()
    for start in (10, 0, 20):
        put(cache, "a", start, start)
        put(cache, "b", start, None)
    cache.max_bytes = 4 * (ENTRY_OVERHEAD_BYTES + 13)
    assert cache.over_limit
    changes = cache.evict()
    assert not cache.over_limit
    assert changes.keys == [at("a", 0), at("a", 10)], "written before they go; a row that never was is none"
    assert sorted(cache.windows) == [10, 20]
    assert not cache.windows[10].complete
    assert cache.windows[20].complete
    assert [entry.key for entry in cache.dirty] == [at("b", 10), at("a", 20), at("b", 20)]
    assert cache.entry(cache.open(0), b"a").value == 0, "read again"
    assert balanced(cache)


def test_closed_windows_are_forgotten() -> None:
    _, cache = open_cache()
    for start in (0, 10, 20):
        put(cache, "a", start, 1)
    cache.flush()
    cache.close_until(10)
    assert list(cache.windows) == [20]
    assert balanced(cache)
    cache.clear()
    assert (cache.windows, cache.size_bytes) == ({}, 0)
