"""A clock that only tests move, and the points in time that tests write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streams.errors import ConfigError
from streams.testing import ManualClock


def test_it_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(1_000)
    assert clock.now_ms == clock() == 1_000
    assert clock.advance("1.5s") == 2_500
    assert clock.advance(timedelta(milliseconds=1)) == clock.now_ms == 2_501
    assert clock.start_ms == 1_000


def test_it_never_goes_back_and_takes_no_bare_number() -> None:
    clock = ManualClock()
    for nonsense in (timedelta(seconds=-1), 5, "soon"):
        with pytest.raises(ConfigError):
            clock.advance(nonsense)  # type: ignore[arg-type]
    assert clock.now_ms == 0


def test_points_are_milliseconds_aware_datetimes_or_since_the_start() -> None:
    clock = ManualClock(datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC))
    clock.advance("1h")
    assert clock.at(7) == 7
    assert clock.at(timedelta(seconds=1)) == 11_000, "since the start, however far the clock has moved"
    assert clock.at(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0


@pytest.mark.parametrize("point", [datetime(2020, 1, 1), "12:00", True, None, 1.5])
def test_other_points_are_refused(point: object) -> None:
    with pytest.raises(ConfigError, match=r"time zone|no point in time"):
        ManualClock().at(point)  # type: ignore[arg-type]


def test_a_start_is_no_timedelta() -> None:
    with pytest.raises(ConfigError, match="no point in time"):
        ManualClock(timedelta(seconds=1))  # type: ignore[arg-type]
