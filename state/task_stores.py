"""One task's local state behind one face: its transaction, stores, caches, changelog columns and positions.

Wires the parts; decides nothing. When to flush, commit, apply or restore is the runtime's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from state.changelog import ChangelogColumns
from state.errors import StateError
from state.layers import RecordCache
from state.model import DEFAULT_CACHE_MAX_BYTES, POSITION_FAMILY, WINDOW, Position, StoreSpec
from state.ports import Backend, KeyRange
from state.read_only import ReadOnlyRows, ReadOnlyWindows
from state.restore import RestoreColumns, apply_restore_batch, decode_position, encode_position
from state.stores.key_value import KeyValueStore
from state.stores.window import WindowStore
from state.transaction import TaskTransaction
from state.window_cache import WindowCache

Store: TypeAlias = KeyValueStore | WindowStore
Cache: TypeAlias = RecordCache | WindowCache


class TaskStores:
    """Local state of one task, opened.

    Arguments:
        backend: opened with the families of ``specs``.
        specs: the task's stores.
        cache_max_bytes: for all its caches together, split evenly among them.
    """

    def __init__(
        self, backend: Backend, specs: Sequence[StoreSpec], *, cache_max_bytes: int = DEFAULT_CACHE_MAX_BYTES
    ) -> None:
        self.backend = backend
        self.specs = tuple(specs)
        self.transaction = TaskTransaction(backend)
        self._stores: dict[str, Store] = {
            spec.name: (WindowStore if spec.kind == WINDOW else KeyValueStore)(self.transaction, spec) for spec in specs
        }
        self._caches: dict[str, Cache] = {}
        self._cache_max_bytes = cache_max_bytes
        self.records_since_flush = 0
        """Rows applied or restored since the back end was last flushed: what a crash may make us replay."""

    def store(self, name: str) -> Store:
        """The store as the open transaction sees it; ``StateError`` when the task has none of that name."""
        try:
            return self._stores[name]
        except KeyError:
            known = ", ".join(self._stores) or "none"
            raise StateError(f"no store {name!r} in this task; it has {known}") from None

    def open_cache(self, name: str, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]) -> Cache:
        """Put a record cache above a store (once; the first call's functions stay)."""
        if name not in self._caches:
            store = self.store(name)
            if isinstance(store, WindowStore):
                self._caches[name] = WindowCache(store, encode, decode, 0)
            else:
                self._caches[name] = RecordCache(store, encode, decode, 0)
            for cache in self._caches.values():
                cache.max_bytes = self._cache_max_bytes // len(self._caches)
        return self._caches[name]

    def cache(self, name: str) -> Cache:
        """The cache that ``open_cache`` made; ``StateError`` when there is none."""
        try:
            return self._caches[name]
        except KeyError:
            raise StateError(f"store {name!r} has no record cache; open_cache was not called") from None

    def changelogs(self) -> dict[str, ChangelogColumns]:
        """Store name to its columns, of the stores that have a changelog."""
        return {name: store.changelog for name, store in self._stores.items() if store.changelog is not None}

    def positions(self) -> dict[str, bytes]:
        """Every applied position, encoded, by name (a changelog's topic name)."""
        return {key.decode(): row for key, row in self.backend.scan(POSITION_FAMILY)}

    def position(self, name: str) -> Position | None:
        row = self.backend.get(POSITION_FAMILY, name.encode())
        return None if row is None else decode_position(row)

    def apply(self, offsets: Mapping[str, int], now_ms: int) -> int:
        """Apply what is prepared (or all that is staged) with positions, as one batch; returns the rows written.

        Arguments:
            offsets: changelog topic to the next offset after the transaction's records, and input topic that stands in
                for one to the committed offset. Name every one, written or not: a position that is kept fresh needs no
                rebuild after a long quiet time.
        """
        rows = {name: encode_position(Position(offset, now_ms)) for name, offset in offsets.items()}
        count = self.transaction.apply(rows)
        self.records_since_flush += count
        return count

    def discard(self) -> None:
        """The transaction was aborted: forget staged writes, caches and changelog columns."""
        self.transaction.discard()
        for cache in self._caches.values():
            cache.clear()
        for store in self._stores.values():
            store.reset()
        for columns in self.changelogs().values():
            columns.clear()

    def restore_batch(self, name: str, columns: RestoreColumns, next_offset: int, now_ms: int) -> int:
        """Write changelog records and the position after them as one batch; returns the rows written.

        The position keeps its age (``model.Position``) until the next ``apply``; a new one is as old as the replay.
        """
        store = self.store(name)
        stored = self.position(store.spec.restored_from or name)
        written_ms = now_ms if stored is None else stored.written_ms
        count = apply_restore_batch(self.backend, store, columns, Position(next_offset, written_ms))
        self.records_since_flush += count
        return count

    def has_rows(self, name: str) -> bool:
        """Whether anything applied is in a store."""
        return next(iter(self.backend.scan(name)), None) is not None

    def wipe(self, name: str) -> None:
        """Delete a store's rows and its position as one batch, before it is rebuilt from its changelog."""
        spec = self.store(name).spec
        positions: dict[bytes, bytes | None] = {}
        if spec.restored_from is not None:
            positions[spec.restored_from.encode()] = None
        self.backend.write({POSITION_FAMILY: positions}, delete_ranges=(KeyRange(name),))
        self.store(name).reset()
        if name in self._caches:
            self._caches[name].clear()

    def read_only(self, name: str) -> ReadOnlyRows:
        """The store as of the last applied commit, for queries from any thread."""
        spec = self.store(name).spec
        if spec.windows is not None:
            return ReadOnlyWindows(self.backend, spec.name, spec.windows)
        return ReadOnlyRows(self.backend, spec.name)

    def flush_backend(self) -> None:
        """Make what was applied so far survive a crash."""
        self.backend.flush()
        self.records_since_flush = 0

    def orphans(self) -> tuple[str, ...]:
        """Families on disk that belong to no store of the topology any more (``backend.drop_family`` deletes one)."""
        return tuple(name for name in self.backend.families if name not in self._stores and name != POSITION_FAMILY)

    def close(self) -> None:
        self.backend.close()
