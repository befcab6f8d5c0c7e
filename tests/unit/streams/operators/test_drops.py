"""The names of reasons appear in counters and messages: they are part of the interface."""

from __future__ import annotations

from streams.operators import drops


def test_reasons_are_stable() -> None:
    assert (drops.NULL_KEY, drops.NULL_VALUE, drops.NEGATIVE_TIMESTAMP) == (
        "null key",
        "null value",
        "negative timestamp",
    )
