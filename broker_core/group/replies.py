"""Responses to JoinGroup and SyncGroup, good and bad, in the shape each version wants."""

from __future__ import annotations

from typing import Final

from broker_core.errors import ErrorCode
from broker_core.group.session import ClassicGroup, Member
from broker_core.protocol.join_group import JoinGroupResponse, JoinGroupResponseMember
from broker_core.protocol.sync_group import SyncGroupResponse

NULL_PROTOCOL_SINCE: Final = 7
"""From here on JoinGroup's protocol name may be null."""


def join_error(code: ErrorCode, api_version: int, member_id: str = "") -> JoinGroupResponse:
    """The refusal of a join; MEMBER_ID_REQUIRED comes with the id to use."""
    protocol_name = None if api_version >= NULL_PROTOCOL_SINCE else ""
    return JoinGroupResponse(error_code=code, member_id=member_id, protocol_name=protocol_name)


def join_success(
    group: ClassicGroup,
    member: Member,
    api_version: int,
    *,
    leader: str | None = None,
    skip_assignment: bool = False,
    shows_members: bool = True,
) -> JoinGroupResponse:
    """The present generation; its leader is told who the members are.

    Arguments:
        leader: told instead of the true one.
    """
    tells = shows_members and member.member_id == group.leader
    members = (
        JoinGroupResponseMember(
            member_id=each.member_id, group_instance_id=each.instance_id, metadata=each.metadata(group.protocol)
        )
        for each in group.members.values()
    )
    return JoinGroupResponse(
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        leader=group.leader or "" if leader is None else leader,
        skip_assignment=skip_assignment,
        member_id=member.member_id,
        members=tuple(members) if tells else (),
    )


def sync_error(code: ErrorCode) -> SyncGroupResponse:
    return SyncGroupResponse(error_code=code)


def sync_success(group: ClassicGroup, assignment: bytes) -> SyncGroupResponse:
    return SyncGroupResponse(protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=assignment)
