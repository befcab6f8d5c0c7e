"""Members of a group for tests of assignors, and what must hold of any plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.assignment.model import Assignment, GroupMember
from streams.model import TopicPartition


def member(name: str, *topics: str, owned: Sequence[TopicPartition] = (), generation: int = -1,
           instance: str | None = None, user_data: bytes | None = None) -> GroupMember:  # fmt: skip
    return GroupMember(
        member_id=name, topics=topics, owned=tuple(owned), generation=generation, instance_id=instance,
        user_data=user_data,
    )  # fmt: skip


def places(topic: str, *partitions: int) -> tuple[TopicPartition, ...]:
    return tuple(TopicPartition(topic, partition) for partition in partitions)


def owners(plan: Mapping[str, Assignment]) -> dict[TopicPartition, list[str]]:
    """Who got each partition."""
    found: dict[TopicPartition, list[str]] = {}
    for member_id, assignment in plan.items():
        for place in assignment.partitions:
            found.setdefault(place, []).append(member_id)
    return found


def shown(plan: Mapping[str, Assignment]) -> dict[str, str]:
    """A plan as text: ``{"a": "t0 t1 u0"}``."""
    return {
        member_id: " ".join(f"{place.topic}{place.partition}" for place in assignment.partitions)
        for member_id, assignment in plan.items()
    }
