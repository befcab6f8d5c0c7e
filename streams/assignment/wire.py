"""The bytes of a consumer group that its members write for each other: subscriptions and assignments. PURE.

Kafka's ``ConsumerProtocolSubscription`` and ``ConsumerProtocolAssignment``, versions 0 to 3, and the sticky assignors'
user data. The coordinator carries them and never looks inside. Byte layout: docs/formats/consumer_protocol.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, TypeVar

from broker_core.errors import ProtocolError
from broker_core.protocol.schema import (
    NEVER_FLEXIBLE,
    Bytes,
    Field,
    Int32,
    String,
    Struct,
    decode,
    decode_from,
    encode,
    encode_versioned,
    read_version,
)
from streams.assignment.model import NO_GENERATION, Assignment, GroupMember
from streams.model import TopicPartition

SUBSCRIPTION_VERSION: Final = 3
ASSIGNMENT_VERSION: Final = 3
VERSION_BYTES: Final = 2


class TopicPartitions(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partitions: tuple[Int32, ...] = ()


class ConsumerProtocolSubscription(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = SUBSCRIPTION_VERSION
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    topics: tuple[String, ...] = ()
    user_data: Annotated[Bytes | None, Field(nullable=0)] = None
    owned_partitions: Annotated[tuple[TopicPartitions, ...], Field(since=1, ignorable=True)] = ()
    generation_id: Annotated[Int32, Field(since=2, ignorable=True)] = NO_GENERATION
    rack_id: Annotated[String | None, Field(since=3, nullable=3, ignorable=True)] = None


class ConsumerProtocolAssignment(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = ASSIGNMENT_VERSION
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    assigned_partitions: tuple[TopicPartitions, ...] = ()
    user_data: Annotated[Bytes | None, Field(nullable=0)] = None


class StickyUserData(Struct, frozen=True, kw_only=True):
    """User data of ``sticky``; without a version of its own: the reader tries the newer form first."""

    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    previous_assignment: tuple[TopicPartitions, ...] = ()
    generation: Annotated[Int32, Field(since=1, ignorable=True)] = NO_GENERATION


class CooperativeUserData(Struct, frozen=True, kw_only=True):
    """User data of ``cooperative-sticky``: the generation, for members whose subscriptions do not carry it yet."""

    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    generation: Int32 = NO_GENERATION


def encode_subscription(member: GroupMember, version: int = SUBSCRIPTION_VERSION) -> bytes:
    """What ``member`` says of itself when it joins; its two ids travel beside it."""
    subscription = ConsumerProtocolSubscription(
        topics=tuple(sorted(member.topics)),
        user_data=member.user_data,
        owned_partitions=_by_topic(member.owned),
        generation_id=member.generation,
        rack_id=member.rack,
    )
    return encode_versioned(subscription, version)


def decode_subscription(data: bytes, member_id: str, instance_id: str | None = None) -> GroupMember:
    """What another member wrote. Newer versions are read as far as this one knows them.

    Raises:
        ProtocolError: no subscription.
    """
    read = _versioned(ConsumerProtocolSubscription, data)
    return GroupMember(
        member_id=member_id,
        instance_id=instance_id,
        topics=tuple(read.topics),
        owned=_flat(read.owned_partitions),
        generation=read.generation_id,
        rack=read.rack_id,
        user_data=read.user_data,
    )


def encode_assignment(assignment: Assignment, version: int = ASSIGNMENT_VERSION) -> bytes:
    """What the leader wrote for one member."""
    body = ConsumerProtocolAssignment(
        assigned_partitions=_by_topic(assignment.partitions), user_data=assignment.user_data
    )
    return encode_versioned(body, version)


def decode_assignment(data: bytes) -> Assignment:
    """What the leader wrote; no bytes at all are "nothing for you". Raises ``ProtocolError``."""
    if not data:
        return Assignment()
    read = _versioned(ConsumerProtocolAssignment, data)
    return Assignment(partitions=_flat(read.assigned_partitions), user_data=read.user_data)


def encode_sticky(held: Iterable[TopicPartition], generation: int) -> bytes:
    """User data of ``sticky``: what a member had, and in which generation."""
    return encode(StickyUserData(previous_assignment=_by_topic(held), generation=generation), 1)


def decode_sticky(data: bytes | None) -> tuple[tuple[TopicPartition, ...], int]:
    """What a member had, and in which generation; nothing where there is nothing, or nothing readable."""
    for version in (1, 0) if data else ():
        assert data is not None
        try:
            read = decode(StickyUserData, version, data)
        except ProtocolError:
            continue
        return _flat(read.previous_assignment), read.generation
    return (), NO_GENERATION


def encode_cooperative(generation: int) -> bytes:
    """User data of ``cooperative-sticky``."""
    return encode(CooperativeUserData(generation=generation), 0)


def decode_cooperative(data: bytes | None) -> int:
    """The generation in a member's user data; ``NO_GENERATION`` where there is none."""
    try:
        return decode(CooperativeUserData, 0, data).generation if data else NO_GENERATION
    except ProtocolError:
        return NO_GENERATION


V = TypeVar("V", ConsumerProtocolSubscription, ConsumerProtocolAssignment)


def _versioned(kind: type[V], data: bytes) -> V:
    version = read_version(data)
    if version < 0:
        raise ProtocolError(f"{kind.__name__} of version {version}")
    # Every version so far begins with the fields of the one before: a newer one is read as the newest known.
    read, _ = decode_from(kind, min(version, kind.MAX_VERSION), data, VERSION_BYTES)
    return read


def _by_topic(places: Iterable[TopicPartition]) -> tuple[TopicPartitions, ...]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(places):
        topics.setdefault(topic, []).append(partition)
    return tuple(TopicPartitions(topic=topic, partitions=tuple(found)) for topic, found in topics.items())


def _flat(topics: Iterable[TopicPartitions]) -> tuple[TopicPartition, ...]:
    return tuple(TopicPartition(entry.topic, partition) for entry in topics for partition in entry.partitions)
