"""The requests of a group member, and what each refusal asks for. Shaping only; the state is ``membership``'s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from broker_core.errors import ErrorCode
from broker_core.protocol.heartbeat import HeartbeatRequest
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker_core.protocol.leave_group import LeaveGroupRequest, MemberIdentity
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from streams.assignment.model import Assignment, GroupMember
from streams.assignment.wire import encode_assignment, encode_subscription
from streams.client.group_settings import NO_GENERATION, GroupIdentity, GroupSettings
from streams.model import OffsetAndMetadata, TopicPartition

PROTOCOL_TYPE: Final = "consumer"


class Reaction(Enum):
    """What a member does about a refusal."""

    AGAIN = "the same again, later"
    FIND = "the coordinator has moved: find it, then as before"
    REJOIN = "a rebalance has begun: join it"
    RESET = "the generation is over without us: all is lost, join anew"
    NAMED = "we have got our member id: join with it"
    FATAL = "no request helps"


_COORDINATOR: Final[Mapping[int, Reaction]] = {
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS: Reaction.AGAIN,
    ErrorCode.REQUEST_TIMED_OUT: Reaction.AGAIN,
    ErrorCode.COORDINATOR_NOT_AVAILABLE: Reaction.FIND,
    ErrorCode.NOT_COORDINATOR: Reaction.FIND,
    ErrorCode.NETWORK_EXCEPTION: Reaction.FIND,
    ErrorCode.UNKNOWN_MEMBER_ID: Reaction.RESET,
    ErrorCode.FENCED_INSTANCE_ID: Reaction.FATAL,
}
JOIN: Final[Mapping[int, Reaction]] = {
    **_COORDINATOR,
    ErrorCode.MEMBER_ID_REQUIRED: Reaction.NAMED,
    ErrorCode.REBALANCE_IN_PROGRESS: Reaction.AGAIN,
    ErrorCode.ILLEGAL_GENERATION: Reaction.RESET,
}
MEMBER: Final[Mapping[int, Reaction]] = {
    **_COORDINATOR,
    ErrorCode.REBALANCE_IN_PROGRESS: Reaction.REJOIN,
    ErrorCode.ILLEGAL_GENERATION: Reaction.RESET,
}
"""For SyncGroup, Heartbeat and OffsetCommit. Codes that are not in a table are ``FATAL``."""

ADVICE: Final[Mapping[int, str]] = {
    ErrorCode.FENCED_INSTANCE_ID: "another consumer with the same instance_id has joined; give each its own",
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL: (
        "the group's members have no assignor in common with this one, or it is no consumer group; use the assignors "
        "that the others use, or another group"
    ),
    ErrorCode.INVALID_SESSION_TIMEOUT: (
        "session_timeout_ms is outside of what the broker allows (group.min.session.timeout.ms, "
        "group.max.session.timeout.ms)"
    ),
    ErrorCode.GROUP_MAX_SIZE_REACHED: "the group is full (group.max.size)",
    ErrorCode.GROUP_AUTHORIZATION_FAILED: "the broker does not let this client use the group",
    ErrorCode.INVALID_GROUP_ID: "the broker does not accept the group's name",
}
"""What a user can do about refusals that nothing here helps with."""


def join(
    settings: GroupSettings,
    member_id: str,
    topics: Iterable[str],
    owned: tuple[TopicPartition, ...],
    held: tuple[tuple[TopicPartition, ...], int],
) -> JoinGroupRequest:
    """JoinGroup.

    Arguments:
        owned: what is still being read.
        held: the last assignment and its generation, given up or not.
    """
    generation = held[1] if owned else NO_GENERATION
    subscription = GroupMember(
        member_id=member_id, topics=tuple(topics), owned=owned, generation=generation, rack=settings.rack
    )
    return JoinGroupRequest(
        group_id=settings.group_id,
        session_timeout_ms=settings.session_timeout_ms,
        rebalance_timeout_ms=settings.max_poll_interval_ms,
        member_id=member_id,
        group_instance_id=settings.instance_id,
        protocol_type=PROTOCOL_TYPE,
        protocols=tuple(
            JoinGroupRequestProtocol(
                name=assignor.name,
                metadata=encode_subscription(_with_user_data(subscription, assignor.user_data(*held))),
            )
            for assignor in settings.assignors
        ),
    )


def _with_user_data(member: GroupMember, user_data: bytes | None) -> GroupMember:
    return GroupMember(
        member_id=member.member_id,
        topics=member.topics,
        owned=member.owned,
        generation=member.generation,
        rack=member.rack,
        user_data=user_data,
    )


def sync(identity: GroupIdentity, protocol: str, plan: Mapping[str, Assignment]) -> SyncGroupRequest:
    """SyncGroup; ``plan`` is the leader's, empty for everybody else."""
    return SyncGroupRequest(
        group_id=identity.group_id,
        generation_id=identity.generation,
        member_id=identity.member_id,
        group_instance_id=identity.instance_id,
        protocol_type=PROTOCOL_TYPE,
        protocol_name=protocol,
        assignments=tuple(
            SyncGroupRequestAssignment(member_id=member_id, assignment=encode_assignment(assignment))
            for member_id, assignment in plan.items()
        ),
    )


def heartbeat(identity: GroupIdentity) -> HeartbeatRequest:
    return HeartbeatRequest(
        group_id=identity.group_id,
        generation_id=identity.generation,
        member_id=identity.member_id,
        group_instance_id=identity.instance_id,
    )


def leave(identity: GroupIdentity) -> LeaveGroupRequest:
    """LeaveGroup of a dynamic member, in the form of version 3 and later."""
    return LeaveGroupRequest(
        group_id=identity.group_id,
        members=(MemberIdentity(member_id=identity.member_id, reason="the consumer was closed"),),
    )


def commit(identity: GroupIdentity, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> OffsetCommitRequest:
    """OffsetCommit in the name of a member, or of nobody."""
    topics: dict[str, list[OffsetCommitRequestPartition]] = {}
    for (topic, partition), committed in offsets.items():
        topics.setdefault(topic, []).append(
            OffsetCommitRequestPartition(
                partition_index=partition,
                committed_offset=committed.offset,
                committed_metadata=committed.metadata,
            )
        )
    return OffsetCommitRequest(
        group_id=identity.group_id,
        generation_id_or_member_epoch=identity.generation,
        member_id=identity.member_id,
        group_instance_id=identity.instance_id,
        topics=tuple(
            OffsetCommitRequestTopic(name=name, partitions=tuple(partitions)) for name, partitions in topics.items()
        ),
    )
