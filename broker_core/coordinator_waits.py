"""What the coordinator waits for: replies and steps that are due once certain logs are synced far enough.

Owns the list of waits, in the order they were made. Knows neither what a step does nor how a log is synced. The same
idea as ``purgatory``, but a wait here may lead to a step instead of a reply, and may span logs of several kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from broker_core.decision import GroupAnswer, NextStep
from broker_core.model import Offset, TopicPartition

MAX_WAITS: Final = 100_000
"""A connection has one request at a time and a transactional id one end; more is a leak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The request that a reply is for."""

    token: int
    request: object
    api_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something that happens once every log in ``needs`` is synced up to its offset.

    Attributes:
        needs: may be empty: due at once.
        reply: for ``caller``; ``None`` when the reply comes from a later step.
        answers: for others.
        then: the step to take.
        caller: who waits; ``None`` for what the broker does by itself.
    """

    needs: Mapping[TopicPartition, Offset]
    reply: object = None
    answers: tuple[GroupAnswer, ...] = ()
    then: NextStep | None = None
    caller: Caller | None = None


class SyncWaits:
    """Waits in order of their making."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []

    def add(self, wait: Wait) -> None:
        assert len(self._waits) < MAX_WAITS, "waits leak"
        self._waits.append(wait)

    def take_ready(self, synced_offset: Callable[[TopicPartition], Offset | None]) -> list[Wait]:
        """Remove and return what is due; a log that is gone (``None``) is not waited for."""

        def is_met(wait: Wait) -> bool:
            return all((at := synced_offset(log)) is None or at >= offset for log, offset in wait.needs.items())

        return self._take(is_met)

    def take_failed(self, log: TopicPartition) -> list[Wait]:
        """Remove and return everything that needs ``log``, which will never be synced again."""
        return self._take(lambda wait: log in wait.needs)

    def _take(self, condition: Callable[[Wait], bool]) -> list[Wait]:
        if not self._waits:
            return []
        taken = [wait for wait in self._waits if condition(wait)]
        if taken:
            gone = set(map(id, taken))
            self._waits = [wait for wait in self._waits if id(wait) not in gone]
        return taken

    def forget(self, topics: frozenset[str]) -> None:
        """Stop waiting for logs of topics that are gone, even if a topic of the same name comes back."""
        self._waits = [
            Wait(
                needs={log: offset for log, offset in wait.needs.items() if log.topic not in topics},
                reply=wait.reply,
                answers=wait.answers,
                then=wait.then,
                caller=wait.caller,
            )
            for wait in self._waits
        ]

    def awaited(self) -> Mapping[TopicPartition, Offset]:
        """How far each log has to be synced for all waits to be met."""
        furthest: dict[TopicPartition, Offset] = {}
        for wait in self._waits:
            for log, offset in wait.needs.items():
                furthest[log] = max(offset, furthest.get(log, 0))
        return furthest
