"""How a group comes to its next generation: who is waited for, how long, and who is given up.

Owns the steps between the states of ``states`` but for the answers to a request's sender. All of it works on a
``Turn``: one group, one moment, and what comes of it. Rules: docs/groups.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from broker_core.config import BrokerConfig
from broker_core.decision import CoordinatorRecord, Decision, GroupAnswer, GroupStep, Need
from broker_core.errors import ErrorCode
from broker_core.group.membership import to_group_record
from broker_core.group.replies import join_error, join_success, sync_error
from broker_core.group.session import ClassicGroup, Member, Ticket
from broker_core.group.states import GroupState
from broker_core.group.timers import Timer, TimerKind, Timers
from broker_core.placement import offsets_partition

NEW_MEMBER_JOIN_TIMEOUT_MS: Final = 5 * 60_000
"""A member that waits for its very first answer is given up after this: it may be gone, and could not say so."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """One group's turn: what a request, a timer or a finished sync does to it is collected here."""

    group: ClassicGroup
    config: BrokerConfig
    timers: Timers
    now_ms: int
    answers: list[GroupAnswer] = field(default_factory=list)
    records: list[CoordinatorRecord] = field(default_factory=list)
    then: GroupStep | None = None

    def decision(self) -> Decision:
        log = offsets_partition(self.group.group_id, self.config.offsets_topic_partitions)
        return Decision(
            partition=log if self.records else None,
            records=tuple(self.records),
            needs=(Need(log),) if self.records else (),
            answers=tuple(self.answers),
            then=self.then,
        )

    def answer(self, ticket: Ticket, body: object) -> None:
        self.answers.append(GroupAnswer(ticket.token, body))

    def answer_join(self, member: Member, body: object) -> None:
        """Answer the member's parked join, if there is one; its session begins anew."""
        ticket, member.join = member.join, None
        if ticket is not None:
            self.answer(ticket, body)
            self.renew(member)

    def answer_sync(self, member: Member, body: object) -> None:
        """Answer the member's parked sync, if there is one; its session begins anew."""
        ticket, member.sync = member.sync, None
        if ticket is not None:
            self.answer(ticket, body)
            self.renew(member)

    def refuse_parked(self, member: Member, code: ErrorCode) -> None:
        """Whatever the member waits for is not going to come."""
        if member.join is not None:
            self.answer_join(member, join_error(code, member.join.api_version, member.member_id))
        self.answer_sync(member, sync_error(code))

    def renew(self, member: Member) -> None:
        """The member was heard of; while a request of it is parked it need not be."""
        timer = self.session_timer(member.member_id)
        if member.is_new:
            self.timers.set(timer, self.now_ms + NEW_MEMBER_JOIN_TIMEOUT_MS)
        elif member.join is not None or member.sync is not None:
            self.timers.cancel(timer)
        else:
            self.timers.set(timer, self.now_ms + member.session_timeout_ms)

    def session_timer(self, member_id: str) -> Timer:
        return Timer(self.group.group_id, TimerKind.SESSION, member_id)

    def timer(self, kind: TimerKind) -> Timer:
        return Timer(self.group.group_id, kind)


def rebalance(turn: Turn) -> None:
    """A member has joined, or joined anew: begin a rebalance, or see whether the one under way is complete."""
    if turn.group.state is GroupState.PREPARING_REBALANCE:
        complete_if_all_joined(turn)
    else:
        prepare(turn)


def prepare(turn: Turn) -> None:
    """Begin a rebalance: everybody is to join again.

    From an empty group, more members are given the initial delay to arrive, so that an application that starts many
    does not rebalance for each of them.
    """
    group = turn.group
    for member in group.members.values():
        turn.answer_sync(member, sync_error(ErrorCode.REBALANCE_IN_PROGRESS))
    turn.timers.cancel(turn.timer(TimerKind.SYNC))
    group.unsynced, group.is_storing = {}, False
    group.is_initial, group.was_joined = group.state is GroupState.EMPTY, False
    group.move(GroupState.PREPARING_REBALANCE, turn.now_ms)
    if not group.is_initial:
        turn.timers.set(turn.timer(TimerKind.JOIN), turn.now_ms + group.rebalance_timeout_ms)
        complete_if_all_joined(turn)
        return
    group.initial_deadline_ms = turn.now_ms + group.rebalance_timeout_ms
    delay_ms = turn.config.group_initial_rebalance_delay_ms
    if delay_ms <= 0:
        complete(turn)
    else:
        turn.timers.set(turn.timer(TimerKind.JOIN), turn.now_ms + delay_ms)


