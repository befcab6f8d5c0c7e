"""``ManualClock``: time for tests, moved by hand; and points in time as tests write them.

Reads no clock of the machine. What happens when time moves is the business of whoever owns the clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from streams.durations import duration_ms
from streams.errors import ConfigError
from streams.model import TimestampMs

Point: TypeAlias = int | datetime | timedelta
"""A point in time: milliseconds since the epoch, an aware datetime, or a timedelta since the clock's start."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class ManualClock:
    """A wall clock that stands still until it is told to move; never goes back.

    Arguments:
        start: the first reading, milliseconds since the epoch or an aware datetime.

    Raises:
        ConfigError: a naive datetime, or something that is no point in time.
    """

    __slots__ = ("_now_ms", "start_ms")

    def __init__(self, start: int | datetime = 0) -> None:
        self.start_ms: TimestampMs = _milliseconds(start, 0) if not isinstance(start, timedelta) else _refuse(start)
        self._now_ms = self.start_ms

    @property
    def now_ms(self) -> TimestampMs:
        """The reading, in milliseconds since the epoch."""
        return self._now_ms

    def __call__(self) -> TimestampMs:
        """The reading, for whoever takes a function."""
        return self._now_ms

    def advance(self, duration: timedelta | str) -> TimestampMs:
        """Move on by a duration (``timedelta``, ``"10s"``, ``"500ms"``); returns the new reading.

        Raises:
            ConfigError: no duration, or a negative one.
        """
        self._now_ms += duration_ms(duration, "advance(duration)")
        return self._now_ms

    def at(self, point: Point) -> TimestampMs:
        """A point in time in milliseconds; a timedelta counts from the clock's start.

        Raises:
            ConfigError: a naive datetime, or something that is no point in time.
        """
        return _milliseconds(point, self.start_ms)


def _milliseconds(point: object, start_ms: TimestampMs) -> TimestampMs:
    if isinstance(point, int) and not isinstance(point, bool):
        return point
    if isinstance(point, timedelta):
        return start_ms + point // _MILLISECOND
    if isinstance(point, datetime):
        if point.tzinfo is None:
            raise ConfigError(f"{point!r} has no time zone; give it one: datetime(..., tzinfo=UTC)")
        return (point - _EPOCH) // _MILLISECOND
    return _refuse(point)


def _refuse(point: object) -> TimestampMs:
    raise ConfigError(f"{point!r} is no point in time: an int of milliseconds since the epoch, or an aware datetime")
