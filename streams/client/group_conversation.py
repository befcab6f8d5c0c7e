"""A group member's talk with its coordinator: join, sync, heartbeats, and what becomes of refusals. Sans-IO.

Owns the table of states and the timers of the talk (KIP-62, KIP-134, KIP-345, KIP-394, KIP-429). What a refusal asks
for is in the tables of ``group_requests``; who reads what is an assignor's; what the application has been told is
``handover``'s; whether it is alive, and leaving, are ``membership``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from broker_core.errors import ErrorCode, ProtocolError
from broker_core.protocol.heartbeat import HeartbeatResponse
from broker_core.protocol.join_group import JoinGroupResponse, JoinGroupResponseMember
from broker_core.protocol.sync_group import SyncGroupResponse
from streams.assignment.model import Assignment, GroupMember
from streams.assignment.wire import decode_assignment, decode_subscription
from streams.client import group_requests
from streams.client.calls import GROUP_COORDINATOR, Again, Backoff, Call, Coordinator, Node, Router
from streams.client.errors import error_for
from streams.client.group_requests import ADVICE, JOIN, MEMBER, PROTOCOL_TYPE, Reaction
from streams.client.group_settings import NO_GENERATION, NO_MEMBER, GroupIdentity, GroupSettings
from streams.client.handover import Handover, Partitions
from streams.client.leadership import Leadership, PartitionCounts
from streams.client.transport import Body
from streams.errors import ClientError


class State(Enum):
    """Where a member stands with its coordinator."""

    OUT = "out"
    """Not a member, and not about to be: nothing is subscribed, or the application is silent."""
    UNJOINED = "unjoined"
    """Wants to join as soon as a coordinator is known and the application has let go of what was lost."""
    JOINING = "joining"
    ASSIGNING = "assigning"
    """The group's leader, waiting for the topics' partitions to make the plan."""
    SYNCING = "syncing"
    STABLE = "stable"
    """A member with its assignment; also while the next rebalance waits for the application to let go."""
    LEAVING = "leaving"
    FAILED = "failed"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.OUT: frozenset({State.UNJOINED}),
    State.UNJOINED: frozenset({State.JOINING, State.OUT, State.LEAVING, State.FAILED}),
    State.JOINING: frozenset({State.ASSIGNING, State.SYNCING, State.UNJOINED, State.OUT, State.LEAVING, State.FAILED}),
    State.ASSIGNING: frozenset({State.SYNCING, State.UNJOINED, State.OUT, State.LEAVING, State.FAILED}),
    State.SYNCING: frozenset({State.STABLE, State.UNJOINED, State.OUT, State.LEAVING, State.FAILED}),
    State.STABLE: frozenset({State.JOINING, State.UNJOINED, State.OUT, State.LEAVING, State.FAILED}),
    State.LEAVING: frozenset({State.OUT}),
    State.FAILED: frozenset({State.OUT}),
}
BEATING: Final = frozenset({State.ASSIGNING, State.SYNCING, State.STABLE})
"""While a JoinGroup is parked the coordinator knows that we are there."""


class Heart:
    """When the next heartbeat is due, and when the coordinator has given us up."""

    __slots__ = ("_settings", "_under_way", "due_ms", "session_ends_ms")

    def __init__(self, settings: GroupSettings) -> None:
        self._settings = settings
        self.start(0)

    def start(self, now_ms: int) -> None:
        """The coordinator has heard from us."""
        self._under_way = False
        self.due_ms = now_ms + self._settings.heartbeat_interval_ms
        self.session_ends_ms = now_ms + self._settings.session_timeout_ms

    @property
    def next_ms(self) -> int:
        """When there is something to do."""
        return self.session_ends_ms if self._under_way else self.due_ms

    def is_due(self, now_ms: int) -> bool:
        return not self._under_way and now_ms >= self.due_ms

    def is_over(self, now_ms: int) -> bool:
        """Whether the coordinator must have given us up by now."""
        return now_ms >= self.session_ends_ms

    def beat(self, now_ms: int) -> None:
        self._under_way = True
        self.due_ms = now_ms + self._settings.heartbeat_interval_ms

    def missed(self, due_ms: int) -> None:
        """The beat was not taken: another one then."""
        self._under_way = False
        self.due_ms = due_ms


class Conversation:
    """One member's talk. ``membership`` says when; arguments are described there."""

    def __init__(
        self, settings: GroupSettings, *, router: Router, backoff: Backoff, partition_counts: PartitionCounts
    ) -> None:
        self.settings = settings
        self.handover = Handover()
        self.leadership = Leadership(settings.group_id, partition_counts, settings.topics_max_age_ms)
        self.heart = Heart(settings)
        self.state = State.OUT
        self.error: ClientError | None = None
        """Why it is ``FAILED``."""
        self.assignment = Assignment()
        self.topics: tuple[str, ...] = ()
        """What is subscribed; nothing is joined without any."""
        self.identity = GroupIdentity(settings.group_id, instance_id=settings.instance_id)
        self.due_ms = 0
        """Not to join, or to try to leave, before."""
        self.where = Coordinator(GROUP_COORDINATOR, settings.group_id)
        self.router, self.backoff = router, backoff
        self._protocol = ""
        self._owned: Partitions = ()
        """What the last JoinGroup said that we still read."""
        self._held: tuple[Partitions, int] = ((), NO_GENERATION)
        """The last assignment and its generation, for assignors that remember."""
        self._rejoins = False
        """A rebalance is to be joined once the application has let go."""
        self._sync: Body | None = None
        """A SyncGroup to be sent."""
        self._round = 0
        """Raised whenever what is under way no longer matters."""

    def rejoin(self) -> None:
        """Have the group rebalance: something that the plan rests on has changed."""
        if self.state is State.STABLE and not self._rejoins:
            # Cooperative members keep what they have, but for topics that they do not want any more.
            kept = self.topics if self.settings.is_cooperative else ()
            self.handover.take_back_topics_but(kept)
        self._rejoins = True

    def calls(self, now_ms: int) -> list[Call]:
        """What is to be said now. Raises ``ClientError`` where nothing more can be."""
        if self.state is State.ASSIGNING:
            self._make_plan(now_ms)
        if self.state in BEATING and self.heart.is_over(now_ms):
            # Whoever coordinates now has to say whether we are still a member.
            self.router.forget(self.where, ErrorCode.NOT_COORDINATOR)
            self.heart.start(now_ms)
            self.heart.missed(now_ms)
        if self.state is State.STABLE and self.leadership.is_outdated(now_ms):
            self.rejoin()
        if now_ms >= self.due_ms:
            self.due_ms = 0
        may_join = (self.state is State.UNJOINED and not self.due_ms) or (self.state is State.STABLE and self._rejoins)
        joins = may_join and bool(self.topics) and not self.handover.is_waiting
        beats = self.state in BEATING and self.heart.is_due(now_ms)
        if not joins and not beats and self._sync is None:
            return []
        node = self.router.locate(self.where)
        if node is None:
            if beats:
                self.heart.missed(now_ms + self.backoff.next_ms())
            return []
        if joins:
            return [self._join(node)]
        if self._sync is not None:
            body, self._sync = self._sync, None
            return [self._call(node, body, MEMBER, f"syncing group {self.settings.group_id}", self._synced)]
        self.heart.beat(now_ms)
        doing = f"a heartbeat to group {self.settings.group_id}"
        return [self._call(node, group_requests.heartbeat(self.identity), MEMBER, doing, self._beaten)]

    def _make_plan(self, now_ms: int) -> None:
        try:
            plan = self.leadership.plan(now_ms)
        except Again:
            self.unjoin(now_ms + self.backoff.next_ms())
            return
        if plan is not None:
            self._sync = group_requests.sync(self.identity, self._protocol, plan)
            self.move(State.SYNCING)

    def _join(self, node: Node) -> Call:
        self.move(State.JOINING)
        self._rejoins = False
        self.leadership.resign()
        self._owned = tuple(
            place for place in self.assignment.partitions if self.settings.is_cooperative and place.topic in self.topics
        )
        body = group_requests.join(self.settings, self.identity.member_id, self.topics, self._owned, self._held)
        self._round += 1
        return self._call(node, body, JOIN, f"joining group {self.settings.group_id}", self._joined)

    def _joined(self, answer: JoinGroupResponse, now_ms: int) -> None:
        assignor = next((own for own in self.settings.assignors if own.name == answer.protocol_name), None)
        if assignor is None or answer.protocol_type not in (None, PROTOCOL_TYPE):
            raise _error(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, f"using plan {answer.protocol_name!r}")
        self.backoff.reset()
        self.heart.start(now_ms)
        self.identity = self.identity._replace(member_id=answer.member_id, generation=answer.generation_id)
        self._protocol = assignor.name
        if answer.member_id == answer.leader and not answer.skip_assignment:
            members = [_read_member(self.settings.group_id, member) for member in answer.members]
            self.leadership.take_over(assignor, members)
            self.move(State.ASSIGNING)
        else:
            self._sync = group_requests.sync(self.identity, self._protocol, {})
            self.move(State.SYNCING)

    def _synced(self, answer: SyncGroupResponse, now_ms: int) -> None:
        try:
            self.assignment = decode_assignment(answer.assignment)
        except ProtocolError as error:
            doing = f"reading the assignment in group {self.settings.group_id}"
            raise error_for(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, doing, str(error)) from error
        self._held = (self.assignment.partitions, self.identity.generation)
        self.handover.assign(self.assignment)
        self.move(State.STABLE)
        changed, self._rejoins = self._rejoins, False
        if changed:
            self.rejoin()
        # What was taken from us goes to its new reader in another rebalance, once we have let go (KIP-429).
        self._rejoins |= not set(self._owned) <= set(self.assignment.partitions)

    def _beaten(self, answer: HeartbeatResponse, now_ms: int) -> None:
        due_ms = self.heart.due_ms
        self.heart.start(now_ms)
        self.heart.due_ms = due_ms

    def _call(
        self,
        node: Node,
        body: Body,
        table: Mapping[int, Reaction],
        doing: str,
        accept: Callable[[Any, int], None],
    ) -> Call:
        this_round = self._round

        def answered(answer: Any, now_ms: int) -> None:
            if this_round != self._round:
                return
            if table is JOIN and answer.error_code == ErrorCode.MEMBER_ID_REQUIRED:
                self.identity = self.identity._replace(member_id=answer.member_id)
            try:
                if answer.error_code:
                    self.react(table, answer.error_code, doing, now_ms)
                else:
                    accept(answer, now_ms)
            except ClientError as error:
                self.fail(error)

        def lost(error: ClientError, now_ms: int) -> None:
            if this_round == self._round:
                self.react(table, error.code, f"{doing}: {error}", now_ms)

        return Call(node.node_id, body, None, answered, lost)

    def react(self, table: Mapping[int, Reaction], code: int, doing: str, now_ms: int) -> None:
        """Do what a refusal asks for."""
        reaction = table.get(code, Reaction.FATAL)
        if reaction is Reaction.FATAL:
            self.fail(_error(code, doing))
        elif reaction is Reaction.RESET:
            # Only an unknown member needs a new name; with an old one the coordinator knows who comes back.
            self._reset(keep_member=code == ErrorCode.ILLEGAL_GENERATION)
        elif reaction is Reaction.NAMED:
            self.unjoin(now_ms)
        elif reaction is Reaction.REJOIN and self.state is State.STABLE:
            self.heart.start(now_ms)
            self.rejoin()
        elif reaction is Reaction.REJOIN:
            self.unjoin(now_ms)
        else:
            if reaction is Reaction.FIND:
                self.router.forget(self.where, ErrorCode.NOT_COORDINATOR)
            due_ms = now_ms + self.backoff.next_ms()
            if self.state is State.STABLE:
                self.heart.missed(due_ms)
            else:
                self.unjoin(due_ms)

    def unjoin(self, due_ms: int) -> None:
        """Join (again) from ``due_ms`` on."""
        self.hang_up()
        self.due_ms = due_ms
        self.move(State.UNJOINED)

    def _reset(self, *, keep_member: bool) -> None:
        """Our generation is over without us."""
        self.forget(keep_member=keep_member)
        self.due_ms = 0
        self.move(State.UNJOINED)

    def hang_up(self) -> None:
        """What is under way no longer matters."""
        self._round += 1
        self._sync = None
        self.leadership.resign()

    def forget(self, *, keep_member: bool) -> None:
        """Be nobody's member any more."""
        self.hang_up()
        member_id = self.identity.member_id if keep_member else NO_MEMBER
        self.identity = self.identity._replace(member_id=member_id, generation=NO_GENERATION)
        self.assignment, self._owned = Assignment(), ()
        self.handover.lose_everything()

    def fail(self, error: ClientError) -> None:
        """Nothing helps: the application is told ``error`` once it knows that all is lost."""
        self.forget(keep_member=False)
        self.error = error
        self.move(State.FAILED)

    def move(self, state: State) -> None:
        if state is not self.state:
            assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
            self.state = state


def _read_member(group_id: str, member: JoinGroupResponseMember) -> GroupMember:
    try:
        return decode_subscription(member.metadata, member.member_id, member.group_instance_id)
    except ProtocolError as error:
        doing = f"reading the subscription of member {member.member_id} of group {group_id}"
        raise error_for(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, doing, str(error)) from error


def _error(code: int, doing: str) -> ClientError:
    return error_for(code, doing, ADVICE.get(code))
