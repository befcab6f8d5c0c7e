"""JoinGroup: who is let in, under which id, and whether that begins a rebalance.

Owns the answers to a join that need not wait; those that do are given by ``rebalance``. The sender's id is made by the
caller, out of injected randomness.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from broker_core.decision import GroupAnswer, MemberStored
from broker_core.errors import ErrorCode
from broker_core.group.membership import StoredGroup, to_group_record
from broker_core.group.rebalance import Turn, complete_if_all_joined, prepare, rebalance
from broker_core.group.replies import join_error, join_success
from broker_core.group.session import MAX_PENDING_MEMBERS, ClassicGroup, Member, Protocol, Ticket
from broker_core.group.states import GroupState
from broker_core.protocol.join_group import JoinGroupRequest

MEMBER_ID_REQUIRED_SINCE: Final = 4
SKIP_ASSIGNMENT_SINCE: Final = 9
REBALANCE_TIMEOUT_SINCE: Final = 1


class Client(NamedTuple):
    """Who sends a request, as groups show their members."""

    client_id: str = ""
    client_host: str = ""


class Join(NamedTuple):
    """A join with what belongs to it.

    Attributes:
        new_id: makes an id from a prefix.
        stored: the group's last generation on record.
    """

    request: JoinGroupRequest
    ticket: Ticket
    client: Client
    new_id: Callable[[str], str]
    stored: StoredGroup | None

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        return tuple(Protocol(each.name, each.metadata) for each in self.request.protocols)

    @property
    def rebalance_timeout_ms(self) -> int:
        """Before version 1 the session timeout had to do."""
        request = self.request
        if self.ticket.api_version < REBALANCE_TIMEOUT_SINCE or request.rebalance_timeout_ms < 0:
            return request.session_timeout_ms
        return request.rebalance_timeout_ms


def join(turn: Turn, joining: Join) -> None:
    """Answer the join, or park it with its member."""
    request = joining.request
    if not _has_room(turn, request.member_id):
        _refuse(turn, joining, ErrorCode.GROUP_MAX_SIZE_REACHED, "")
    elif not turn.group.supports(request.protocol_type, joining.protocols):
        _refuse(turn, joining, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.member_id)
    elif request.member_id:
        _join_again(turn, joining)
    else:
        _join_anew(turn, joining)


def _has_room(turn: Turn, member_id: str) -> bool:
    """``group.max.size`` (KIP-389). During a rebalance those count who have joined: after a restart with a smaller
    limit the quickest members stay.
    """
    group, limit = turn.group, turn.config.group_max_size
    if group.state is GroupState.PREPARING_REBALANCE:
        member = group.members.get(member_id)
        joined = sum(each.join is not None for each in group.members.values())
        return joined < limit or (member is not None and member.join is not None)
    return member_id in group.members or len(group.members) < limit


def _join_anew(turn: Turn, joining: Join) -> None:
    """A sender without a member id: a newcomer, or a static member that was started again."""
    group, request, client = turn.group, joining.request, joining.client
    instance_id = request.group_instance_id
    if instance_id is not None:
        member_id = joining.new_id(instance_id)
        if instance_id in group.static:
            _replace(turn, joining, group.members[group.static[instance_id]], member_id)
        else:
            _add(turn, joining, member_id)
        return
    member_id = joining.new_id(client.client_id)
    if joining.ticket.api_version < MEMBER_ID_REQUIRED_SINCE:
        _add(turn, joining, member_id)
    elif len(group.pending) >= MAX_PENDING_MEMBERS:
        _refuse(turn, joining, ErrorCode.GROUP_MAX_SIZE_REACHED, "")
    else:
        # A client whose first request timed out asks again: with an id of its own it does so as the same member.
        group.pending[member_id] = None
        turn.timers.set(turn.session_timer(member_id), turn.now_ms + request.session_timeout_ms)
        _refuse(turn, joining, ErrorCode.MEMBER_ID_REQUIRED, member_id)


def _join_again(turn: Turn, joining: Join) -> None:
    """A sender with a member id."""
    group, request = turn.group, joining.request
    member_id = request.member_id
    if member_id in group.pending and request.group_instance_id is None:
        _add(turn, joining, member_id)
        return
    code = member_error(group, member_id, request.group_instance_id)
    if code is not ErrorCode.NONE:
        _refuse(turn, joining, code, member_id)
        return
    member = group.members[member_id]
    is_same = member.protocols == joining.protocols
    if (group.state is GroupState.COMPLETING_REBALANCE and is_same) or (
        group.state is GroupState.STABLE and is_same and member_id != group.leader
    ):
        # It may have missed the answer to its last join; nothing has changed for the others.
        turn.answer(joining.ticket, join_success(group, member, joining.ticket.api_version))
        turn.renew(member)
        return
    _update(turn, joining, member)
    rebalance(turn)


def member_error(group: ClassicGroup, member_id: str, instance_id: str | None) -> ErrorCode:
    """Whether the sender is a member, and the one that it says it is (KIP-345)."""
    if instance_id is not None:
        if instance_id not in group.static:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if group.static[instance_id] != member_id:
            return ErrorCode.FENCED_INSTANCE_ID
    return ErrorCode.NONE if member_id in group.members else ErrorCode.UNKNOWN_MEMBER_ID


def _refuse(turn: Turn, joining: Join, code: ErrorCode, member_id: str) -> None:
    turn.answer(joining.ticket, join_error(code, joining.ticket.api_version, member_id))


def _add(turn: Turn, joining: Join, member_id: str) -> None:
    group, request = turn.group, joining.request
    member = Member(
        member_id=member_id,
        instance_id=request.group_instance_id,
        client_id=joining.client.client_id,
        client_host=joining.client.client_host,
        rebalance_timeout_ms=joining.rebalance_timeout_ms,
        session_timeout_ms=request.session_timeout_ms,
        protocols=joining.protocols,
        join=joining.ticket,
        is_new=True,
    )
    if group.state is GroupState.PREPARING_REBALANCE:
        group.was_joined = True
    group.add(member, request.protocol_type)
    turn.renew(member)
    rebalance(turn)


def _update(turn: Turn, joining: Join, member: Member) -> None:
    """Take what the join says, and park it in place of an earlier one, whose connection is probably gone."""
    request = joining.request
    if member.join is not None:
        old = member.join
        turn.answer(old, join_error(ErrorCode.REBALANCE_IN_PROGRESS, old.api_version, member.member_id))
    member.protocols = joining.protocols
    member.rebalance_timeout_ms = joining.rebalance_timeout_ms
    member.session_timeout_ms = request.session_timeout_ms
    member.client_id, member.client_host = joining.client
    member.join = joining.ticket
    turn.renew(member)


def _replace(turn: Turn, joining: Join, member: Member, member_id: str) -> None:
    """A static member was started again: it takes the place of its former self, which is fenced from now on.

    In a stable group that chooses the same protocol nothing is rebalanced (KIP-345); the new id must be stored.
    """
    group, version = turn.group, joining.ticket.api_version
    old_leader = group.leader
    turn.refuse_parked(member, ErrorCode.FENCED_INSTANCE_ID)
    turn.timers.cancel(turn.session_timer(member.member_id))
    old_id = member.member_id
    group.rename(old_id, member_id)
    _update(turn, joining, member)
    if group.state is GroupState.PREPARING_REBALANCE:
        complete_if_all_joined(turn)
    elif group.state is GroupState.COMPLETING_REBALANCE or group.elected_protocol() != group.protocol:
        # The leader may be assigning to the old id right now.
        prepare(turn)
    else:
        assert joining.stored is not None
        assignments = {each.member_id: each.assignment for each in joining.stored.members}
        assignments[member_id] = assignments.pop(old_id, b"")
        turn.records.append(to_group_record(group.group_id, group.stored(assignments, group.state_ms)))
        skips = version >= SKIP_ASSIGNMENT_SINCE
        # An older client that hears that it leads would assign, and a stable group ignore it: so it does not hear it.
        body = join_success(
            group,
            member,
            version,
            leader=None if skips else old_leader,
            skip_assignment=skips and member_id == group.leader,
            shows_members=skips,
        )
        turn.then = MemberStored(
            group_id=group.group_id, member_id=member_id, answer=GroupAnswer(joining.ticket.token, body)
        )
