"""What an assignor sees and returns. Declarations and small questions about them; no plan is made here. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from streams.model import TopicPartition

NO_GENERATION: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """One member as its subscription describes it.

    Attributes:
        member_id: the coordinator's name for it.
        instance_id: its own name across restarts, for a static member (KIP-345).
        topics: what it wants to read.
        owned: what it says it still reads (KIP-429; empty with eager assignors).
        generation: the one in which it got ``owned``, or ``NO_GENERATION``.
        rack: where it runs, for whoever plans by racks.
        user_data: what its own assignor added.
    """

    member_id: str
    instance_id: str | None = None
    topics: tuple[str, ...] = ()
    owned: tuple[TopicPartition, ...] = ()
    generation: int = NO_GENERATION
    rack: str | None = None
    user_data: bytes | None = None

    @property
    def rank(self) -> tuple[bool, str]:
        """Order in which partitions are dealt: static members first, by instance; so a restart changes nothing."""
        return (self.instance_id is None, self.instance_id if self.instance_id is not None else self.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one member gets."""

    partitions: tuple[TopicPartition, ...] = ()
    user_data: bytes | None = None


class Assignor(Protocol):
    """A plan that all members of a group know by the same name. Stateless: what lasts travels in the subscription."""

    @property
    def name(self) -> str:
        """As in ``partition.assignment.strategy``; clients in other languages find each other by it."""

    @property
    def is_cooperative(self) -> bool:
        """Whether members keep reading during a rebalance and give up only what moves (KIP-429)."""

    def user_data(self, held: Sequence[TopicPartition], generation: int) -> bytes | None:
        """What a member adds to its subscription.

        Arguments:
            held: its assignment in ``generation``, also where it has given that up for this rebalance.
        """

    def assign(self, partition_counts: Mapping[str, int], members: Sequence[GroupMember]) -> dict[str, Assignment]:
        """The leader's plan: for every member id, what it gets; each partition of a subscribed topic exactly once.

        Arguments:
            partition_counts: of every topic that exists; one that is missing has no partitions yet.
        """


def subscribers(members: Sequence[GroupMember]) -> dict[str, list[GroupMember]]:
    """Per topic, in alphabetical order, the members that want it, by ``rank``."""
    found: dict[str, list[GroupMember]] = {}
    for member in sorted(members, key=lambda member: member.rank):
        for topic in dict.fromkeys(member.topics):
            found.setdefault(topic, []).append(member)
    return dict(sorted(found.items()))


def plan(members: Sequence[GroupMember], chosen: Mapping[str, Iterable[TopicPartition]]) -> dict[str, Assignment]:
    """Assignments in a fixed order, an empty one for whoever got nothing."""
    return {
        member.member_id: Assignment(partitions=tuple(sorted(chosen.get(member.member_id, ())))) for member in members
    }
