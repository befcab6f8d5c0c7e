"""The facade: parts wired to each other, positions with the rows they belong to."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from state.backends.memory import MemoryBackend
from state.errors import StateError
from state.layers import RecordCache
from state.model import Position, StoreSpec
from state.restore import encode_position
from state.task_stores import TaskStores

SPECS = (
    StoreSpec(name="counts", changelog_topic="app-counts-changelog"),
    StoreSpec(name="local"),
)


class Columns(NamedTuple):
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps: list[int]


def _encode(value: object) -> bytes:
    return str(value).encode()


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend([spec.name for spec in SPECS])


@pytest.fixture
def stores(backend: MemoryBackend) -> TaskStores:
    return TaskStores(backend, SPECS, cache_max_bytes=1_000)


def test_apply_moves_staged_rows_and_positions_to_where_queries_look(stores: TaskStores) -> None:
    stores.store("counts").put(b"a", b"1", 10)
    query = stores.read_only("counts")
    assert query.get(b"a") is None
    stores.transaction.prepare()
    assert stores.apply({"app-counts-changelog": 3}, 99) == 1
    assert query.get(b"a") == (b"1", 10)
    assert query.get_many([b"x", b"a"]) == [None, (b"1", 10)]
    assert list(query.range()) == list(query.prefix(b"a")) == [(b"a", b"1")]
    assert query.approximate_count() == 1
    assert stores.positions() == {"app-counts-changelog": encode_position(Position(3, 99))}
    assert stores.position("app-counts-changelog") == Position(3, 99)
    assert stores.position("other") is None


def test_only_logged_stores_have_changelog_columns(stores: TaskStores) -> None:
    stores.store("counts").put(b"a", b"1", 10)
    stores.store("local").put(b"a", b"1", 10)
    assert {name: columns.drain().keys for name, columns in stores.changelogs().items()} == {"counts": [b"a"]}


def test_discard_forgets_stores_caches_and_changelogs(stores: TaskStores) -> None:
    cache = stores.open_cache("counts", _encode, int)
    assert isinstance(cache, RecordCache)
    cache.ensure([b"a"])
    stores.store("local").put(b"a", b"1", 10)
    stores.store("counts").put(b"a", b"1", 10)
    stores.discard()
    assert stores.store("local").get(b"a") is None
    assert cache.entries == {}
    assert stores.changelogs()["counts"].drain().keys == []
    assert stores.apply({}, 0) == 0


def test_caches_share_the_limit_evenly_and_open_once(stores: TaskStores) -> None:
    first = stores.open_cache("counts", _encode, int)
    assert first.max_bytes == 1_000
    second = stores.open_cache("local", _encode, int)
    assert (first.max_bytes, second.max_bytes) == (500, 500)
    assert stores.open_cache("counts", _encode, int) is first is stores.cache("counts")


def test_missing_parts_are_named(stores: TaskStores) -> None:
    with pytest.raises(StateError, match=r"no store 'nope'.*counts, local"):
        stores.store("nope")
    with pytest.raises(StateError, match="no store 'nope'"):
        stores.read_only("nope")
    with pytest.raises(StateError, match="'counts' has no record cache"):
        stores.cache("counts")


def test_restoring_writes_rows_with_a_position_that_keeps_its_age(stores: TaskStores) -> None:
    """Half a replay knows nothing of the tombstones ahead, so it must not look fresh (restore_plan's age rule)."""
    batch = Columns([b"a"], [b"1"], [10])
    assert stores.restore_batch("counts", batch, 5, 1_000) == 1
    assert stores.position("app-counts-changelog") == Position(5, 1_000)
    stores.restore_batch("counts", batch, 9, 2_000)
    assert stores.position("app-counts-changelog") == Position(9, 1_000)
    stores.apply({"app-counts-changelog": 9}, 3_000)
    assert stores.position("app-counts-changelog") == Position(9, 3_000)
    assert stores.read_only("counts").get(b"a") == (b"1", 10)


def test_wiping_takes_rows_position_and_cache_in_one_batch(stores: TaskStores, backend: MemoryBackend) -> None:
    stores.restore_batch("counts", Columns([b"a"], [b"1"], [10]), 5, 1_000)
    stores.store("local").put(b"kept", b"1", 10)
    stores.apply({}, 0)
    cache = stores.open_cache("counts", _encode, int)
    assert isinstance(cache, RecordCache)
    cache.ensure([b"a"])
    stores.flush_backend()
    stores.wipe("counts")
    assert backend.unflushed_batches == 1
    assert list(stores.store("counts").range()) == []
    assert stores.position("app-counts-changelog") is None
    assert cache.entries == {}
    assert stores.store("local").get(b"kept") == b"1"
    stores.wipe("local")
    assert stores.store("local").get(b"kept") is None


def test_records_since_flush_counts_applied_and_restored_rows(stores: TaskStores) -> None:
    stores.store("counts").put_many([b"a", b"b"], [b"1", b"2"], [1, 2])
    stores.apply({"app-counts-changelog": 2}, 0)
    stores.restore_batch("counts", Columns([b"a"], [b"1"], [10]), 5, 0)
    assert stores.records_since_flush == 3
    stores.flush_backend()
    assert stores.records_since_flush == 0


def test_families_of_removed_stores_are_orphans(backend: MemoryBackend) -> None:
    stores = TaskStores(backend, SPECS[:1])
    assert stores.orphans() == ("local",)
    backend.drop_family("local")
    assert stores.orphans() == ()
