"""With the record cache on, stores and changelogs end as with it off, and its changes tell one consistent story."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from state.backends.memory import MemoryBackend
from state.changelog import ChangelogBatch
from state.layers import ENTRY_OVERHEAD_BYTES, ChangeColumns, RecordCache
from state.model import StoreSpec
from state.stores.key_value import KeyValueStore
from state.transaction import TaskTransaction

KEYS = [b"a", b"b", b"c", b"d", b"e"]
Update = tuple[bytes, int, int]
"""Key, what is added to its sum, timestamp. A sum that comes to 0 deletes the row."""

updates = st.lists(st.tuples(st.sampled_from(KEYS), st.integers(-2, 2), st.integers(0, 9)), max_size=12)
steps = st.lists(st.tuples(updates, st.sampled_from(["", "flush", "evict", "commit"])), max_size=12)


def _encode(value: object) -> bytes:
    return str(value).encode()


def _added(value: int | None, timestamp: int, added: int, now: int) -> tuple[int | None, int]:
    """The aggregation rule of the engine: latest timestamp, a new row starts afresh, 0 deletes."""
    return ((value or 0) + added or None), (now if value is None else max(timestamp, now))


def _open() -> tuple[TaskTransaction, KeyValueStore]:
    transaction = TaskTransaction(MemoryBackend(["sums"]))
    return transaction, KeyValueStore(transaction, StoreSpec(name="sums", changelog_topic="changelog"))


def _without_cache(batches: list[tuple[list[Update], str]]) -> tuple[list[tuple[bytes, bytes | None]], ChangelogBatch]:
    transaction, store = _open()
    for batch, then in batches:
        for key, added, now in batch:
            row = store.get_with_timestamp(key)
            old, time = (None, -1) if row is None else (int(row[0]), row[1])
            value, time = _added(old, time, added, now)
            store.put(key, None if value is None else _encode(value), time)
        if then == "commit":
            transaction.apply({})
    rows = list(zip(KEYS, store.get_rows(KEYS), strict=True))
    assert store.changelog is not None
    return rows, store.changelog.drain()


def _last(batch: ChangelogBatch) -> dict[bytes, tuple[bytes, int] | None]:
    """What restoring from a changelog gives: the last value per key."""
    return {
        key: None if value is None else (value, timestamp)
        for key, value, timestamp in zip(batch.keys, batch.values, batch.timestamps, strict=True)
    }


@settings(max_examples=150, deadline=None)
@given(batches=steps, entries=st.integers(0, 5))
def test_the_final_state_does_not_depend_on_the_cache(batches: list[tuple[list[Update], str]], entries: int) -> None:
    transaction, store = _open()
    cache = RecordCache(store, _encode, int, entries * (ENTRY_OVERHEAD_BYTES + 8))
    known: dict[bytes, bytes | None] = {}

    def check(columns: ChangeColumns) -> None:
        assert len(set(columns.keys)) == len(columns.keys)
        for key, value, old, new in zip(
            columns.keys, columns.new_values, columns.old_bytes, columns.new_bytes, strict=True
        ):
            assert old == known.get(key), "an old value is the new value of the change before"
            assert new == (None if value is None else _encode(value))
            known[key] = new

    for batch, then in batches:
        cache.ensure([key for key, _, _ in batch])
        for key, added, now in batch:
            entry = cache.entries[key]
            entry.value, entry.timestamp = _added(entry.value, entry.timestamp, added, now)
            if not entry.dirty:
                entry.dirty = True
                cache.dirty.append(entry)
        if then == "evict":
            check(cache.evict())
            assert not cache.over_limit
        elif then:
            check(cache.flush())
            assert not cache.dirty
        if then == "commit":
            transaction.apply({})
        assert all(entry.dirty for entry in cache.dirty)
        assert cache.size_bytes == sum(entry.size for entry in cache.entries.values())
    check(cache.flush())

    rows, changelog = _without_cache(batches)
    assert list(zip(KEYS, store.get_rows(KEYS), strict=True)) == rows
    assert store.changelog is not None
    cached, plain = _last(store.changelog.drain()), _last(changelog)
    assert {key: value for key, value in cached.items() if value} == {
        key: value for key, value in plain.items() if value
    }
