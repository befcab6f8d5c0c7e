"""What a coordinator says of a group: its state, its members, what each of them has.

Owns the reading of DescribeGroups' answers. Asking is ``admin``'s.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from broker_core.errors import ProtocolError
from broker_core.protocol.describe_groups import DescribedGroup, DescribedGroupMember
from streams.assignment.wire import decode_assignment
from streams.model import TopicPartition

CONSUMERS: Final = "consumer"
"""The protocol type of groups whose assignments are partitions; those of Kafka Connect, say, are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDescription:
    """One member of a group; ``partitions`` only while the group is stable."""

    member_id: str
    instance_id: str | None
    client_id: str
    host: str
    partitions: tuple[TopicPartition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDescription:
    """A group. A list of groups says id and state alone.

    Arguments:
        protocol: the assignor that is in use, while the group is stable.
    """

    group_id: str
    state: str
    protocol_type: str = ""
    protocol: str = ""
    members: tuple[MemberDescription, ...] = ()


def read_group(found: DescribedGroup) -> GroupDescription:
    return GroupDescription(
        group_id=found.group_id,
        state=found.group_state,
        protocol_type=found.protocol_type,
        protocol=found.protocol_data,
        members=tuple(_read_member(member, found.protocol_type) for member in found.members),
    )


def _read_member(member: DescribedGroupMember, protocol_type: str) -> MemberDescription:
    partitions: tuple[TopicPartition, ...] = ()
    if protocol_type == CONSUMERS:
        with suppress(ProtocolError):  # members may write what they like there; the rest can be shown
            partitions = tuple(sorted(decode_assignment(member.member_assignment).partitions))
    return MemberDescription(
        member_id=member.member_id,
        instance_id=member.group_instance_id,
        client_id=member.client_id,
        host=member.client_host,
        partitions=partitions,
    )
