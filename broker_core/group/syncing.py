"""SyncGroup, Heartbeat and LeaveGroup: the requests of those who are members already."""

from __future__ import annotations

from broker_core.decision import AssignmentStored
from broker_core.errors import ErrorCode
from broker_core.group.joining import member_error
from broker_core.group.membership import StoredGroup, to_group_record
from broker_core.group.rebalance import Turn, complete_if_all_joined, remove, synced
from broker_core.group.replies import sync_error, sync_success
from broker_core.group.session import Ticket
from broker_core.group.states import GroupState
from broker_core.protocol.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker_core.protocol.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse
from broker_core.protocol.sync_group import SyncGroupRequest


def check_present(turn: Turn, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
    """Whether the sender is a member of the present generation."""
    code = member_error(turn.group, member_id, instance_id)
    if code is ErrorCode.NONE and generation != turn.group.generation:
        return ErrorCode.ILLEGAL_GENERATION
    return code


def sync(turn: Turn, request: SyncGroupRequest, ticket: Ticket, stored: StoredGroup | None) -> None:
    """Hand out the assignment if it is stored; otherwise park, and begin to store it when the leader brings it."""
    group = turn.group
    code = _check_sync(turn, request)
    if code is not ErrorCode.NONE:
        turn.answer(ticket, sync_error(code))
        return
    member = group.members[request.member_id]
    synced(turn, member.member_id)
    if group.state is GroupState.STABLE:
        assignment = stored.assignment(member.member_id) if stored is not None else b""
        turn.answer(ticket, sync_success(group, assignment))
        turn.renew(member)
        return
    if member.sync is not None:  # asked again; its first connection is probably gone
        turn.answer(member.sync, sync_error(ErrorCode.REBALANCE_IN_PROGRESS))
    member.sync = ticket
    turn.renew(member)
    if member.member_id == group.leader and not group.is_storing:
        assignments = {each.member_id: each.assignment for each in request.assignments}
        group.is_storing = True
        turn.records.append(to_group_record(group.group_id, group.stored(assignments, turn.now_ms)))
        turn.then = AssignmentStored(group_id=group.group_id, generation=group.generation)


def _check_sync(turn: Turn, request: SyncGroupRequest) -> ErrorCode:
    group = turn.group
    code = check_present(turn, request.member_id, request.group_instance_id, request.generation_id)
    if code is not ErrorCode.NONE:
        return code
    if request.protocol_type not in {None, group.protocol_type} or request.protocol_name not in {None, group.protocol}:
        return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    if group.state is GroupState.PREPARING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return ErrorCode.NONE


def assignment_stored(turn: Turn, generation: int, stored: StoredGroup) -> None:
    """The assignment is on disk: everybody gets it who waits for it, unless a rebalance came between."""
    group = turn.group
    if group.generation != generation or not group.is_storing:
        return
    group.is_storing = False
    group.move(GroupState.STABLE, turn.now_ms)
    for member in group.members.values():
        turn.answer_sync(member, sync_success(group, stored.assignment(member.member_id)))


def heartbeat(turn: Turn, request: HeartbeatRequest, ticket: Ticket) -> None:
    """Renew the sender's session, and tell it to join again if a rebalance has begun."""
    group = turn.group
    code = check_present(turn, request.member_id, request.group_instance_id, request.generation_id)
    if code is ErrorCode.NONE:
        turn.renew(group.members[request.member_id])
        if group.state is GroupState.PREPARING_REBALANCE:
            code = ErrorCode.REBALANCE_IN_PROGRESS
    turn.answer(ticket, HeartbeatResponse(error_code=code))


def leave(turn: Turn, request: LeaveGroupRequest, ticket: Ticket) -> None:
    """Remove members: the sender, or whoever an administrator names by instance ids."""
    if ticket.api_version < 3:
        code = _leave_one(turn, MemberIdentity(member_id=request.member_id))
        turn.answer(ticket, LeaveGroupResponse(error_code=code))
        return
    members = tuple(
        MemberResponse(
            member_id=each.member_id, group_instance_id=each.group_instance_id, error_code=_leave_one(turn, each)
        )
        for each in request.members
    )
    turn.answer(ticket, LeaveGroupResponse(members=members))


def _leave_one(turn: Turn, leaving: MemberIdentity) -> ErrorCode:
    group = turn.group
    member_id, instance_id = leaving.member_id, leaving.group_instance_id
    if not member_id and instance_id is not None:
        member_id = group.static.get(instance_id, "")
    if member_id in group.pending:
        del group.pending[member_id]
        turn.timers.cancel(turn.session_timer(member_id))
        complete_if_all_joined(turn)
        return ErrorCode.NONE
    code = member_error(turn.group, member_id, instance_id)
    if code is ErrorCode.NONE:
        remove(turn, group.members[member_id])
    return code
