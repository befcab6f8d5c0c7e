"""The plan of both sticky assignors: as even as the subscriptions allow, and as near to the one before. PURE.

Kept partitions stay, free ones go to whoever has least, and then single partitions wander, along the shortest chain
of members that leads from one to another with at least two fewer. When no such chain is left, no plan is more even.
What was dealt anew wanders before what somebody has been reading.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from streams.assignment.model import GroupMember, subscribers
from streams.model import TopicPartition

Readers = tuple[str, ...]
"""The member ids that may read a topic. Topics with the same readers are one pool."""


def balanced(
    partition_counts: Mapping[str, int],
    members: Sequence[GroupMember],
    kept: Mapping[TopicPartition, str],
) -> dict[str, list[TopicPartition]]:
    """Partitions per member id.

    Arguments:
        kept: who read a partition before. Entries that no longer hold (topic or member gone) are ignored.
    """
    readers = {
        topic: tuple(member.member_id for member in found)
        for topic, found in subscribers(members).items()
        if partition_counts.get(topic, 0) > 0
    }
    holdings = _Holdings([member.member_id for member in sorted(members, key=lambda member: member.rank)], readers)
    free: list[TopicPartition] = []
    for topic, allowed in readers.items():
        for partition in range(partition_counts[topic]):
            place = TopicPartition(topic, partition)
            owner = kept.get(place)
            if owner is not None and owner in allowed:
                holdings.give(owner, place)
            else:
                free.append(place)
    for place in sorted(free, key=lambda place: (len(readers[place.topic]), place)):
        # min takes the first of equals: members in the order in which they are dealt to
        holdings.give(min(readers[place.topic], key=holdings.load), place)
    while holdings.relieve(kept):
        pass
    return {member: holdings.held_by(member) for member in holdings.members}


class _Holdings:
    """Who has what, by pool."""

    def __init__(self, members: Sequence[str], readers: Mapping[str, Readers]) -> None:
        self.members = members
        self._readers = readers
        self._held: dict[str, dict[Readers, list[TopicPartition]]] = {member: {} for member in members}
        self._loads = dict.fromkeys(members, 0)

    def load(self, member: str) -> int:
        return self._loads[member]

    def held_by(self, member: str) -> list[TopicPartition]:
        return [place for pool in self._held[member].values() for place in pool]

    def give(self, member: str, place: TopicPartition) -> None:
        self._held[member].setdefault(self._readers[place.topic], []).append(place)
        self._loads[member] += 1

    def relieve(self, kept: Mapping[TopicPartition, str]) -> bool:
        """Make the plan a bit more even; False if it is as even as it gets."""
        least = min(self._loads.values(), default=0)
        for member in sorted(self.members, key=lambda member: -self._loads[member]):
            if self._loads[member] < least + 2:
                return False
            chain = self._chain(member)
            if chain:
                for giver, pool, taker in chain:
                    self._move(giver, pool, taker, kept)
                return True
        return False

    def _chain(self, start: str) -> list[tuple[str, Readers, str]]:
        """The shortest way to hand partitions on so that ``start`` has one fewer, and the last one not too many."""
        came_by: dict[str, tuple[str, Readers] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            giver = waiting.popleft()
            for pool, places in self._held[giver].items():
                if not places:
                    continue
                for taker in sorted(pool, key=self.load):
                    if taker in came_by:
                        continue
                    came_by[taker] = (giver, pool)
                    if self._loads[taker] <= self._loads[start] - 2:
                        return _walked(came_by, taker)
                    waiting.append(taker)
        return []

    def _move(self, giver: str, pool: Readers, taker: str, kept: Mapping[TopicPartition, str]) -> None:
        places = self._held[giver][pool]
        # First home to whom it belonged, then what the giver has not been reading, then the last.
        chosen = max(places, key=lambda place: (kept.get(place) == taker, kept.get(place) != giver, place))
        places.remove(chosen)
        self._loads[giver] -= 1
        self.give(taker, chosen)


def _walked(came_by: Mapping[str, tuple[str, Readers] | None], end: str) -> list[tuple[str, Readers, str]]:
    """The steps of a chain, last one first: everybody takes before giving, so nobody is asked for what is not there."""
    steps: list[tuple[str, Readers, str]] = []
    taker = end
    while (step := came_by[taker]) is not None:
        giver, pool = step
        steps.append((giver, pool, taker))
        taker = giver
    return steps
