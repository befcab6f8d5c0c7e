"""RocksDB as a back end, and the only module that imports rocksdict: one database per task, a column family per store.

Owns options, error translation and the one way to flush. There is no write-ahead log (the changelog is the log), so
what a crash leaves is decided by flushes alone: ``atomic_flush`` makes RocksDB flush all families together when a
memtable or the shared write buffer is full. rocksdict's own ``Rdict.flush`` must never be called: it flushes a single
family even then, and after kill -9 the families disagree. See docs/decisions/0003-local-state.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn
from weakref import WeakSet

from rocksdict import (
    BlockBasedOptions,
    Cache,
    ColumnFamily,
    DBCompactionStyle,
    DBCompressionType,
    Options,
    Rdict,
    RdictIter,
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from state.errors import CorruptState, StateError, StateInUse
from state.model import POSITION_FAMILY, Family
from state.ports import KeyRange, Writes

DEFAULT_FAMILY: Final = "default"
"""RocksDB insists on it; it holds the flush marker only."""
FLUSH_MARKER: Final = b"flush"
DEFAULT_MEMORY_BYTES: Final = 128 * 1024 * 1024
"""Block cache and write buffers together, shared by all databases of a worker."""
WRITE_BUFFER_BYTES: Final = 8 * 1024 * 1024
"""Per family. Small memtables are shallow: with 4 to 8 MiB a random put costs half of what it does with 32."""
BLOOM_BITS_PER_KEY: Final = 10
MEMTABLE_BLOOM_RATIO: Final = 0.02
"""Of the write buffer; taken when a memtable is made. 8 MiB hold some 80 000 rows, 160 KiB are 16 bits for each."""
ARENA_BLOCK_BYTES: Final = 64 * 1024
"""What the first row of a memtable takes. RocksDB's 1 MiB, times the families of a worker, would fill the buffers."""
SMALL_WRITE_BUFFER_BYTES: Final = 4 * 1024 * 1024
SMALL_ARENA_BLOCK_BYTES: Final = 8 * 1024
"""For the families of few rows: positions (a row per commit and store until the next flush) and the marker."""


