"""Requests that wait: writes for their sync, fetches for data or their deadline. PURE: no logs, no clock, no replies.

Tokens are handed out here, so that a token names one parked request whatever it waits for. Whether a fetch has enough
and what an answer looks like is decided by whoever parked it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from broker_core.errors import ErrorCode
from broker_core.model import Offset, TopicPartition

Work = TypeVar("Work")

Finish = Callable[[Mapping[TopicPartition, ErrorCode]], Any]
"""Makes the answer of a parked write; gets the partitions that were lost meanwhile, and why."""

MAX_PARKED: Final = 1_000_000
"""Parked requests of one kind; each connection has at most 16 writes, or one other request, so that more is a leak."""


class Tokens:
    """Numbers parked requests, from 1."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


@dataclass(slots=True, kw_only=True)
class _Write:
    token: int
    finish: Finish
    missing: int
    lost: dict[TopicPartition, ErrorCode] = field(default_factory=dict)


class ParkedWrites:
    """Writes that are acknowledged once every partition they touched is synced past them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._waiting: dict[TopicPartition, deque[tuple[Offset, _Write]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def park(self, required: Mapping[TopicPartition, Offset], finish: Finish) -> int:
        """Wait until each partition of ``required`` (not empty) is synced up to its offset, exclusive.

        Offsets of one partition come in the order of its appends; one that is lower than an earlier one waits for that.

        Returns:
            the token under which ``advance`` or ``lose`` will hand out ``finish``'s answer.
        """
        assert required and self._count < MAX_PARKED
        write = _Write(token=self._tokens.next(), finish=finish, missing=len(required))
        for partition, offset in required.items():
            self._waiting.setdefault(partition, deque()).append((offset, write))
        self._count += 1
        return write.token

    def advance(self, partition: TopicPartition, synced_offset: Offset) -> list[tuple[int, Any]]:
        """``partition`` is durable below ``synced_offset``: tokens and answers of the writes that this completes."""
        queue = self._waiting.get(partition)
        if queue is None:
            return []
        released: list[tuple[int, Any]] = []
        while queue and queue[0][0] <= synced_offset:
            self._arrive(queue.popleft()[1], released)
        if not queue:
            del self._waiting[partition]
        return released

    def lose(self, partition: TopicPartition, code: ErrorCode) -> list[tuple[int, Any]]:
        """``partition`` failed or is gone: whatever waits for it need wait no longer, and learns ``code``."""
        released: list[tuple[int, Any]] = []
        for _, write in self._waiting.pop(partition, ()):
            write.lost[partition] = code
            self._arrive(write, released)
        return released

    def _arrive(self, write: _Write, released: list[tuple[int, Any]]) -> None:
        write.missing -= 1
        if write.missing == 0:
            self._count -= 1
            released.append((write.token, write.finish(write.lost)))


@dataclass(slots=True, kw_only=True)
class _Wait(Generic[Work]):
    token: int
    partitions: tuple[TopicPartition, ...]
    deadline_ms: int
    work: Work
    touched: bool = False


class ParkedFetches(Generic[Work]):
    """Fetches that wait for any of their partitions to move, at most until a deadline.

    ``touch`` only marks, so that many appends between two drains cost one new attempt; ``touched`` hands out the
    marked ones to be tried again, which then either are removed or simply stay parked.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._waits: dict[int, _Wait[Work]] = {}
        self._watchers: dict[TopicPartition, dict[int, _Wait[Work]]] = {}
        self._touched: list[_Wait[Work]] = []
        self._deadlines: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._waits)

    def park(self, partitions: Iterable[TopicPartition], deadline_ms: int, work: Work) -> int:
        """Wait for a ``touch`` of any of ``partitions``, or for ``deadline_ms``. Returns the token."""
        assert len(self._waits) < MAX_PARKED
        wait = _Wait(
            token=self._tokens.next(), partitions=tuple(dict.fromkeys(partitions)), deadline_ms=deadline_ms, work=work
        )
        self._waits[wait.token] = wait
        for partition in wait.partitions:
            self._watchers.setdefault(partition, {})[wait.token] = wait
        heapq.heappush(self._deadlines, (deadline_ms, wait.token))
        return wait.token

    def touch(self, partition: TopicPartition) -> None:
        """``partition`` has moved (high watermark, last stable offset, failure, deletion)."""
        watchers = self._watchers.get(partition)
        if watchers is None:
            return
        for wait in watchers.values():
            if not wait.touched:
                wait.touched = True
                self._touched.append(wait)

    def touched(self) -> list[tuple[int, Work]]:
        """Token and work of the fetches to be tried again, in the order of their first touch."""
        if not self._touched:
            return []
        waits, self._touched = self._touched, []
        for wait in waits:
            wait.touched = False
        return [(wait.token, wait.work) for wait in waits if wait.token in self._waits]

    def is_parked(self, token: int) -> bool:
        """Whether a fetch waits under this token."""
        return token in self._waits

    def remove(self, token: int) -> None:
        """The fetch is answered (or its connection is gone). Unknown tokens are ignored."""
        wait = self._waits.pop(token, None)
        if wait is None:
            return
        for partition in wait.partitions:
            watchers = self._watchers[partition]
            del watchers[token]
            if not watchers:
                del self._watchers[partition]

    def expired(self, now_ms: int) -> list[tuple[int, Work]]:
        """Fetches whose deadline is not after ``now_ms``; they are removed and to be answered with what there is."""
        found: list[tuple[int, Work]] = []
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            _, token = heapq.heappop(self._deadlines)
            wait = self._waits.get(token)
            if wait is not None:
                found.append((token, wait.work))
                self.remove(token)
        return found

    def all(self) -> list[tuple[int, Work]]:
        """Every fetch, oldest first; they are removed. For closing."""
        found = [(wait.token, wait.work) for wait in self._waits.values()]
        for token, _ in found:
            self.remove(token)
        return found

    def next_deadline(self) -> int | None:
        """The earliest deadline in ms; ``None`` when nothing is parked."""
        while self._deadlines and self._deadlines[0][1] not in self._waits:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None
