"""Tumbling, hopping and unlimited windows: which ones a record belongs to, and when they take no more.

Pure arithmetic over milliseconds since the epoch. Windows are aligned to 0, hold ``start <= timestamp < end`` and never
start below 0. Lateness is judged per record and window (Kafka Streams' ``KStreamWindowAggregate``): a window is closed
when its end is at or before the stream time less grace. Nothing here validates: the words for mistakes are the DSL's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_END: Final = 2**63 - 1
"""The end of a window that never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindows:
    """Windows of one size, one every ``advance_ms``; tumbling where the two are equal.

    Arguments:
        size_ms: greater than 0.
        advance_ms: from 1 to ``size_ms``.
        grace_ms: how long after its end, in stream time, a window still takes records.
    """

    size_ms: int
    advance_ms: int
    grace_ms: int = 0

    @property
    def is_tumbling(self) -> bool:
        return self.advance_ms == self.size_ms

    @property
    def lifetime_ms(self) -> int:
        """From a window's start to its close: what a store must keep at least."""
        return self.size_ms + self.grace_ms

    def starts(self, timestamp: int) -> Sequence[int]:
        """Starts of the windows that hold a record of this time (not negative), ascending."""
        first = max(0, timestamp - self.size_ms + self.advance_ms) // self.advance_ms * self.advance_ms
        return range(first, timestamp + 1, self.advance_ms)

    def end(self, start: int) -> int:
        return start + self.size_ms

    def is_closed(self, start: int, stream_time: int) -> bool:
        """Whether the window takes no more records; ``stream_time`` counts the record at hand."""
        return start + self.size_ms <= stream_time - self.grace_ms

    def closed_until(self, stream_time: int) -> int:
        """The windows that start here or before are closed."""
        return stream_time - self.grace_ms - self.size_ms

    def may_be_late(self, earliest: int, stream_time: int) -> bool:
        """Whether any record from ``earliest`` on can be late for one of its windows, by the time the stream time is
        ``stream_time``; a negative timestamp asks about windows that no record has."""
        return earliest < 0 or self.is_closed(self.starts(earliest)[0], stream_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlimitedWindows:
    """One window with every record from ``start_ms`` on. It never closes, and nothing is late for it."""

    start_ms: int = 0

    def starts(self, timestamp: int) -> Sequence[int]:
        """The one start, or none for a record before it."""
        return (self.start_ms,) if timestamp >= self.start_ms else ()

    def end(self, start: int) -> int:
        return MAX_END


Windows: TypeAlias = TimeWindows | UnlimitedWindows
