"""One classic group as it is right now: its state, its members, and whose requests wait for an answer.

Session state: it may change while a decision is made, is lost in a crash, and is rebuilt with fresh timers from what
``membership`` has stored. Owns what can be said about one group without requests and without time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from broker_core.group.consumer_protocol import CONSUMER_PROTOCOL_TYPE, read_topics
from broker_core.group.membership import StoredGroup, StoredMember
from broker_core.group.states import NEXT_STATES, GroupState
from broker_core.model import NO_TIMESTAMP, TimestampMs

MAX_PENDING_MEMBERS: Final = 10_000
"""Ids of one group given out and not yet used; more comes from a client that never joins with what it gets."""


class Ticket(NamedTuple):
    """A request that waits: the token its answer goes out under, and the version that shapes it."""

    token: int
    api_version: int


class Protocol(NamedTuple):
    """One way of assigning that a member knows, and what it says to the leader in that case."""

    name: str
    metadata: bytes


@dataclass(slots=True, kw_only=True)
class Member:
    """A member of a group.

    Attributes:
        protocols: in the order of its preference.
        join, sync: the request of it that is parked.
        is_new: it has never had an answer to a join, so that it cannot send heartbeats.
    """

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: tuple[Protocol, ...]
    join: Ticket | None = None
    sync: Ticket | None = None
    is_new: bool = False

    def metadata(self, protocol: str | None) -> bytes:
        """What it says under ``protocol``."""
        return next((each.metadata for each in self.protocols if each.name == protocol), b"")


@dataclass(slots=True, kw_only=True)
class ClassicGroup:
    """A group and its members, in the order in which they came.

    Attributes:
        protocol_type: that all members have; None before the first member.
        protocol, leader: of the generation; None while there are no members.
        pending: ids that were given out and are to come back in a join (KIP-394).
        static: member ids by instance id (KIP-345).
        unsynced: members that have not sent SyncGroup in this generation.
        is_initial: the rebalance under way began with an empty group.
        initial_deadline_ms: the initial delay is not extended beyond this.
        was_joined: somebody joined since the initial delay was last extended.
        is_storing: the generation's assignment has been written and is not yet on disk.
    """

    group_id: str
    state: GroupState = GroupState.EMPTY
    state_ms: TimestampMs = NO_TIMESTAMP
    generation: int = 0
    protocol_type: str | None = None
    protocol: str | None = None
    leader: str | None = None
    members: dict[str, Member] = field(default_factory=dict)
    pending: dict[str, None] = field(default_factory=dict)
    static: dict[str, str] = field(default_factory=dict)
    unsynced: dict[str, None] = field(default_factory=dict)
    is_initial: bool = False
    initial_deadline_ms: int = 0
    was_joined: bool = False
    is_storing: bool = False

    @classmethod
    def of(cls, group_id: str, stored: StoredGroup) -> ClassicGroup:
        """The group after a restart: stable if it has members."""
        group = cls(
            group_id=group_id,
            state=GroupState.STABLE if stored.members else GroupState.EMPTY,
            state_ms=stored.state_ms,
            generation=stored.generation,
            protocol_type=stored.protocol_type or None,
            protocol=stored.protocol,
            leader=stored.leader,
        )
        for each in stored.members:
            group.members[each.member_id] = Member(
                member_id=each.member_id,
                instance_id=each.instance_id,
                client_id=each.client_id,
                client_host=each.client_host,
                rebalance_timeout_ms=each.rebalance_timeout_ms,
                session_timeout_ms=each.session_timeout_ms,
                protocols=(Protocol(stored.protocol or "", each.subscription),),
            )
            if each.instance_id is not None:
                group.static[each.instance_id] = each.member_id
        return group

    def stored(self, assignments: dict[str, bytes], state_ms: TimestampMs) -> StoredGroup:
        """This generation for the record; members without an assignment get an empty one."""
        return StoredGroup(
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader,
            state_ms=state_ms,
            members=tuple(
                StoredMember(
                    member_id=member.member_id,
                    instance_id=member.instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout_ms=member.rebalance_timeout_ms,
                    session_timeout_ms=member.session_timeout_ms,
                    subscription=member.metadata(self.protocol),
                    assignment=assignments.get(member.member_id, b""),
                )
                for member in self.members.values()
            ),
        )

    @property
    def is_idle(self) -> bool:
        """Nobody is there or about to come."""
        return self.state is GroupState.EMPTY and not self.pending

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest that any member asks for."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    @property
    def has_all_joined(self) -> bool:
        return not self.pending and all(member.join is not None for member in self.members.values())

    def move(self, state: GroupState, now_ms: int) -> None:
        """A legal step."""
        assert state in NEXT_STATES[self.state], f"{self.group_id}: {self.state.value} to {state.value}"
        self.state, self.state_ms = state, now_ms

    def supports(self, protocol_type: str, protocols: Iterable[Protocol]) -> bool:
        """Whether somebody who offers this can be a member: same type, and a protocol that all members know."""
        offered = [each.name for each in protocols]
        if not self.members:
            return bool(protocol_type and offered)
        return protocol_type == self.protocol_type and any(name in self._common_protocols() for name in offered)

    def _common_protocols(self) -> list[str]:
        """Protocols that all members know, as the first of them prefers."""
        first, *others = self.members.values()
        known = [{each.name for each in member.protocols} for member in others]
        return [each.name for each in first.protocols if all(each.name in names for names in known)]

    def elected_protocol(self) -> str:
        """Each member votes for the first of its protocols that all know; the first to get the most votes wins."""
        common = self._common_protocols()
        votes = dict.fromkeys(common, 0)
        for member in self.members.values():
            votes[next(each.name for each in member.protocols if each.name in votes)] += 1
        return max(votes, key=votes.__getitem__)

    def elect_leader(self) -> bool:
        """Keep the leader if it has joined, else take the first who has; False if nobody has."""
        joined = [member.member_id for member in self.members.values() if member.join is not None]
        if joined and self.leader not in joined:
            self.leader = joined[0]
        return bool(joined)

    def add(self, member: Member, protocol_type: str) -> None:
        if not self.members:
            self.protocol_type = protocol_type
        self.members[member.member_id] = member
        self.pending.pop(member.member_id, None)
        if member.instance_id is not None:
            self.static[member.instance_id] = member.member_id

    def remove(self, member_id: str) -> None:
        member = self.members.pop(member_id)
        self.unsynced.pop(member_id, None)
        if member.instance_id is not None and self.static.get(member.instance_id) == member_id:
            del self.static[member.instance_id]
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)

    def rename(self, old_id: str, new_id: str) -> None:
        """A static member has a new id; its place is kept."""
        renamed = {}
        for member_id, member in self.members.items():
            if member_id == old_id:
                member.member_id = new_id
            renamed[member.member_id] = member
        self.members = renamed
        instance_id = self.members[new_id].instance_id
        assert instance_id is not None
        self.static[instance_id] = new_id
        if old_id in self.unsynced:
            del self.unsynced[old_id]
            self.unsynced[new_id] = None
        if self.leader == old_id:
            self.leader = new_id

    def subscribed_topics(self) -> frozenset[str] | None:
        """Topics that the generation's consumers subscribe to; None if they are not consumers, or cannot be read."""
        if self.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return None
        found = [read_topics(member.metadata(self.protocol)) for member in self.members.values()]
        known = [topics for topics in found if topics is not None]
        return frozenset(topic for topics in known for topic in topics) if len(known) == len(found) else None
