"""Counters of dropped records."""

from __future__ import annotations

from streams.codegen.counters import DropCounters


def test_sums_by_operator() -> None:
    counters = DropCounters()
    counters.counts["a", "null key"] += 2
    counters.counts["a", "null value"] += 1
    counters.counts["b", "null key"] += 4
    assert (counters.of("a"), counters.of("b"), counters.of("c"), counters.total) == (3, 4, 0, 7)


def test_what_is_new_is_told_once() -> None:
    counters = DropCounters()
    counters.counts["a", "null key"] += 2
    assert counters.take_new() == {("a", "null key"): 2}
    counters.counts["a", "null key"] += 1
    counters.counts["b", "late"] += 1
    assert counters.take_new() == {("a", "null key"): 1, ("b", "late"): 1}
    assert counters.take_new() == {}
