"""A store as of the last commit, over several partitions."""

from __future__ import annotations

from typing import Any

import pytest

from state.backends.memory import MemoryBackend
from state.model import POSITION_FAMILY, StoreSpec
from state.task_stores import TaskStores
from streams.client.partitioner import partition_of
from streams.errors import SerdeError, StreamsError
from streams.query.local import ReadOnlyStore
from streams.serde import ordered, resolve, utf8
from streams.serde.base import Serde

WORDS = ["apple", "apricot", "banana", "cherry", "date", "fig", "grape"]


def stores_with(rows: dict[bytes, bytes]) -> TaskStores:
    stores = TaskStores(MemoryBackend(("words", POSITION_FAMILY)), [StoreSpec(name="words")], cache_max_bytes=1_000)
    for key, value in rows.items():
        stores.store("words").put(key, value, 1)
    stores.transaction.prepare()
    stores.apply({}, 1)
    return stores


def store(*, key: Serde[Any] = utf8, partitions: int = 3, misplaced: bool = False) -> ReadOnlyStore[Any, int]:
    """Words and their lengths, each on the partition of its hash, or on the one after it."""
    rows: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
    for word in WORDS:
        place = (partition_of(word.encode(), partitions) + misplaced) % partitions
        rows[place][word.encode()] = b"%d" % len(word)
    held = [stores_with(part) for part in rows]
    return ReadOnlyStore("words", lambda: [each.read_only("words") for each in held], key, resolve(int))


@pytest.mark.parametrize("misplaced", [False, True])
def test_one_key(misplaced: bool) -> None:
    """Also where a user's own partitioner put it elsewhere."""
    words = store(misplaced=misplaced)
    assert [words.get(word) for word in WORDS] == [len(word) for word in WORDS]
    assert words["fig"] == 3
    assert ("fig" in words, "figs" in words) == (True, False)
    assert (words.get("figs"), words.get("figs", 0)) == (None, 0)
    with pytest.raises(KeyError, match="figs"):
        words["figs"]


def test_all_rows_and_about_how_many() -> None:
    words = store()
    assert sorted(words.all()) == [(word, len(word)) for word in WORDS]
    assert words.approximate_count() == len(WORDS)


def test_a_range_is_in_order_over_partitions_with_both_ends() -> None:
    words = store()
    assert [key for key, _ in words.range("apricot", "date")] == ["apricot", "banana", "cherry", "date"]
    assert [key for key, _ in words.range(None, "apricot", reverse=True)] == ["apricot", "apple"]
    assert [key for key, _ in words.range()] == WORDS
    assert list(words.range("x", "a")) == []


def test_a_prefix() -> None:
    assert [key for key, _ in store().prefix("ap")] == ["apple", "apricot"]
    assert list(store().prefix("zz")) == []


def test_keys_that_do_not_sort_have_no_range() -> None:
    with pytest.raises(
        StreamsError, match=r"store 'words' cannot be read by range: keys are kept as json:int.*ordered"
    ):
        store(key=resolve(int)).range(1, 2)
    assert list(ReadOnlyStore("words", list, ordered(int), resolve(int)).range(1, 2)) == []


def test_writes_that_are_not_committed_are_not_seen() -> None:
    stores = stores_with({b"a": b"1"})
    words = ReadOnlyStore("words", lambda: [stores.read_only("words")], utf8, resolve(int))
    stores.store("words").put(b"a", b"2", 1)
    stores.store("words").put(b"b", b"2", 1)
    assert dict(words.all()) == {"a": 1}
    stores.transaction.prepare()
    stores.apply({}, 1)
    assert dict(words.all()) == {"a": 2, "b": 2}


def test_closing_lets_go_once() -> None:
    closed: list[bool] = []
    words: ReadOnlyStore[str, int] = ReadOnlyStore("words", list, utf8, resolve(int), lambda: closed.append(True))
    with words:
        assert not closed
    words.close()
    assert closed == [True]


def test_a_key_of_another_type_is_explained() -> None:
    words = store()
    for look in (lambda: words[3], lambda: words.get(3), lambda: words.range(3), lambda: words.prefix(3)):
        with pytest.raises(SerdeError, match=r"looking up in store 'words': the key 3 is of type int, but key=str"):
            look()


def test_iterating_gives_the_keys() -> None:
    assert sorted(store()) == sorted(WORDS)
    assert repr(store()) == "<ReadOnlyStore 'words'>"
