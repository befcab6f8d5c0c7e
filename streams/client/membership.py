"""One consumer's membership in a classic group. Sans-IO: answers in, requests and an application's events out.

Owns what the application says: that it subscribes, that it is alive (max.poll.interval), that it leaves. The talk with
the coordinator and the table of states are ``group_conversation``'s. Offsets and records are not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from streams.assignment.model import Assignment
from streams.client import group_requests
from streams.client.calls import Backoff, Call, Router
from streams.client.group_conversation import BEATING, Conversation, State
from streams.client.group_requests import MEMBER
from streams.client.group_settings import NO_MEMBER, GroupIdentity, GroupSettings
from streams.client.handover import Event, Handover
from streams.client.leadership import PartitionCounts
from streams.client.pending import Pending
from streams.errors import ClientError

LEAVE_TIMEOUT_MS: Final = 5_000
"""For how long a member that leaves looks for somebody to tell."""


class Membership:
    """The machine. Used by one thread, pumped as every core is.

    Arguments:
        settings: the group and how to take part.
        router: finds the coordinator.
        backoff: between tries.
        partition_counts: what the group's leader plans with.
    """

    def __init__(
        self, settings: GroupSettings, *, router: Router, backoff: Backoff, partition_counts: PartitionCounts
    ) -> None:
        self.settings = settings
        self._talk = Conversation(settings, router=router, backoff=backoff, partition_counts=partition_counts)
        self._polled_ms = 0
        self._left: Pending[None] | None = None

    @property
    def state(self) -> State:
        return self._talk.state

    @property
    def error(self) -> ClientError | None:
        """Why it is ``FAILED``; to be raised once the last event is told."""
        return self._talk.error

    @property
    def identity(self) -> GroupIdentity:
        """In whose name to commit."""
        return self._talk.identity

    @property
    def assignment(self) -> Assignment:
        """What the group's leader gave this member, as of the present generation."""
        return self._talk.assignment

    @property
    def handover(self) -> Handover:
        """The talk with the application."""
        return self._talk.handover

    def subscribe(self, topics: Sequence[str], now_ms: int) -> None:
        """Take part for these topics; a changed subscription makes the group rebalance."""
        wanted = tuple(sorted(dict.fromkeys(topics)))
        changed, self._talk.topics = wanted != self._talk.topics, wanted
        if changed and self.state is not State.OUT:
            self._talk.rejoin()
        self.polled(now_ms)

    def polled(self, now_ms: int) -> None:
        """The application is alive; called whenever it comes for records."""
        self._polled_ms = now_ms
        if self.state is State.OUT and self._talk.topics:
            self._talk.due_ms = 0
            self._talk.move(State.UNJOINED)

    def next_event(self) -> Event | None:
        """What the application is to be told next. After ``Revoked`` and ``Lost`` it says ``released``."""
        return self.handover.next_event()

    def refused(self, identity: GroupIdentity, code: int, now_ms: int) -> None:
        """A commit in the name of ``identity`` was refused: what that says about the membership."""
        if identity == self._talk.identity and self.state in BEATING:
            self._talk.react(MEMBER, code, f"committing offsets of group {self.settings.group_id}", now_ms)

    def give_up(self) -> None:
        """Begin to leave: take everything back from the application, and join nothing any more."""
        self._talk.topics = ()
        self.handover.take_back_topics_but(())

    def leave(self, now_ms: int) -> Pending[None]:
        """Leave; a static member only goes silent, so that it may come back. Settled without error in any case."""
        self._talk.topics = ()
        if self._left is not None:
            return self._left
        left: Pending[None] = Pending()
        if self.state in BEATING | {State.JOINING, State.UNJOINED} and self._leaves_aloud:
            self._left = left
            self._talk.hang_up()
            self._talk.due_ms, self._polled_ms = now_ms, now_ms
            self._talk.move(State.LEAVING)
        else:
            self._out()
            left.resolve(None)
        return left

    def calls(self, now_ms: int) -> list[Call]:
        """For the pump."""
        if self.state in (State.OUT, State.FAILED):
            return []
        if self.state is State.LEAVING:
            return self._leave(now_ms)
        if now_ms - self._polled_ms >= self.settings.max_poll_interval_ms:
            return self._fall_silent()
        try:
            return self._talk.calls(now_ms)
        except ClientError as error:
            self._talk.fail(error)
            return []

    def next_deadline(self) -> int | None:
        """For the pump."""
        if self.state in (State.OUT, State.FAILED):
            return None
        if self.state is State.LEAVING:
            return self._talk.due_ms
        deadlines = [self._polled_ms + self.settings.max_poll_interval_ms]
        if self.state is State.UNJOINED and self._talk.due_ms:
            deadlines.append(self._talk.due_ms)
        if self.state in BEATING:
            deadlines.append(self._talk.heart.next_ms)
        if self.state is State.STABLE and self._talk.leadership.due_ms is not None:
            deadlines.append(self._talk.leadership.due_ms)
        return min(deadlines)

    @property
    def _leaves_aloud(self) -> bool:
        return self._talk.identity.member_id != NO_MEMBER and self.settings.instance_id is None

    def _fall_silent(self) -> list[Call]:
        """The application has not come back for too long: let others read, and join anew when it does."""
        calls: list[Call] = []
        if self._leaves_aloud and (node := self._talk.router.locate(self._talk.where)) is not None:
            body = group_requests.leave(self._talk.identity)
            calls.append(Call(node.node_id, body, None, lambda _, __: None, lambda _, __: None))
        self._talk.forget(keep_member=False)
        self._talk.move(State.OUT)
        return calls

    def _leave(self, now_ms: int) -> list[Call]:
        if now_ms - self._polled_ms >= LEAVE_TIMEOUT_MS:
            self._out()
        if self.state is not State.LEAVING or now_ms < self._talk.due_ms:
            return []
        self._talk.due_ms = self._polled_ms + LEAVE_TIMEOUT_MS
        try:
            node = self._talk.router.locate(self._talk.where)
        except ClientError:
            node = None
        if node is None:
            self._talk.due_ms = now_ms + self._talk.backoff.next_ms()
            return []
        body = group_requests.leave(self._talk.identity)
        return [Call(node.node_id, body, None, lambda _, __: self._gone(), lambda _, __: self._gone())]

    def _gone(self) -> None:
        if self.state is State.LEAVING:
            self._out()

    def _out(self) -> None:
        if self.state is State.OUT:
            return
        self._talk.forget(keep_member=False)
        self._talk.move(State.OUT)
        left, self._left = self._left, None
        if left is not None:
            left.resolve(None)
