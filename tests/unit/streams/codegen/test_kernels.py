"""The compiled kernels and their interpreted twins, on the same examples."""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.compiled import load_interpreted
from state.layers import CacheEntry
from streams.codegen import kernels

TWINS = [kernels, load_interpreted("streams.codegen.kernels")]
LARGEST = 2**63 - 1

pytestmark = pytest.mark.parametrize("twin", TWINS, ids=["as imported", "interpreted"])


@pytest.mark.parametrize(
    ("limit", "inclusive", "length"), [(3, False, 2), (3, True, 3), (0, True, 0), (9, False, 5), (LARGEST, True, 5)]
)
def test_a_run_ends_before_another_inputs_head(twin: Any, limit: int, inclusive: bool, length: int) -> None:
    assert twin.run_length([7, 1, 2, 3, 5, 4], 1, 6, limit, inclusive) == length


def test_a_run_ends_at_the_first_record_that_must_wait(twin: Any) -> None:
    """Even where an earlier timestamp comes behind it: the order inside an input stays."""
    assert twin.run_length([1, 5, 2], 0, 3, 4, False) == 1


def test_the_largest_timestamp_of_a_part(twin: Any) -> None:
    assert twin.max_timestamp([9, 1, 3, 2, 8], 1, 4, -1) == 3
    assert twin.max_timestamp([9, 1], 1, 2, 5) == 5
    assert twin.max_timestamp([LARGEST], 0, 1, -1) == LARGEST
    assert twin.max_timestamp([], 0, 0, -1) == -1


def test_missing_keys_come_once_in_order(twin: Any) -> None:
    keys = [b"z", b"c", None, b"a", b"b", b"c", b"a", b"q"]
    assert twin.missing_keys({b"b": 1}, keys, 1, 7) == [b"c", b"a"]


def test_counting_a_column(twin: Any) -> None:
    entries = {b"a": CacheEntry(b"a"), b"b": CacheEntry(b"b", value=2**70, timestamp=50)}
    dirty: list[CacheEntry] = []
    columns = [
        (b"x", b"", 1),
        (b"b", b"", 7),
        (b"a", b"", 9),
        (None, b"", 1),
        (b"a", None, 1),
        (b"a", b"", -5),
        (b"a", b"", 8),
    ]
    keys, values, timestamps = (list(column) for column in zip(*columns, strict=True))
    assert twin.count_column(entries, dirty, keys, values, timestamps, 1, 7, None) == (1, 1, 1)
    assert [(entry.key, entry.value, entry.timestamp, entry.dirty) for entry in dirty] == [
        (b"b", 2**70 + 1, 50, True),
        (b"a", 2, 9, True),
    ]
    twin.count_column(entries, dirty, keys, values, timestamps, 1, 2, None)
    assert len(dirty) == 2


def test_a_counted_row_that_was_deleted_starts_with_the_records_time(twin: Any) -> None:
    entries = {b"a": CacheEntry(b"a", value=None, timestamp=100)}
    twin.count_column(entries, [], [b"a"], [b""], [7], 0, 1, None)
    assert (entries[b"a"].value, entries[b"a"].timestamp) == (1, 7)
