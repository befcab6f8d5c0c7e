# cython: annotation_typing=False
"""The inner loops over columns that are worth compiling; ``kernels.pxd`` gives this file its C types.

One source, two twins: without a compiler the same text runs interpreted. Nothing here knows topologies, serdes or
stores; a kernel sees lists and, for aggregations, cache entries by their attributes (``state.layers.CacheEntry``).
"""

from __future__ import annotations

from typing import Any, TypeAlias

_Column: TypeAlias = list[bytes | None]


def run_length(timestamps: list[int], start: int, stop: int, limit: int, inclusive: bool) -> int:
    """How many records from ``start`` may be taken before another input's head comes first.

    Arguments:
        timestamps: the batch's column.
        start, stop: bounds of the candidates.
        limit: timestamp of the other input's head record.
        inclusive: whether a record with that very timestamp still comes before it.
    """
    index = start
    while index < stop:
        timestamp = timestamps[index]
        if timestamp >= limit and not (inclusive and timestamp == limit):
            break
        index += 1
    return index - start


def max_timestamp(timestamps: list[int], start: int, stop: int, floor: int) -> int:
    """The largest of ``floor`` and ``timestamps[start:stop]``."""
    largest = floor
    for index in range(start, stop):
        timestamp = timestamps[index]
        largest = max(largest, timestamp)
    return largest


def missing_keys(entries: dict[bytes, Any], keys: _Column, start: int, stop: int) -> list[bytes]:
    """The keys of ``keys[start:stop]`` without an entry: each once, in order, without None."""
    missing: dict[bytes, None] = {}
    for index in range(start, stop):
        key = keys[index]
        if key is not None and key not in entries:
            missing[key] = None
    return list(missing)


def count_column(
    entries: dict[bytes, Any],
    dirty: list[Any],
    keys: _Column,
    values: _Column,
    timestamps: list[int],
    start: int,
    stop: int,
    counts: list[int] | None,
) -> tuple[int, int, int]:
    """Count every record of a column into its key's cache entry.

    A record with a negative timestamp, a null key or a null value is left out. All other keys must have an entry.

    Arguments:
        entries: key to cache entry.
        dirty: entries in the order of their first change since the last flush; extended here.
        keys, values, timestamps: the batch's columns.
        start, stop: bounds of the records to count.
        counts: for how many records each of these stands; None for one each.

    Returns:
        How many records had a negative timestamp, a null key, and (of the rest) a null value.
    """
    negative = 0
    null_key = 0
    null_value = 0
    for index in range(start, stop):
        timestamp = timestamps[index]
        key = keys[index]
        if timestamp < 0:
            negative += 1
        elif key is None:
            null_key += 1
        elif values[index] is None:
            null_value += 1
        else:
            entry = entries[key]
            value = entry.value
            if counts is None:
                entry.value = 1 if value is None else value + 1
            else:
                count = counts[index - start]
                entry.value = count if value is None else value + count
            if timestamp > entry.timestamp or value is None:
                entry.timestamp = timestamp
            if not entry.dirty:
                entry.dirty = True
                dirty.append(entry)
    return negative, null_key, null_value
