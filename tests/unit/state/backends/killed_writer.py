"""The process that ``test_rocksdb_kill`` kills: writes numbered batches over several families until it dies.

Standard output is the protocol: ``ready <n>`` (found batch n), ``written <n>``, ``flushed <n>``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from state.backends.rocksdb import RocksBackend, RocksMemory
from state.model import POSITION_FAMILY
from state.ports import Backend, KeyRange

FAMILIES = ("first", "second", "third", "quiet")
MEMORY_BYTES = 5 * 1024 * 1024
"""Little enough for RocksDB to flush by itself every few hundred batches."""
FLUSH_EVERY = 1500
ROWS_PER_BATCH = 5

Rows = dict[str, dict[bytes, bytes]]


def batch(number: int) -> tuple[dict[str, Mapping[bytes, bytes | None]], tuple[KeyRange, ...]]:
    """What batch ``number`` writes and which ranges it deletes: a function of the number alone."""
    writes: dict[str, Mapping[bytes, bytes | None]] = {POSITION_FAMILY: {b"n": b"%d" % number}}
    for index, family in enumerate(FAMILIES[:3], start=1):
        rows: dict[bytes, bytes | None] = {
            b"%04d" % ((number * index * 7 + row * 31) % 700): b"%d:" % number + b"x" * 100
            for row in range(ROWS_PER_BATCH)
        }
        rows[b"%04d" % (number % 700)] = None
        rows[b"n"] = b"%d" % number
        writes[family] = rows
    if number % 50 == 0:
        writes["quiet"] = {b"n": b"%d" % number}
    ranges = (KeyRange("second", b"0100", b"0400"),) if number % 13 == 0 else ()
    return writes, ranges


def replay(rows: Rows, number: int) -> None:
    """Apply batch ``number`` to a model."""
    writes, ranges = batch(number)
    for family, start, end in ranges:
        for key in [key for key in rows[family] if (start or b"") <= key and (end is None or key < end)]:
            del rows[family][key]
    for family, changed in writes.items():
        for key, value in changed.items():
            if value is None:
                rows[family].pop(key, None)
            else:
                rows[family][key] = value


def found(backend: Backend) -> int:
    return int(backend.get(POSITION_FAMILY, b"n") or 0)


def main() -> None:
    backend = RocksBackend.open(Path(sys.argv[1]), FAMILIES, memory=RocksMemory(MEMORY_BYTES))
    number = found(backend)
    print("ready", number, flush=True)
    while True:
        number += 1
        writes, ranges = batch(number)
        backend.write(writes, delete_ranges=ranges)
        print("written", number, flush=True)
        if number % FLUSH_EVERY == 0:
            backend.flush()
            print("flushed", number, flush=True)


if __name__ == "__main__":
    main()
