"""The window store: windowed keys outside, rows by window start inside, Kafka's keys in the changelog, range expiry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from state.backends.memory import MemoryBackend
from state.backends.rocksdb import RocksBackend
from state.changelog import ChangelogBatch
from state.keys import window_start_bytes
from state.model import WINDOW, StoreSpec, WindowLayout
from state.stores.window import NO_WINDOW, WindowStore
from state.transaction import TaskTransaction

FAMILY = "counts"


def at(key: str, start: int) -> bytes:
    return key.encode() + window_start_bytes(start)


@pytest.fixture(params=["memory", "rocksdb"])
def backend(request: Any, tmp_path: Path) -> Any:
    """Either back end; the store must not see a difference."""
    opened = MemoryBackend([FAMILY]) if request.param == "memory" else RocksBackend.open(tmp_path, [FAMILY])
    yield opened
    opened.close()


def open_store(backend: Any, *, retention: int | None = 30, advance: int = 5) -> tuple[TaskTransaction, WindowStore]:
    layout = WindowLayout(size_ms=10, advance_ms=advance, retention_ms=retention)
    transaction = TaskTransaction(backend)
    spec = StoreSpec(name=FAMILY, kind=WINDOW, changelog_topic="changelog", windows=layout)
    return transaction, WindowStore(transaction, spec)


def test_a_row_per_key_and_window(backend: Any) -> None:
    _, store = open_store(backend)
    store.put(at("a", 0), b"1", 7)
    store.put(at("a", 5), b"2", 8)
    assert store.get(at("a", 0)) == b"1"
    assert store.get_with_timestamp(at("a", 5)) == (b"2", 8)
    assert store.get(at("b", 5)) is None
    store.delete(at("a", 0), 9)
    assert store.get(at("a", 0)) is None


def test_the_changelog_has_kafka_s_window_keys(backend: Any) -> None:
    """Key bytes, 8 bytes of start, 4 bytes of sequence number; the plain value; the row's timestamp."""
    _, store = open_store(backend)
    store.put(at("key", 258), b"v", 300)
    store.put_many([at("k", 0)], [None], [4])
    assert store.changelog is not None
    assert store.changelog.drain() == ChangelogBatch(
        "changelog",
        [b"key" + bytes.fromhex("0000000000000102 00000000"), b"k" + bytes(12)],
        [b"v", None],
        [300, 4],
    )


def test_ranges_come_by_window_start_then_key_committed_or_not(backend: Any) -> None:
    transaction, store = open_store(backend)
    store.put_many([at("b", 5), at("ab", 0)], [b"1", b"2"], [1, 1])
    transaction.apply({})
    store.put_many([at("a", 5), at("b", 0)], [b"3", b"4"], [1, 1])
    rows = [(at("ab", 0), b"2"), (at("b", 0), b"4"), (at("a", 5), b"3"), (at("b", 5), b"1")]
    assert list(store.range()) == rows
    assert list(store.range(reverse=True)) == rows[::-1]
    assert list(store.range(at("b", 0), at("b", 5))) == rows[1:3]


def test_the_newest_start_is_known_whatever_wrote_it(backend: Any) -> None:
    transaction, store = open_store(backend)
    assert store.newest_start == NO_WINDOW
    store.put(at("a", 40), b"1", 41)
    assert store.newest_start == 40
    transaction.apply({})
    assert open_store(backend)[1].newest_start == 40
    store.put_many([at("a", 10), at("b", 50)], [b"1", b"1"], [12, 52])
    assert store.newest_start == 50
    transaction.discard()
    store.reset()
    assert store.newest_start == 40


def test_expiry_takes_what_retention_does_not_ask_for(backend: Any) -> None:
    """At stream time 45, retention 30 keeps starts after 15; committed rows and staged ones alike."""
    transaction, store = open_store(backend)
    store.put_many([at("a", start) for start in (0, 10, 15, 20)], [b"1"] * 4, [1] * 4)
    transaction.apply({})
    store.put_many([at("b", start) for start in (15, 20)], [b"1"] * 2, [1] * 2)
    store.expire(29)
    assert len(list(store.range())) == 6, "nothing is old enough"
    store.expire(45)
    kept = [at("a", 20), at("b", 20)]
    assert [key for key, _ in store.range()] == kept, "seen before the commit"
    transaction.apply({})
    assert [key for key, _ in store.range()] == kept
    assert [row[0] for row in backend.scan(FAMILY)] == [window_start_bytes(20) + key for key in (b"a", b"b")]


def test_expiry_is_undone_by_an_abort(backend: Any) -> None:
    transaction, store = open_store(backend)
    store.put(at("a", 0), b"1", 1)
    transaction.apply({})
    store.expire(100)
    transaction.discard()
    store.reset()
    transaction.apply({})
    assert store.get(at("a", 0)) == b"1"
    store.expire(100)
    transaction.apply({})
    assert store.get(at("a", 0)) is None


def test_expiry_goes_in_few_steps_where_windows_are_many(backend: Any) -> None:
    """A range delete leaves a tombstone: at most 64 per retention, so that a window may stay a 64th longer."""
    transaction, store = open_store(backend, retention=6_400, advance=1)
    store.put_many([at("a", start) for start in range(300)], [b"1"] * 300, [1] * 300)
    bounds = set()
    for time in range(6_400, 6_700):
        store.expire(time)
        bounds.add(next(store.range())[0] if time < 6_690 else b"")
    assert len(bounds) <= 5
    transaction.apply({})
    assert len(list(store.range())) <= 100


def test_without_a_retention_nothing_expires(backend: Any) -> None:
    _, store = open_store(backend, retention=None)
    store.put(at("a", 0), b"1", 1)
    store.expire(2**62)
    assert store.get(at("a", 0)) == b"1"


def test_restored_rows_are_those_that_were_written(backend: Any) -> None:
    transaction, store = open_store(backend, retention=None)
    store.put_many([at("a", 0), at("", 5), at("a", 0)], [b"1", b"", b"2"], [1, 2, 3])
    transaction.apply({})
    assert store.changelog is not None
    _, keys, values, timestamps = store.changelog.drain()
    rows = dict(backend.scan(FAMILY))
    assert store.restored_rows([*keys, None], [*values, b"x"], [*timestamps, 9]) == rows


def test_a_restore_leaves_out_what_has_expired_meanwhile(backend: Any) -> None:
    """The changelog keeps a day more than the store; the newest window seen says what is too old."""
    _, store = open_store(backend)
    keys = [at("a", start) + bytes(4) for start in (0, 50, 55)]
    assert list(store.restored_rows(keys, [b"1"] * 3, [1] * 3)) == [
        window_start_bytes(start) + b"a" for start in (50, 55)
    ]


def test_a_changelog_key_that_is_none_is_refused(backend: Any) -> None:
    _, store = open_store(backend)
    with pytest.raises(ValueError, match="at least 12 bytes"):
        store.restored_rows([b"short"], [b"1"], [1])
