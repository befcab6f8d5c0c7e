"""Lengths of time as users write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streams.durations import duration_ms
from streams.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "milliseconds"),
    [
        ("500ms", 500),
        ("10s", 10_000),
        ("1.5s", 1_500),
        ("2m", 120_000),
        ("2min", 120_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
        (" 10 s ", 10_000),
        ("0ms", 0),
        (timedelta(seconds=3), 3_000),
        (timedelta(0), 0),
        ("0.1s", 100),
        (timedelta(microseconds=100_000), 100),
    ],
    ids=str,
)
def test_durations(given: Any, milliseconds: int) -> None:
    assert duration_ms(given) == milliseconds


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (10, "write '10ms' or '10s'"),
        ("10", "a text such as"),
        ("ten s", "a text such as"),
        ("-5s", "a text such as"),
        ("10 parsecs", "a text such as"),
        (None, "a timedelta"),
        (timedelta(seconds=-1), "negative"),
        (timedelta(microseconds=1), "whole number"),
        ("0.5ms", "whole number"),
    ],
    ids=str,
)
def test_what_is_no_duration(given: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=f"^grace=.*{advice}"):
        duration_ms(given, "grace")
