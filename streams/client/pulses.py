"""Requests that are repeated until an answer is not "fine": heartbeats. A machine; what carries it is ``tcp``.

What an answer means beyond fine or not is for whoever started the pulse.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.client.errors import ConnectionLost
from streams.client.transport import Answer, Body


class Pulse:
    """One repeated request."""

    __slots__ = ("body", "due_ms", "interval_ms", "is_under_way", "max_version", "node_id", "silence_limit_ms")

    def __init__(
        self, node_id: int, body: Body, max_version: int | None, interval_ms: int, silence_limit_ms: int
    ) -> None:
        self.node_id, self.body, self.max_version = node_id, body, max_version
        self.interval_ms, self.silence_limit_ms = interval_ms, silence_limit_ms
        self.due_ms = 0
        self.is_under_way = False


class Pulses:
    """All pulses of one transport.

    A lost connection does not end a pulse: the next one is sent over a new one. Whether the member is still one then,
    that answer says.
    """

    def __init__(self, now_ms: int) -> None:
        self._pulses: dict[int, Pulse] = {}
        self._by_sent: dict[int, int] = {}
        self._heard_ms = now_ms

    def start(
        self, token: int, node_id: int, body: Body, max_version: int | None, interval_ms: int, silence_limit_ms: int
    ) -> None:
        self._pulses[token] = Pulse(node_id, body, max_version, interval_ms, silence_limit_ms)

    def stop(self, token: int) -> None:
        self._pulses.pop(token, None)

    def heard(self, now_ms: int) -> None:
        """The application is alive."""
        self._heard_ms = now_ms

    def due(self, now_ms: int) -> list[tuple[int, int, Body, int | None]]:
        """What is to be sent now: token, node, request, newest version."""
        found = []
        for token, pulse in self._pulses.items():
            if not pulse.is_under_way and pulse.due_ms <= now_ms and not self._is_silent(pulse, now_ms):
                pulse.due_ms = now_ms + pulse.interval_ms
                found.append((token, pulse.node_id, pulse.body, pulse.max_version))
        return found

    def sent(self, token: int, as_token: int) -> None:
        """The pulse's request went out under a token of its own."""
        self._by_sent[as_token] = token
        self._pulses[token].is_under_way = True

    def sift(self, answers: Iterable[Answer], now_ms: int) -> list[Answer]:
        """Keep answers to pulses that say "fine"; the rest is for the caller, the end of a pulse under its token."""
        kept = []
        for sent, answer in answers:
            token = self._by_sent.pop(sent, None)
            if token is None:
                kept.append((sent, answer))
            elif (pulse := self._pulses.get(token)) is not None:
                pulse.is_under_way = False
                lost = isinstance(answer, ConnectionLost)
                if not lost and (isinstance(answer, Exception) or answer.error_code):
                    del self._pulses[token]
                    kept.append((token, answer))
        for token, pulse in list(self._pulses.items()):
            if self._is_silent(pulse, now_ms):
                del self._pulses[token]
                kept.append((token, ConnectionLost(f"the client was silent for {pulse.silence_limit_ms} ms")))
        return kept

    @property
    def is_answer_due(self) -> bool:
        """Whether some pulse's request is under way."""
        return any(pulse.is_under_way for pulse in self._pulses.values())

    def next_deadline(self) -> int | None:
        return min((pulse.due_ms for pulse in self._pulses.values() if not pulse.is_under_way), default=None)

    def _is_silent(self, pulse: Pulse, now_ms: int) -> bool:
        return now_ms - self._heard_ms >= pulse.silence_limit_ms