def complete_if_all_joined(turn: Turn) -> None:
    """The rebalance is over once every member has joined and no id is pending; the initial one waits for its timer."""
    group = turn.group
    if group.state is GroupState.PREPARING_REBALANCE and not group.is_initial and group.has_all_joined:
        complete(turn)


def on_join_timer(turn: Turn) -> None:
    """Time for joining is up; the initial delay is extended while members arrive, up to the rebalance timeout."""
    group = turn.group
    if group.state is not GroupState.PREPARING_REBALANCE:
        return
    left_ms = group.initial_deadline_ms - turn.now_ms
    if group.is_initial and group.was_joined and left_ms > 0:
        group.was_joined = False
        delay_ms = min(turn.config.group_initial_rebalance_delay_ms, left_ms)
        turn.timers.set(turn.timer(TimerKind.JOIN), turn.now_ms + delay_ms)
    else:
        complete(turn)


def complete(turn: Turn) -> None:
    """Go on with those who have joined. Dynamic members that have not are out; static ones have until their session
    ends. If only such are left, nobody could lead: wait on.
    """
    group = turn.group
    for member in list(group.members.values()):
        if member.join is None and member.instance_id is None:
            drop(turn, member, ErrorCode.UNKNOWN_MEMBER_ID)
    if group.members and not group.elect_leader():
        turn.timers.set(turn.timer(TimerKind.JOIN), turn.now_ms + max(group.rebalance_timeout_ms, 1))
        return
    turn.timers.cancel(turn.timer(TimerKind.JOIN))
    group.generation += 1
    if not group.members:
        group.protocol = group.leader = None
        group.move(GroupState.EMPTY, turn.now_ms)
        turn.records.append(to_group_record(group.group_id, group.stored({}, turn.now_ms)))
        return
    group.protocol = group.elected_protocol()
    group.move(GroupState.COMPLETING_REBALANCE, turn.now_ms)
    for member in group.members.values():
        member.is_new = False
        if member.join is not None:
            turn.answer_join(member, join_success(group, member, member.join.api_version))
        group.unsynced[member.member_id] = None
    turn.timers.set(turn.timer(TimerKind.SYNC), turn.now_ms + group.rebalance_timeout_ms)


def synced(turn: Turn, member_id: str) -> None:
    """The member has sent its SyncGroup."""
    group = turn.group
    group.unsynced.pop(member_id, None)
    if not group.unsynced:
        turn.timers.cancel(turn.timer(TimerKind.SYNC))


def on_sync_timer(turn: Turn) -> None:
    """Members that have not synced in time are out, and the others begin anew."""
    group = turn.group
    if group.state not in {GroupState.COMPLETING_REBALANCE, GroupState.STABLE} or not group.unsynced:
        return
    for member_id in list(group.unsynced):
        drop(turn, group.members[member_id], ErrorCode.UNKNOWN_MEMBER_ID)
    prepare(turn)


def on_session_timer(turn: Turn, member_id: str) -> None:
    """A member, or an id that was given out, was not heard of for too long."""
    group = turn.group
    if member_id in group.pending:
        del group.pending[member_id]
        complete_if_all_joined(turn)
    elif member_id in group.members:
        remove(turn, group.members[member_id])


def remove(turn: Turn, member: Member) -> None:
    """The member left or died: the others share what it had."""
    drop(turn, member, ErrorCode.UNKNOWN_MEMBER_ID)
    rebalance(turn)


def drop(turn: Turn, member: Member, code: ErrorCode) -> None:
    """The member is no more; ``code`` is what its parked requests are told."""
    turn.refuse_parked(member, code)
    turn.group.remove(member.member_id)
    turn.timers.cancel(turn.session_timer(member.member_id))
