"""One connection's requests: those that wait, those in work, and whose answer is next. PURE: no socket, no broker.

A request begins when all before it are answered, but for writes: they begin behind writes, so that they share a sync.
Answers leave in the order of the requests, whatever order they come in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from broker_core.protocol.api import ApiKey
from broker_core.protocol.framing import Request
from broker_core.protocol.primitives import INT16

MAX_WRITES: Final = 16
MAX_WRITES_BYTES: Final = 1024 * 1024
"""Writes begin behind writes while fewer, and fewer bytes, are in work. A batch of 64 KiB for each wave of syncs: 18 s
of processor time per million records of 1 KiB; up to 16: 6 s. Most of what a wave costs is the handover to threads."""
_WRITE: Final = INT16.pack(ApiKey.PRODUCE)


@dataclass(slots=True, kw_only=True)
class Taken:
    """A request in work, to be answered in ``version``; ``ticket`` while it is parked, ``body`` once it is answered."""

    request: Request
    version: int
    size_bytes: int
    ticket: int | None = None
    body: Any = None


class RequestQueue:
    """Payloads go in, and come out when they may begin.

    Attributes:
        waiting_bytes: of payloads that have not begun.
        in_work_bytes: of those that have and are not answered.
    """

    __slots__ = ("_in_work", "_last_token", "_waiting", "in_work_bytes", "waiting_bytes")

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._in_work: dict[int, Taken] = {}
        self._last_token = 0
        self.waiting_bytes = self.in_work_bytes = 0

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def has_work(self) -> bool:
        return bool(self._in_work)

    def add(self, payloads: Iterable[bytes]) -> None:
        """These came after all others."""
        for payload in payloads:
            self._waiting.append(payload)
            self.waiting_bytes += len(payload)

    def may_begin(self) -> bool:
        """Whether the next one is there and need not wait for those in work."""
        if not self._waiting or not self._in_work:
            return bool(self._waiting)
        first = next(iter(self._in_work.values()))
        is_write = self._waiting[0].startswith(_WRITE) and first.request.api_key == ApiKey.PRODUCE
        return is_write and len(self._in_work) < MAX_WRITES and self.in_work_bytes < MAX_WRITES_BYTES

    def next(self) -> bytes:
        """The payload that ``may_begin``."""
        payload = self._waiting.popleft()
        self.waiting_bytes -= len(payload)
        return payload

    def begin(self, request: Request, version: int, size_bytes: int) -> int:
        """It is handed to the broker now, under the token returned."""
        self._last_token += 1
        self._in_work[self._last_token] = Taken(request=request, version=version, size_bytes=size_bytes)
        self.in_work_bytes += size_bytes
        return self._last_token

    def park(self, token: int, ticket: int | None) -> None:
        """It waits inside the broker, under ``ticket``, or was answered (None)."""
        if ticket is not None and token in self._in_work:
            self._in_work[token].ticket = ticket

    def answer(self, token: int, body: Any) -> list[Taken]:
        """The answer to one of them: all whose turn it is now, oldest first; nothing after ``drop``."""
        answered = self._in_work.get(token)
        if answered is None:
            return []
        answered.body = body
        ready: list[Taken] = []
        for taken in self._in_work.values():
            if taken.body is None:
                break
            ready.append(taken)
        for _ in ready:
            self._remove(next(iter(self._in_work)))
        return ready

    def fail(self, token: int) -> None:
        """The broker did not take it: there will be no answer."""
        if token in self._in_work:
            self._remove(token)

    def drop(self) -> list[int]:
        """Forget everything. Returns the tickets of what is parked."""
        tickets = [taken.ticket for taken in self._in_work.values() if taken.ticket is not None and taken.body is None]
        self._in_work.clear()
        self._waiting.clear()
        self.waiting_bytes = self.in_work_bytes = 0
        return tickets

    def _remove(self, token: int) -> None:
        self.in_work_bytes -= self._in_work.pop(token).size_bytes
