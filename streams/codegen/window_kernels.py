# cython: annotation_typing=False
"""The inner loops of windowed counts over columns; ``window_kernels.pxd`` gives this file its C types.

One source, two twins, as ``kernels``. Nothing here knows topologies, serdes or stores; a kernel sees lists and a cache
of windows by its attributes (``state.window_cache.WindowCache``). Window arithmetic is that of
``streams.windows.TimeWindows``, restated for C.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

_Column: TypeAlias = list[bytes | None]


def time_bounds(timestamps: list[int], start: int, stop: int) -> tuple[int, int]:
    """The smallest and the largest of ``timestamps[start:stop]``; (-1, -1) where that is empty."""
    if start >= stop:
        return -1, -1
    smallest = timestamps[start]
    largest = smallest
    for index in range(start, stop):
        timestamp = timestamps[index]
        if timestamp < smallest:
            smallest = timestamp
        elif timestamp > largest:
            largest = timestamp
    return smallest, largest


def windows_of(cache: Any, earliest: int, latest: int, advance: int, size: int, closed: int) -> list[Any]:
    """The windows that start at ``earliest``, ``earliest + advance``, ... ``latest``; None for those that are closed.

    Arguments:
        closed: windows that end at this time or before are closed, and not opened.
    """
    found: list[Any] = []
    start = earliest
    while start <= latest:
        if start + size <= closed:
            found.append(None)
        else:
            window = cache.windows.get(start)
            found.append(cache.open(start) if window is None else window)
        start += advance
    return found


def missing_in_windows(
    cache: Any,
    keys: _Column,
    values: _Column,
    timestamps: list[int],
    start: int,
    stop: int,
    size: int,
    advance: int,
    closed: int,
) -> dict[int, dict[bytes, None]]:
    """The keys without an entry that may have a row, by window start; opens the windows of the records.

    Arguments:
        start, stop: bounds of the records.
        size, advance: of the windows, in milliseconds.
        closed: windows that end at this time or before are left alone.
    """
    missing: dict[int, dict[bytes, None]] = {}
    first = -1
    last = -1
    windows: list[Any] = []
    all_complete = True
    for index in range(start, stop):
        timestamp = timestamps[index]
        key = keys[index]
        if timestamp < 0 or key is None or values[index] is None:
            continue
        latest = timestamp - timestamp % advance
        earliest = timestamp - size + advance
        earliest = 0 if earliest < 0 else earliest - earliest % advance
        if earliest != first or latest != last:
            first = earliest
            last = latest
            windows = windows_of(cache, first, last, advance, size, closed)
            all_complete = True
            for window in windows:
                if window is not None and not window.complete:
                    all_complete = False
        if all_complete:
            continue
        for window in windows:
            if window is not None and not window.complete and key not in window.entries:
                missing.setdefault(window.start, {})[key] = None
    return missing


def count_into(entry: Any, timestamp: int, dirty: list[Any]) -> None:
    """Count one record of this time into a cache entry."""
    value = entry.value
    entry.value = 1 if value is None else value + 1
    if timestamp > entry.timestamp or value is None:
        entry.timestamp = timestamp
    if not entry.dirty:
        entry.dirty = True
        dirty.append(entry)


def count_windows(
    cache: Any,
    new_entry: Callable[[bytes], Any],
    entry_bytes: int,
    keys: _Column,
    values: _Column,
    timestamps: list[int],
    start: int,
    stop: int,
    size: int,
    advance: int,
    grace: int,
    stream_time: int,
    check: bool,
) -> tuple[int, int, int, int, int]:
    """Count every record of a column into its key's entry in each of its windows.

    A record with a negative timestamp, a null key or a null value is left out. A key without an entry has no row.

    Arguments:
        cache: of windows; its entries, its dirty ones in the order of their first change, and its size are changed.
        new_entry: makes the entry of a windowed key.
        entry_bytes: what an entry is charged with besides its key.
        keys, values, timestamps: the batch's columns.
        start, stop: bounds of the records to count.
        size, advance, grace: of the windows, in milliseconds.
        stream_time: before these records.
        check: whether some record may be late for some window; False skips looking.

    Returns:
        The stream time after these records, and how many had a negative timestamp, a null key, and (of the rest) a null
        value, and for how many pairs of record and window the window was closed.
    """
    negative = null_key = null_value = late = added_bytes = 0
    first = last = -1
    windows: list[Any] = []
    columns: list[Any] = []
    dirty: list[Any] = cache.dirty
    for index in range(start, stop):
        timestamp = timestamps[index]
        key = keys[index]
        if timestamp < 0:
            negative += 1
            continue
        if key is None:
            null_key += 1
            continue
        if values[index] is None:
            null_value += 1
            continue
        stream_time = max(stream_time, timestamp)
        latest = timestamp - timestamp % advance
        earliest = timestamp - size + advance
        earliest = 0 if earliest < 0 else earliest - earliest % advance
        if earliest != first or latest != last:
            first = earliest
            last = latest
            windows = windows_of(cache, first, last, advance, size, stream_time - grace)
            columns = [None if window is None else window.entries for window in windows]
        window_start = first - advance
        for position in range(len(columns)):
            entries = columns[position]
            window_start += advance
            if entries is None or (check and window_start + size <= stream_time - grace):
                late += 1
                continue
            entry = entries.get(key)
            if entry is None:
                windowed = key + windows[position].suffix
                entry = new_entry(windowed)
                entries[key] = entry
                added_bytes += entry_bytes + len(windowed)
            value = entry.value
            if value is None:
                entry.value = 1
                entry.timestamp = timestamp
            else:
                entry.value = value + 1
                entry.timestamp = max(entry.timestamp, timestamp)
            if not entry.dirty:
                entry.dirty = True
                dirty.append(entry)
    cache.size_bytes += added_bytes
    return stream_time, negative, null_key, null_value, late
