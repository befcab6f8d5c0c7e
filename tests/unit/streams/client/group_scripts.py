"""A coordinator whose answers the test writes, and the words to write them with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from broker_core.errors import ErrorCode
from broker_core.protocol.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember
from broker_core.protocol.leave_group import LeaveGroupRequest, LeaveGroupResponse
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupResponse
from streams.assignment import Assignment, GroupMember
from streams.assignment.wire import decode_subscription, encode_assignment, encode_subscription
from streams.client.calls import Backoff, Call, Node, Where
from streams.client.errors import ConnectionLost
from streams.client.group_settings import GroupSettings
from streams.client.membership import Membership
from streams.client.pending import Pending
from streams.model import TopicPartition
from tests.unit.streams.assignment.groups import places

ANSWERS = {
    JoinGroupRequest: JoinGroupResponse,
    SyncGroupRequest: SyncGroupResponse,
    HeartbeatRequest: HeartbeatResponse,
    LeaveGroupRequest: LeaveGroupResponse,
}


class Script:
    """One membership, and the test as its coordinator. Time passes only when the test says so."""

    def __init__(self, counts: dict[str, int] | None = None, **settings: Any) -> None:
        self.now_ms = 1_000_000
        self.counts = counts or {"t": 4}
        self.node: Node | None = Node(7)
        self.forgotten = 0
        self.member = Membership(
            GroupSettings(group_id="g", **settings),
            router=self,
            backoff=Backoff(20, 1_000, random.Random(1)),
            partition_counts=self._count,
        )
        self._calls: list[Call] = []

    def locate(self, where: Where) -> Node | None:
        return self.node

    def forget(self, where: Where, code: int) -> None:
        self.forgotten += 1

    def after(self, ms: int) -> Script:
        self.now_ms += ms
        return self

    def take(self, kind: type) -> Any:
        """The one request that goes out now; it is of this kind."""
        self._calls += self.member.calls(self.now_ms)
        assert [type(call.body).__name__ for call in self._calls] == [kind.__name__]
        return self._calls[0].body

    def says_nothing(self) -> bool:
        self._calls += self.member.calls(self.now_ms)
        return not self._calls

    def answer(self, kind: type, code: int = 0, **fields: Any) -> Any:
        """Answer the one request under way; returns it."""
        body = self.take(kind)
        self._calls.pop().answered(ANSWERS[kind](error_code=code, **fields), self.now_ms)
        return body

    def lose(self, kind: type) -> None:
        self.take(kind)
        self._calls.pop().lost(ConnectionLost(), self.now_ms)

    def joined(self, generation: int = 1, leader: bool = False, protocol: str = "range", **fields: Any) -> GroupMember:
        """Answer a JoinGroup; returns the subscription that it carried."""
        request = self.take(JoinGroupRequest)
        chosen = next(offered for offered in request.protocols if offered.name == protocol)
        members: Sequence[GroupMember] = fields.pop("members", ())
        self.answer(
            JoinGroupRequest,
            generation_id=generation,
            protocol_type="consumer",
            protocol_name=protocol,
            member_id="me",
            leader="me" if leader else "other",
            members=tuple(
                JoinGroupResponseMember(member_id=member.member_id, metadata=encode_subscription(member))
                for member in members
            ),
            **fields,
        )
        return decode_subscription(chosen.metadata, "me")

    def synced(self, *partitions: int, topic: str = "t") -> SyncGroupRequest:
        assigned = Assignment(partitions=places(topic, *partitions))
        request = self.answer(SyncGroupRequest, assignment=encode_assignment(assigned))
        assert isinstance(request, SyncGroupRequest)
        return request

    def member_of(self, *partitions: int, generation: int = 1, **fields: Any) -> Script:
        """Join and be told of an assignment."""
        self.member.subscribe(["t"], self.now_ms)
        self.joined(generation, **fields)
        self.synced(*partitions)
        self.told()
        return self

    def told(self) -> list[str]:
        """All that the application is told, as text; it lets go of everything at once."""
        found = []
        while (event := self.member.next_event()) is not None:
            found.append(f"{type(event).__name__} {' '.join(shown(place) for place in event.partitions)}".strip())
            self.member.handover.released()
        return found

    def _count(self, topics: Sequence[str]) -> Pending[dict[str, int]]:
        return Pending.of({topic: self.counts[topic] for topic in topics if topic in self.counts})


def shown(place: TopicPartition) -> str:
    return f"{place.topic}{place.partition}"


REBALANCE = ErrorCode.REBALANCE_IN_PROGRESS
