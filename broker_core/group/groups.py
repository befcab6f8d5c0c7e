"""Classic groups: takes the requests of members, keeps their sessions and timers, and says what is to be stored.

A decision machine: what lasts is in ``membership`` and changes by replay; what is here is session state. The rules of a
rebalance live in ``rebalance``, those of each request in ``joining`` and ``syncing``. Groups of the newer consumer
protocol (KIP-848) would be a machine of their own beside this one, over the same table of offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias
from uuid import UUID

from broker_core.config import BrokerConfig
from broker_core.decision import AssignmentStored, Decision, GroupAnswer, GroupStep, MemberStored
from broker_core.errors import ErrorCode
from broker_core.group.joining import Client, Join, join
from broker_core.group.membership import MembershipTable
from broker_core.group.rebalance import Turn, on_join_timer, on_session_timer, on_sync_timer, prepare
from broker_core.group.replies import join_error, sync_error
from broker_core.group.session import ClassicGroup, Member, Ticket
from broker_core.group.states import GroupState
from broker_core.group.syncing import assignment_stored, heartbeat, leave, sync
from broker_core.group.timers import TimerKind, Timers
from broker_core.ports import Random
from broker_core.protocol.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker_core.protocol.join_group import JoinGroupRequest
from broker_core.protocol.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberResponse
from broker_core.protocol.sync_group import SyncGroupRequest

MemberRequest: TypeAlias = JoinGroupRequest | SyncGroupRequest | HeartbeatRequest | LeaveGroupRequest

MAX_NAME_CHARACTERS: Final = 8_000
"""Of ids and protocols. Newer requests have room for more, but neither a record nor an older client's response has, and
a record that cannot be made would come to light when nobody is there to be told.
"""
STORAGE_CODES: Final = {
    ErrorCode.MESSAGE_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.RECORD_LIST_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
}
"""What members are told when their group cannot be stored, as by Kafka: clients look for a coordinator, and retry."""


class Groups:
    """All classic groups.

    Arguments:
        config: limits and delays.
        memberships: what is stored of groups.
        random: makes member ids.
    """

    def __init__(self, config: BrokerConfig, memberships: MembershipTable, random: Random) -> None:
        self._config = config
        self._random = random
        self._timers = Timers()
        self._groups: dict[str, ClassicGroup] = {}
        self.memberships = memberships

    def __iter__(self) -> Iterator[ClassicGroup]:
        yield from self._groups.values()

    def find(self, group_id: str) -> ClassicGroup | None:
        return self._groups.get(group_id)

    def load(self, now_ms: int) -> None:
        """Begin the sessions of all stored members anew."""
        for group_id, stored in self.memberships:
            group = self._groups[group_id] = ClassicGroup.of(group_id, stored)
            turn = self._turn(group, now_ms)
            for member in group.members.values():
                turn.renew(member)

    def decide(self, request: MemberRequest, ticket: Ticket, client: Client, now_ms: int) -> Decision:
        """Answer a request, or park it; answers to others may come with it."""
        code = self._refusal(request)
        group = self._groups.get(request.group_id)
        if group is None and code is ErrorCode.NONE:
            if isinstance(request, JoinGroupRequest) and not request.member_id:
                group = self._groups[request.group_id] = ClassicGroup(group_id=request.group_id)
            else:
                code = ErrorCode.UNKNOWN_MEMBER_ID
        if group is None or code is not ErrorCode.NONE:
            return Decision(answers=(GroupAnswer(ticket.token, refuse_member(request, code, ticket.api_version)),))
        turn = self._turn(group, now_ms)
        stored = self.memberships.get(group.group_id)
        match request:
            case JoinGroupRequest():
                join(turn, Join(request, ticket, client, self._new_id, stored))
            case SyncGroupRequest():
                sync(turn, request, ticket, stored)
            case HeartbeatRequest():
                heartbeat(turn, request, ticket)
            case LeaveGroupRequest():
                leave(turn, request, ticket)
        return self._done(turn)

    def _refusal(self, request: MemberRequest) -> ErrorCode:
        if not 0 < len(request.group_id) <= MAX_NAME_CHARACTERS:
            return ErrorCode.INVALID_GROUP_ID
        if isinstance(request, JoinGroupRequest):
            names = [request.protocol_type, request.group_instance_id or "", *(each.name for each in request.protocols)]
            if max(map(len, names)) > MAX_NAME_CHARACTERS:
                return ErrorCode.INVALID_REQUEST
            config = self._config
            least_ms, most_ms = config.group_min_session_timeout_ms, config.group_max_session_timeout_ms
            if not least_ms <= request.session_timeout_ms <= most_ms:
                return ErrorCode.INVALID_SESSION_TIMEOUT
        return ErrorCode.NONE

    def stored(self, step: GroupStep, now_ms: int) -> Decision:
        """What a request asked to be stored is on disk."""
        group = self._groups.get(step.group_id)
        if group is None:
            return Decision()
        turn = self._turn(group, now_ms)
        match step:
            case AssignmentStored():
                stored = self.memberships.get(step.group_id)
                assert stored is not None
                assignment_stored(turn, step.generation, stored)
            case MemberStored():
                if (member := _waiting(group, step)) is not None:
                    turn.answer_join(member, step.answer.body)
        return self._done(turn)

    def not_stored(self, step: GroupStep, code: ErrorCode, now_ms: int) -> Decision:
        """It could not be stored: those who wait for it are told, and the group begins anew."""
        group = self._groups.get(step.group_id)
        if group is None:
            return Decision()
        turn = self._turn(group, now_ms)
        told = STORAGE_CODES.get(code, code)
        match step:
            case AssignmentStored():
                if group.generation != step.generation or not group.is_storing:
                    return Decision()
                for each in group.members.values():
                    turn.answer_sync(each, sync_error(told))
            case MemberStored():
                member = _waiting(group, step)
                if member is None or member.join is None:
                    return Decision()
                turn.answer_join(member, join_error(told, member.join.api_version))
        prepare(turn)
        return self._done(turn)

    def tick(self, now_ms: int) -> Iterator[Decision]:
        """What is due, one decision after the other; each is to be carried out before the next is taken."""
        self.forget_deleted()
        while (timer := self._timers.take_due(now_ms)) is not None:
            group = self._groups.get(timer.group_id)
            if group is None:
                continue
            turn = self._turn(group, now_ms)
            match timer.kind:
                case TimerKind.JOIN:
                    on_join_timer(turn)
                case TimerKind.SYNC:
                    on_sync_timer(turn)
                case TimerKind.SESSION:
                    on_session_timer(turn, timer.member_id)
            yield self._done(turn)

    def next_ms(self) -> int | None:
        """When ``tick`` has work next."""
        return self._timers.next_ms()

    def forget_deleted(self) -> None:
        """Give up the sessions of groups whose record is gone; call after tombstones were written."""
        idle = [group.group_id for group in self if group.is_idle]
        for group_id in idle:
            if self.memberships.get(group_id) is None:
                del self._groups[group_id]

    def renew(self, group_id: str, member_id: str, now_ms: int) -> None:
        """A member committed offsets: it lives."""
        group = self._groups.get(group_id)
        if group is not None and member_id in group.members:
            self._turn(group, now_ms).renew(group.members[member_id])

    def _turn(self, group: ClassicGroup, now_ms: int) -> Turn:
        return Turn(group=group, config=self._config, timers=self._timers, now_ms=now_ms)

    def _done(self, turn: Turn) -> Decision:
        group = turn.group
        if group.generation == 0 and group.is_idle:  # an id was asked for and never used
            del self._groups[group.group_id]
        return turn.decision()

    def _new_id(self, prefix: str) -> str:
        return f"{prefix[:MAX_NAME_CHARACTERS]}-{UUID(int=self._random.getrandbits(128), version=4)}"


def _waiting(group: ClassicGroup, step: MemberStored) -> Member | None:
    """The static member whose join still waits for ``step`` alone: a rebalance would answer it by itself."""
    member = group.members.get(step.member_id)
    if group.state is not GroupState.STABLE or member is None or member.join is None:
        return None
    return member if member.join.token == step.answer.token else None


def refuse_member(request: MemberRequest, code: ErrorCode, api_version: int) -> object:
    """The response to ``request`` that tells ``code``."""
    match request:
        case JoinGroupRequest():
            return join_error(code, api_version, request.member_id)
        case SyncGroupRequest():
            return sync_error(code)
        case HeartbeatRequest():
            return HeartbeatResponse(error_code=code)
        case LeaveGroupRequest():
            if api_version < 3 or code is not ErrorCode.UNKNOWN_MEMBER_ID:
                return LeaveGroupResponse(error_code=code)
            return LeaveGroupResponse(
                members=tuple(
                    MemberResponse(member_id=each.member_id, group_instance_id=each.group_instance_id, error_code=code)
                    for each in request.members
                )
            )