class RocksMemory:
    """Block cache and write buffers that all databases of one worker share.

    Arguments:
        memory_bytes: limit of both together; write buffers may take half of it before the fullest database flushes.
    """

    def __init__(self, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self.cache = Cache(memory_bytes)
        self.write_buffers = WriteBufferManager.new_write_buffer_manager_with_cache(
            memory_bytes // 2, False, self.cache
        )

    def open(self, path: Path, families: Iterable[Family]) -> RocksBackend:
        """Open a database that shares this memory (what ``StateDirectory`` calls)."""
        return RocksBackend.open(path, families, memory=self)


class RocksBackend:
    """One task's database. One thread writes; any thread reads.

    ``open`` is the constructor to use.
    """

    def __init__(self, path: Path, database: Rdict, families: Iterable[Family]) -> None:
        self._path = path
        self._database: Rdict | None = database
        self._columns = {family: _Column(database, family) for family in families}
        self._scans: WeakSet[_Scan] = WeakSet()
        self._has_unflushed = False

    @classmethod
    def open(cls, path: Path, families: Iterable[Family], *, memory: RocksMemory | None = None) -> RocksBackend:
        """Open or create the database in directory ``path``.

        Families that are missing are created; those found on disk but not in ``families`` are opened as well (RocksDB
        insists) and appear in the property ``families``.

        Raises:
            CorruptState: its files cannot be read; the caller sets the directory aside.
            StateInUse: another process, or an unclosed iterator of this one, has it open.
            StateError: anything else, not writable for instance.
        """
        memory = memory or RocksMemory()
        wanted = {*families, POSITION_FAMILY, DEFAULT_FAMILY}
        try:
            if (path / "CURRENT").exists():
                wanted.update(Rdict.list_cf(str(path), Options(raw_mode=True)))
            options = {family: _options(memory, family) for family in sorted(wanted)}
            write_options = WriteOptions()
            write_options.disable_wal = True  # type: ignore[method-assign, assignment]  # the stub has a method here
            database = Rdict(str(path), _options(memory, DEFAULT_FAMILY), column_families=options)
            database.set_write_options(write_options)
        except Exception as error:
            _raise_translated(error, path)
        return cls(path, database, sorted(wanted - {DEFAULT_FAMILY}))

    @property
    def families(self) -> tuple[Family, ...]:
        return tuple(self._columns)

    def get(self, family: Family, key: bytes) -> bytes | None:
        try:
            row: bytes | None = self._columns[family].get(key)
        except Exception as error:
            self._raise(error, family)
        return row

    def get_many(self, family: Family, keys: Sequence[bytes]) -> list[bytes | None]:
        try:
            rows: list[bytes | None] = self._columns[family].get(keys if isinstance(keys, list) else list(keys))
        except Exception as error:
            self._raise(error, family)
        return rows

    def scan(
        self, family: Family, start: bytes | None = None, end: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        try:
            cursor = self._columns[family].rows.iter()
            if not reverse:
                cursor.seek_to_first() if start is None else cursor.seek(start)
            elif end is None:
                cursor.seek_to_last()
            else:
                cursor.seek_for_prev(end)
                if cursor.valid() and cursor.key() == end:
                    cursor.prev()
        except Exception as error:
            self._raise(error, family)
        scan = _Scan(cursor, start if reverse else end, reverse, lambda error: self._raise(error, family))
        self._scans.add(scan)
        return scan

    def write(self, writes: Writes, *, delete_ranges: Sequence[KeyRange] = ()) -> None:
        batch = WriteBatch(raw_mode=True)
        for family, start, end in delete_ranges:
            until = _after_last(self.scan(family, reverse=True)) if end is None else end
            if until is not None:
                batch.delete_range(start or b"", until, self._column(family).handle)
        for family, rows in writes.items():
            batch.set_default_column_family(self._column(family).handle)
            # In key order: neighbouring inserts walk the same part of the memtable's skip list (1.1 instead of 2.3 us).
            keys = sorted(rows)
            if None in rows.values():
                for key in keys:
                    row = rows[key]
                    if row is None:
                        batch.delete(key)
                    else:
                        batch.put(key, row)
            else:
                deque(map(batch.put, keys, map(rows.__getitem__, keys)), maxlen=0)
        try:
            self._opened().write(batch)
        except Exception as error:
            self._raise(error, ", ".join(writes))
        self._has_unflushed = True

    def approximate_count(self, family: Family) -> int:
        return self._column(family).number("rocksdb.estimate-num-keys")

    def size_bytes(self) -> int:
        properties = ("rocksdb.live-sst-files-size", "rocksdb.cur-size-all-mem-tables")
        self._opened()
        return sum(column.number(name) for column in self._columns.values() for name in properties)

    def flush(self) -> None:
        """Flush all families atomically; returns when the files are synced.

        rocksdict offers no flush of several families. Compacting a range that overlaps a memtable makes RocksDB flush
        every family first (under ``atomic_flush``), so a marker row is written to the otherwise empty default family
        and that one row is compacted. Compacting reports no error; an emptied memtable is the proof.
        """
        database = self._opened()
        if not self._has_unflushed:
            return
        try:
            database.put(FLUSH_MARKER, b"")
            database.compact_range(FLUSH_MARKER, FLUSH_MARKER)
            left = database.property_int_value("rocksdb.num-entries-active-mem-table") or 0
            left += database.property_int_value("rocksdb.num-immutable-mem-table") or 0
        except Exception as error:
            self._raise(error, "all stores")
        if left:
            raise StateError(
                f"state in {self._path} could not be flushed to disk; check free space and the disk, then restart "
                "(nothing is lost: the changelog has it)"
            )
        self._has_unflushed = False

    def drop_family(self, family: Family) -> None:
        self._column(family)
        del self._columns[family]
        try:
            self._opened().drop_column_family(family)
        except Exception as error:
            self._raise(error, family)

    def close(self) -> None:
        if self._database is None:
            return
        try:
            self.flush()
        finally:
            # Every object of rocksdict keeps the database, and its lock, alive.
            for scan in list(self._scans):
                scan.cut()
            self._columns.clear()
            database, self._database = self._database, None
            database.close()

    def _column(self, family: Family) -> _Column:
        try:
            return self._columns[family]
        except KeyError as error:
            self._raise(error, family)

    def _opened(self) -> Rdict:
        if self._database is None:
            raise StateError(f"the database in {self._path} is closed")
        return self._database

    def _raise(self, error: Exception, family: str) -> NoReturn:
        self._opened()
        if isinstance(error, KeyError):
            known = ", ".join(self._columns)
            raise StateError(f"no store {family!r} in the database in {self._path}; it has {known}") from None
        _raise_translated(error, self._path, family)


class _Column:
    """One open column family. ``rows`` reads, ``handle`` names it in a batch, ``get`` is the bound method."""

    __slots__ = ("get", "handle", "rows")

    def __init__(self, database: Rdict, family: Family) -> None:
        self.rows: Rdict = database.get_column_family(family)
        self.handle: ColumnFamily = database.get_column_family_handle(family)
        self.get: Callable[[Any], Any] = self.rows.get

    def number(self, name: str) -> int:
        return self.rows.property_int_value(name) or 0


class _Scan(Iterator[tuple[bytes, bytes]]):
    """A cursor that its database can cut off: one left open would keep the database's lock past ``close``.

    rocksdict's own ``items()`` is a quarter faster, but ends silently at a block that it cannot read. Its bounds in
    ``ReadOptions`` are no help either: the lower one sets the upper one, and neither is copied.
    """

    __slots__ = ("__weakref__", "_bound", "_cursor", "_raise", "_reverse", "_step")

    def __init__(
        self, cursor: RdictIter, bound: bytes | None, reverse: bool, on_error: Callable[[Exception], NoReturn]
    ) -> None:
        self._cursor: RdictIter | None = cursor
        self._step: Callable[[], None] | None = cursor.prev if reverse else cursor.next
        self._bound = bound
        self._reverse = reverse
        self._raise = on_error

    def __next__(self) -> tuple[bytes, bytes]:
        cursor, step, bound = self._cursor, self._step, self._bound
        if cursor is None or step is None:
            raise StateError("the database was closed during this scan")
        try:
            if cursor.valid():
                key: bytes = cursor.key()
                if bound is None or (key >= bound if self._reverse else key < bound):
                    row = key, cursor.value()
                    step()
                    return row
            cursor.status()
        except Exception as error:
            self._raise(error)
        raise StopIteration

    def cut(self) -> None:
        self._cursor = self._step = None


def _after_last(backwards: Iterator[tuple[bytes, bytes]]) -> bytes | None:
    """The key just after the last one; None where there is no row."""
    last = next(backwards, None)
    return None if last is None else last[0] + b"\0"


def _options(memory: RocksMemory, family: Family) -> Options:
    tables = BlockBasedOptions()
    tables.set_block_cache(memory.cache)
    tables.set_cache_index_and_filter_blocks(True)
    tables.set_pin_l0_filter_and_index_blocks_in_cache(True)
    tables.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    options.set_atomic_flush(True)
    options.set_write_buffer_manager(memory.write_buffers)
    options.set_block_based_table_factory(tables)
    if family in (POSITION_FAMILY, DEFAULT_FAMILY):
        options.set_write_buffer_size(SMALL_WRITE_BUFFER_BYTES)
        options.set_arena_block_size(SMALL_ARENA_BLOCK_BYTES)
    else:
        options.set_write_buffer_size(WRITE_BUFFER_BYTES)
        options.set_arena_block_size(ARENA_BLOCK_BYTES)
        options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_RATIO)
        options.set_memtable_whole_key_filtering(True)
    options.set_allow_concurrent_memtable_write(False)
    options.set_compaction_style(DBCompactionStyle.universal())
    options.set_compression_type(DBCompressionType.none())
    options.set_max_file_opening_threads(1)
    options.set_stats_dump_period_sec(0)
    options.set_keep_log_file_num(2)
    return options


def _raise_translated(error: Exception, path: Path, family: str = "") -> NoReturn:
    """Turn RocksDB's texts into our errors, naming the place and the fix."""
    text = str(error)
    store = f", store {family}" if family else ""
    if "lock" in text.lower() and ("unavailable" in text or "current process" in text):
        raise StateInUse(
            f"the database in {path} is open already ({text}); stop the other process or choose another data_dir"
        ) from error
    if "Corruption" in text or "No such file" in text:
        raise CorruptState(
            f"the database in {path}{store} is corrupt ({text}); move the directory away, its stores are rebuilt from "
            "their changelogs",
            path,
        ) from error
    raise StateError(
        f"the database in {path}{store} refused ({text}); check that the directory is writable and the disk has space"
    ) from error
