"""The record cache: one read in, one write out, oldest entries leave first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from state.backends.memory import MemoryBackend
from state.layers import ChangeColumns, RecordCache
from state.model import StoreSpec
from state.stores.key_value import KeyValueStore
from state.transaction import TaskTransaction


class CountingBackend(MemoryBackend):
    """Counts the multi-gets and the keys they ask for."""

    reads = 0
    keys_read = 0

    def get_many(self, family: str, keys: Sequence[bytes]) -> list[bytes | None]:
        self.reads += 1
        self.keys_read += len(keys)
        return super().get_many(family, keys)


def _encode(value: Any) -> bytes:
    return b"%d" % value


def _cache(max_bytes: int = 1_000_000) -> tuple[CountingBackend, RecordCache]:
    backend = CountingBackend(["counts"])
    store = KeyValueStore(TaskTransaction(backend), StoreSpec(name="counts", changelog_topic="changelog"))
    return backend, RecordCache(store, _encode, int, max_bytes)


def _set(cache: RecordCache, key: bytes, value: int | None, timestamp: int = 0) -> None:
    """What a kernel does to an entry."""
    cache.ensure([key])
    entry = cache.entries[key]
    entry.value, entry.timestamp = value, timestamp
    if not entry.dirty:
        entry.dirty = True
        cache.dirty.append(entry)


def test_ensure_loads_what_is_missing_by_one_read() -> None:
    backend, cache = _cache()
    cache.store.put(b"a", b"5", 50)
    cache.ensure([b"a", b"b", b"a", b"c"])
    cache.ensure([b"b", b"a"])
    cache.ensure([b"d", b"a"])
    assert (backend.reads, backend.keys_read) == (2, 3)
    entry = cache.entries[b"a"]
    assert (entry.value, entry.timestamp, entry.old, entry.dirty) == (5, 50, b"5", False)
    absent = cache.entries[b"b"]
    assert (absent.value, absent.timestamp, absent.old, absent.dirty) == (None, -1, None, False)


def test_flush_writes_each_dirty_key_once_in_order_of_first_becoming_dirty() -> None:
    _, cache = _cache()
    cache.store.put(b"old", b"1", 10)
    cache.store.changelog.drain()  # type: ignore[union-attr]
    for key, value, timestamp in ((b"new", 1, 20), (b"old", 2, 30), (b"new", 2, 40)):
        _set(cache, key, value, timestamp)
    columns = cache.flush()
    assert columns == ChangeColumns([b"new", b"old"], [2, 2], [None, b"1"], [40, 30], [b"2", b"2"])
    assert cache.store.get_with_timestamp(b"new") == (b"2", 40)
    assert cache.store.changelog.drain().keys == [b"new", b"old"]  # type: ignore[union-attr]
    assert cache.flush() == ChangeColumns([], [], [], [], [])


def test_the_old_value_of_the_next_flush_is_what_the_last_one_wrote() -> None:
    _, cache = _cache()
    _set(cache, b"a", 1)
    cache.flush()
    _set(cache, b"a", 2)
    assert cache.flush().old_bytes == [b"1"]


def test_a_value_of_none_deletes_the_row() -> None:
    _, cache = _cache()
    _set(cache, b"a", 1)
    cache.flush()
    _set(cache, b"a", None, 7)
    assert cache.flush() == ChangeColumns([b"a"], [None], [b"1"], [7], [None])
    assert cache.store.get(b"a") is None
    assert cache.entries[b"a"].old is None


def test_a_row_that_came_and_went_between_flushes_is_left_out() -> None:
    _, cache = _cache()
    _set(cache, b"a", 1)
    _set(cache, b"a", None)
    assert cache.flush().keys == []
    assert cache.store.changelog.drain().keys == []  # type: ignore[union-attr]
    assert not cache.entries[b"a"].dirty


def test_kernels_may_keep_the_dictionary_and_the_list() -> None:
    _, cache = _cache(1)
    entries, dirty = cache.entries, cache.dirty
    _set(cache, b"a", 1)
    cache.flush()
    _set(cache, b"b", 1)
    cache.evict()
    cache.clear()
    assert cache.entries is entries and cache.dirty is dirty


def test_size_follows_loading_growth_and_eviction() -> None:
    _, cache = _cache()
    assert cache.size_bytes == 0
    _set(cache, b"a", 1)
    loaded = cache.size_bytes
    _set(cache, b"a", 10**200)
    cache.flush()
    assert cache.size_bytes == loaded + 2 * 201
    assert cache.size_bytes == sum(entry.size for entry in cache.entries.values())
    cache.max_bytes = 0
    cache.evict()
    assert (cache.size_bytes, cache.entries) == (0, {})


def test_eviction_does_nothing_below_the_limit() -> None:
    _, cache = _cache()
    _set(cache, b"a", 1)
    assert not cache.over_limit
    assert cache.evict() == ChangeColumns([], [], [], [], [])
    assert b"a" in cache.entries and cache.dirty


def test_eviction_takes_the_longest_unused_and_writes_only_the_dirty_among_them() -> None:
    _, cache = _cache()
    for number in range(10):
        _set(cache, b"%d" % number, number)
    cache.flush()
    for _ in range(3):
        _set(cache, b"2", 99)
        cache.flush()
    _set(cache, b"7", 77)
    cache.max_bytes = cache.size_bytes // 2
    assert cache.over_limit
    assert cache.evict().keys == []
    assert list(cache.entries) == [b"7", b"8", b"9", b"2"]
    assert not cache.over_limit
    assert cache.entries[b"7"].dirty and cache.entries[b"2"].value == 99
    cache.max_bytes = 0
    assert cache.evict().keys == [b"7"]
    assert cache.store.get(b"7") == b"77"
    assert (cache.entries, cache.dirty) == ({}, [])


def test_evicted_values_come_back_from_the_store() -> None:
    backend, cache = _cache(0)
    _set(cache, b"a", 1, 5)
    cache.evict()
    reads = backend.reads
    cache.ensure([b"a"])
    assert (cache.entries[b"a"].value, cache.entries[b"a"].timestamp, cache.entries[b"a"].old) == (1, 5, b"1")
    assert backend.reads == reads


def test_clear_forgets_dirty_entries() -> None:
    _, cache = _cache()
    _set(cache, b"a", 1)
    cache.clear()
    assert cache.flush().keys == []
    assert (cache.size_bytes, cache.entries) == (0, {})
