"""Members of groups over ``coordinator_world``: each does what it is told, and remembers who it is.

A member is called by a name, which is also its client id. Answers that came at once and those that waited arrive in
``answers`` alike, in the order in which they left the broker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from broker_core.errors import ErrorCode
from broker_core.group.joining import Client
from broker_core.group.membership import StoredGroup
from broker_core.protocol.describe_groups import DescribedGroup, DescribeGroupsRequest
from broker_core.protocol.heartbeat import HeartbeatRequest
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker_core.protocol.leave_group import LeaveGroupRequest, MemberIdentity
from broker_core.protocol.primitives import write_string
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.unit.broker_core.coordinator_world import World

NEWEST = 9


@dataclass
class Someone:
    """What a client knows of its membership."""

    name: str
    member_id: str = ""
    generation: int = -1
    instance_id: str | None = None
    is_leader: bool = False


@dataclass(frozen=True)
class Answer:
    name: str
    kind: str
    body: Any

    @property
    def code(self) -> ErrorCode:
        return ErrorCode(self.body.error_code)


class Waiting(NamedTuple):
    name: str
    kind: str


def subscription(*topics: str, version: int = 3) -> bytes:
    """The beginning of a consumer's metadata."""
    pieces = [version.to_bytes(2, "big"), len(topics).to_bytes(4, "big")]
    for topic in topics:
        write_string(pieces.append, topic)
    return b"".join([*pieces, b"\xff\xff\xff\xff"])


class GroupWorld(World):
    """``settings`` as of ``World``; there is no initial delay unless one is given."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("group_initial_rebalance_delay_ms", 0)
        super().__init__(**settings)
        self.people: dict[str, Someone] = {}
        self.waiting: dict[int, Waiting] = {}
        self.answers: list[Answer] = []

    def who(self, name: str) -> Someone:
        return self.people.setdefault(name, Someone(name))

    def send(self, name: str, kind: str, body: object, version: int) -> None:
        answer = self.submit(body, version, Client(name.rstrip("*"), "/here"))
        if isinstance(answer, int):
            self.waiting[answer] = Waiting(name, kind)
        else:
            self._answered(name, kind, answer)
        self.collect()

    def collect(self) -> None:
        for token in list(self.replies):
            if token in self.waiting:
                waiting = self.waiting.pop(token)
                self._answered(waiting.name, waiting.kind, self.replies.pop(token))

    def _answered(self, name: str, kind: str, body: Any) -> None:
        self.answers.append(Answer(name, kind, body))
        if kind == "join" and body.error_code in {ErrorCode.NONE, ErrorCode.MEMBER_ID_REQUIRED}:
            someone = self.who(name)
            someone.member_id = body.member_id
            if body.error_code == ErrorCode.NONE:
                someone.generation = body.generation_id
                someone.is_leader = body.leader == body.member_id

    def take(self, name: str | None = None) -> list[Answer]:
        """Remove and return what has been answered (to ``name``)."""
        self.collect()
        taken = [each for each in self.answers if name in {None, each.name}]
        self.answers = [each for each in self.answers if each not in taken]
        return taken

    def one(self, name: str) -> Any:
        """The body of the only answer to ``name``."""
        (answer,) = self.take(name)
        return answer.body

    def is_waiting(self, name: str) -> bool:
        return any(each.name == name for each in self.waiting.values())

    # -- requests

    def join(
        self,
        name: str,
        version: int = NEWEST,
        *,
        rounds: int = 2,
        instance: str | None = None,
        protocols: dict[str, bytes] | tuple[str, ...] = ("range",),
        kind: str = "consumer",
        session_ms: int = 10_000,
        rebalance_ms: int = 60_000,
        group: str = "g",
    ) -> None:
        """JoinGroup; a second time with the id that the first round gave out, unless ``rounds`` says otherwise."""
        someone = self.who(name)
        someone.instance_id = instance or someone.instance_id
        if not isinstance(protocols, dict):
            protocols = dict.fromkeys(protocols, subscription("out"))
        for _ in range(rounds):
            body = JoinGroupRequest(
                group_id=group,
                session_timeout_ms=session_ms,
                rebalance_timeout_ms=rebalance_ms,
                member_id=someone.member_id,
                group_instance_id=someone.instance_id,
                protocol_type=kind,
                protocols=tuple(JoinGroupRequestProtocol(name=key, metadata=value) for key, value in protocols.items()),
            )
            self.send(name, "join", body, version)
            if not self.answers or self.answers[-1].code is not ErrorCode.MEMBER_ID_REQUIRED or rounds == 1:
                return
            self.answers.pop()

    def sync_group(self, name: str, assignments: dict[str, bytes] | None = None, **changes: Any) -> None:
        """SyncGroup; ``assignments`` by name."""
        self.sync_ids(
            name,
            {self.who(other).member_id: assignment for other, assignment in (assignments or {}).items()},
            **changes,
        )

    def sync_ids(self, name: str, assignments: dict[str, bytes], **changes: Any) -> None:
        """SyncGroup; ``assignments`` by member id."""
        someone = self.who(name)
        fields: dict[str, Any] = {
            "group_id": "g",
            "generation_id": someone.generation,
            "member_id": someone.member_id,
            "group_instance_id": someone.instance_id,
            "assignments": tuple(
                SyncGroupRequestAssignment(member_id=member_id, assignment=assignment)
                for member_id, assignment in assignments.items()
            ),
        }
        self.send(name, "sync", SyncGroupRequest(**{**fields, **changes}), 5)

    def heartbeat(self, name: str, **changes: Any) -> None:
        someone = self.who(name)
        fields = {
            "group_id": "g",
            "generation_id": someone.generation,
            "member_id": someone.member_id,
            "group_instance_id": someone.instance_id,
        }
        self.send(name, "heartbeat", HeartbeatRequest(**{**fields, **changes}), 4)

    def leave(self, *names: str, version: int = 5) -> None:
        """The first one sends it for all."""
        if version < 3:
            self.send(
                names[0], "leave", LeaveGroupRequest(group_id="g", member_id=self.who(names[0]).member_id), version
            )
            return
        members = tuple(
            MemberIdentity(member_id=self.who(name).member_id, group_instance_id=self.who(name).instance_id)
            for name in names
        )
        self.send(names[0], "leave", LeaveGroupRequest(group_id="g", members=members), version)

    def remove(self, *instances: str) -> None:
        """An administrator removes static members."""
        members = tuple(MemberIdentity(group_instance_id=instance) for instance in instances)
        self.send("admin", "leave", LeaveGroupRequest(group_id="g", members=members), 5)

    # -- whole rounds

    def settle_group(self, *names: str) -> None:
        """Everybody joins, the leader assigns each its own name, and all answers are taken."""
        for name in names:
            if not self.is_waiting(name):
                self.join(name)
        assert not self.waiting, "somebody else is waited for"
        for name in sorted(names, key=lambda each: not self.who(each).is_leader):
            assignments = {each: each.encode() for each in names} if self.who(name).is_leader else None
            self.sync_group(name, assignments)
        self.settle()
        self.take()

    # -- a look inside

    @property
    def described(self) -> DescribedGroup:
        (group,) = self.ask(DescribeGroupsRequest(groups=("g",)), 5).groups
        assert isinstance(group, DescribedGroup)
        return group

    @property
    def group_state(self) -> str:
        return self.described.group_state

    @property
    def stored(self) -> StoredGroup | None:
        return self.coordinator.groups.memberships.get("g")
