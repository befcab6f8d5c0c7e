"""What a group member's application has been told to read, and what it is still to be told. PURE.

A rebalance is two conversations: the one with the coordinator (``membership``) goes on by itself, the one with the
application waits until it comes by. This is the second one: a queue of events, and the rule that nothing is taken
from an application without its having let go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

from streams.assignment.model import Assignment
from streams.model import TopicPartition

Partitions = tuple[TopicPartition, ...]


class Revoked(NamedTuple):
    """Give these up: finish, commit, stop reading; then say ``released``. Commits still count."""

    partitions: Partitions


class Lost(NamedTuple):
    """These are gone already, and somebody else may be reading them: commits no longer count. Then say ``released``."""

    partitions: Partitions


class Assigned(NamedTuple):
    """Read these from now on, besides what there is already.

    ``assignment`` is everything that this member has, with what the leader's assignor said.
    """

    partitions: Partitions
    assignment: Assignment


Event = Revoked | Lost | Assigned


class Handover:
    """One member's side of the conversation with its application."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._told: dict[TopicPartition, None] = {}
        self._releasing: Partitions = ()

    @property
    def told(self) -> Partitions:
        """What the application reads, as far as it has been told."""
        return tuple(self._told)

    @property
    def has_news(self) -> bool:
        """Whether ``next_event`` has something."""
        return bool(self._events) and not self._releasing

    @property
    def is_waiting(self) -> bool:
        """Whether the application has to let go of something first."""
        return bool(self._releasing) or any(not isinstance(event, Assigned) for event in self._events)

    def next_event(self) -> Event | None:
        """The next thing to be told; None while there is none, or the one before is not done with."""
        if not self.has_news:
            return None
        event = self._events.popleft()
        if isinstance(event, Assigned):
            self._told.update(dict.fromkeys(event.partitions))
        else:
            self._releasing = event.partitions
        return event

    def released(self) -> None:
        """The application has let go of what the last event named."""
        for place in self._releasing:
            self._told.pop(place, None)
        self._releasing = ()

    def take_back_topics_but(self, kept: Collection[str]) -> None:
        """Take back what is of other topics than these. What was not told yet never is."""
        events: list[Event] = [event for event in self._events if not isinstance(event, Assigned)]
        for event in self._events:
            if isinstance(event, Assigned):
                still = tuple(place for place in event.partitions if place.topic in kept)
                if still:
                    events.append(event._replace(partitions=still))
        self._events = deque(events)
        self._take_back(place for place in self._told if place.topic not in kept)

    def lose_everything(self) -> None:
        """Nothing of all this is ours any more. What was not told yet never is."""
        self._events.clear()
        lost = tuple(place for place in self._told if place not in self._releasing)
        if lost:
            self._events.append(Lost(lost))

    def assign(self, assignment: Assignment) -> None:
        """A new assignment: takes back what it does not hold any more, tells what it adds (which may be nothing)."""
        self._events = deque(event for event in self._events if not isinstance(event, Assigned))
        self._take_back(place for place in self._told if place not in assignment.partitions)
        added = tuple(place for place in assignment.partitions if place not in self._told)
        self._events.append(Assigned(added, assignment))

    def _take_back(self, partitions: Iterable[TopicPartition]) -> None:
        leaving = {place for event in self._events if not isinstance(event, Assigned) for place in event.partitions}
        leaving.update(self._releasing)
        asked = tuple(place for place in partitions if place not in leaving)
        if asked:
            self._events.append(Revoked(asked))
