"""Deadlines of groups: members' sessions, and the ends of joining and syncing. PURE: no clock.

Owns when, not what then. Setting a deadline anew is cheap: every heartbeat does it.
"""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import Final, NamedTuple

CLOCK_TOLERANCE_MS: Final = 1_000
"""A clock that is set back by less only makes something late by as much."""


class TimerKind(IntEnum):
    JOIN = 0
    """The rebalance goes on with those who joined."""
    SYNC = 1
    """Members that have not synced are given up."""
    SESSION = 2
    """A member, or an id that was given out, was not heard of."""


class Timer(NamedTuple):
    """What a deadline is for; ``member_id`` with ``SESSION`` only."""

    group_id: str
    kind: TimerKind
    member_id: str = ""


class Timers:
    """At most one deadline per timer.

    The heap holds one entry per timer at most, which may be too early: then it is put back when it comes up.
    """

    def __init__(self) -> None:
        self._deadlines: dict[Timer, int] = {}
        self._queued: dict[Timer, int] = {}
        self._heap: list[tuple[int, Timer]] = []
        self._latest_ms: int | None = None

    def __len__(self) -> int:
        return len(self._deadlines)

    def deadline(self, timer: Timer) -> int | None:
        return self._deadlines.get(timer)

    def set(self, timer: Timer, deadline_ms: int) -> None:
        self._deadlines[timer] = deadline_ms
        if deadline_ms < self._queued.get(timer, deadline_ms + 1):
            self._push(timer, deadline_ms)

    def cancel(self, timer: Timer) -> None:
        self._deadlines.pop(timer, None)

    def next_ms(self) -> int | None:
        """The earliest deadline."""
        while self._heap:
            queued_ms, timer = self._heap[0]
            deadline_ms = self._deadlines.get(timer)
            if deadline_ms == queued_ms:
                return queued_ms
            heapq.heappop(self._heap)
            if self._queued.get(timer) == queued_ms:
                del self._queued[timer]
                if deadline_ms is not None:
                    self._push(timer, deadline_ms)
        return None

    def take_due(self, now_ms: int) -> Timer | None:
        """Remove and return the earliest timer whose deadline is not after ``now_ms``.

        A clock that went back takes all deadlines with it: they were set by one that was wrong.
        """
        if self._latest_ms is not None and now_ms < self._latest_ms - CLOCK_TOLERANCE_MS:
            self._shift(now_ms - self._latest_ms)
        self._latest_ms = now_ms
        next_ms = self.next_ms()
        if next_ms is None or next_ms > now_ms:
            return None
        _, timer = heapq.heappop(self._heap)
        del self._queued[timer], self._deadlines[timer]
        return timer

    def _push(self, timer: Timer, deadline_ms: int) -> None:
        self._queued[timer] = deadline_ms
        heapq.heappush(self._heap, (deadline_ms, timer))

    def _shift(self, by_ms: int) -> None:
        deadlines = {timer: deadline_ms + by_ms for timer, deadline_ms in self._deadlines.items()}
        self._deadlines, self._queued, self._heap = {}, {}, []
        for timer, deadline_ms in deadlines.items():
            self.set(timer, deadline_ms)
