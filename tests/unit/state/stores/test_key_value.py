"""The key-value store: plain values above, timestamped rows below, the same writes to the changelog."""

from __future__ import annotations

from state.backends.memory import MemoryBackend
from state.changelog import ChangelogBatch
from state.keys import encode_row
from state.model import StoreSpec
from state.stores.key_value import KeyValueStore
from state.transaction import TaskTransaction


def _store(topic: str | None = "changelog") -> tuple[TaskTransaction, KeyValueStore]:
    transaction = TaskTransaction(MemoryBackend(["counts"]))
    return transaction, KeyValueStore(transaction, StoreSpec(name="counts", changelog_topic=topic))


def test_put_keeps_a_timestamped_row_and_logs_the_plain_value() -> None:
    transaction, store = _store()
    store.put(b"a", b"1", 1_000)
    assert store.get(b"a") == b"1"
    assert store.get_with_timestamp(b"a") == (b"1", 1_000)
    assert transaction.get("counts", b"a") == encode_row(b"1", 1_000)
    assert store.changelog is not None
    assert store.changelog.drain() == ChangelogBatch("changelog", [b"a"], [b"1"], [1_000])


def test_deleting_logs_a_tombstone_with_the_record_s_timestamp() -> None:
    _, store = _store()
    store.put(b"a", b"1", 1_000)
    store.delete(b"a", 2_000)
    assert store.get(b"a") is None
    assert store.get_with_timestamp(b"a") is None
    assert store.changelog is not None
    assert store.changelog.drain() == ChangelogBatch("changelog", [b"a", b"a"], [b"1", None], [1_000, 2_000])


def test_put_many_is_put_in_order() -> None:
    one_transaction, one = _store()
    many_transaction, many = _store()
    keys, values, timestamps = [b"a", b"b", b"a", b"c"], [b"1", b"2", None, b"3"], [1, 2, 3, 4]
    for key, value, timestamp in zip(keys, values, timestamps, strict=True):
        one.put(key, value, timestamp)
    many.put_many(keys, values, timestamps)
    assert list(one.range()) == list(many.range()) == [(b"b", b"2"), (b"c", b"3")]
    assert one.changelog is not None and many.changelog is not None
    assert one.changelog.drain() == many.changelog.drain()
    assert one_transaction.staged_bytes == many_transaction.staged_bytes


def test_without_a_changelog_topic_nothing_is_logged() -> None:
    _, store = _store(None)
    store.put(b"a", b"1", 1)
    store.put_many([b"b"], [b"2"], [2])
    assert store.changelog is None
    assert store.get_rows([b"b", b"x"]) == [encode_row(b"2", 2), None]


def test_range_and_prefix_give_plain_values_in_key_order() -> None:
    transaction, store = _store()
    store.put_many([b"ab", b"b", b"a", b"\xff"], [b"1", b"2", b"3", b"4"], [0, 0, 0, 0])
    transaction.apply({})
    store.put(b"aa", b"5", 0)
    assert list(store.range(b"a", b"b")) == [(b"a", b"3"), (b"aa", b"5"), (b"ab", b"1")]
    assert [key for key, _ in store.range(reverse=True)] == [b"\xff", b"b", b"ab", b"aa", b"a"]
    assert [key for key, _ in store.prefix(b"a")] == [b"a", b"aa", b"ab"]
    assert [key for key, _ in store.prefix(b"\xff")] == [b"\xff"]


def test_restored_rows_are_those_of_the_last_record_per_key() -> None:
    rows = KeyValueStore.restored_rows([b"a", None, b"b", b"a"], [b"1", b"x", None, b"2"], [1, 2, 3, 4])
    assert rows == {b"a": encode_row(b"2", 4), b"b": None}
