"""What ``__consumer_offsets`` says about the members of groups: Kafka's ``GroupMetadataValue``, and the table of it.

Byte layout: docs/formats/coordinator_records.md. A record is a whole generation: who its members are, what they asked
for and what they were assigned. All of it is durable state, changed by replay only; who waits for what is
``session``'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from broker_core.decision import CoordinatorRecord
from broker_core.group.records import GROUP_METADATA_KEY_VERSION, GroupMetadataKey
from broker_core.model import NO_TIMESTAMP, TimestampMs
from broker_core.protocol.schema import (
    Bytes,
    Field,
    Int32,
    Int64,
    String,
    Struct,
    decode_versioned,
    encode_versioned,
    read_version,
)

GROUP_VALUE_VERSION: Final = 3
"""What Kafka writes, too; 4 is its flexible form."""


class MemberMetadata(Struct, frozen=True, kw_only=True):
    """``rebalance_timeout`` and ``session_timeout`` are ms; ``subscription`` is the chosen protocol's metadata."""

    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=3, nullable=3, ignorable=True)] = None
    client_id: String = ""
    client_host: String = ""
    rebalance_timeout: Annotated[Int32, Field(since=1, ignorable=True)] = -1
    session_timeout: Int32 = 0
    subscription: Bytes = b""
    assignment: Bytes = b""


class GroupMetadataValue(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    protocol_type: String = ""
    generation: Int32 = 0
    protocol: Annotated[String | None, Field(nullable=0)] = None
    leader: Annotated[String | None, Field(nullable=0)] = None
    current_state_timestamp: Annotated[Int64, Field(since=2, ignorable=True)] = NO_TIMESTAMP
    members: tuple[MemberMetadata, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMember:
    """A member of a stored generation.

    Attributes:
        subscription: its metadata for the generation's protocol.
        assignment: what the leader gave it; opaque.
    """

    member_id: str
    instance_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int
    session_timeout_ms: int
    subscription: bytes = b""
    assignment: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGroup:
    """The last generation of a group that is on record: stable with its members, or empty without.

    Attributes:
        protocol, leader: None in an empty group.
        state_ms: when the group became what it is.
    """

    protocol_type: str
    generation: int
    protocol: str | None = None
    leader: str | None = None
    state_ms: TimestampMs = NO_TIMESTAMP
    members: tuple[StoredMember, ...] = ()

    def assignment(self, member_id: str) -> bytes:
        """A member's; empty for one that is not there."""
        return next((member.assignment for member in self.members if member.member_id == member_id), b"")


def to_group_record(group_id: str, group: StoredGroup) -> CoordinatorRecord:
    """The record that makes ``group`` the group's last generation."""
    value = GroupMetadataValue(
        protocol_type=group.protocol_type,
        generation=group.generation,
        protocol=group.protocol,
        leader=group.leader,
        current_state_timestamp=group.state_ms,
        members=tuple(
            MemberMetadata(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout=member.rebalance_timeout_ms,
                session_timeout=member.session_timeout_ms,
                subscription=member.subscription,
                assignment=member.assignment,
            )
            for member in group.members
        ),
    )
    return CoordinatorRecord(_key(group_id), encode_versioned(value, GROUP_VALUE_VERSION))


def to_group_tombstone(group_id: str) -> CoordinatorRecord:
    """The record that forgets the group."""
    return CoordinatorRecord(_key(group_id), None)


def _key(group_id: str) -> bytes:
    return encode_versioned(GroupMetadataKey(group=group_id), GROUP_METADATA_KEY_VERSION)


def read_group_key(key: bytes) -> str | None:
    """The group that a record is about; ``None`` for other kinds of records. Raises ``ProtocolError``."""
    if read_version(key) != GROUP_METADATA_KEY_VERSION:
        return None
    return decode_versioned(GroupMetadataKey, key).group


def read_group_value(value: bytes) -> StoredGroup:
    """The twin of ``to_group_record``. Raises ``ProtocolError``."""
    stored = decode_versioned(GroupMetadataValue, value)
    return StoredGroup(
        protocol_type=stored.protocol_type,
        generation=stored.generation,
        protocol=stored.protocol,
        leader=stored.leader,
        state_ms=stored.current_state_timestamp,
        members=tuple(
            StoredMember(
                member_id=member.member_id,
                instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout_ms=_rebalance_timeout_ms(member),
                session_timeout_ms=member.session_timeout,
                subscription=member.subscription,
                assignment=member.assignment,
            )
            for member in stored.members
        ),
    )


def _rebalance_timeout_ms(member: MemberMetadata) -> int:
    """Version 0 has no timeout of its own for rebalances."""
    return member.session_timeout if member.rebalance_timeout < 0 else member.rebalance_timeout


class MembershipTable:
    """The stored generation of every group that ever had members and was not deleted."""

    def __init__(self) -> None:
        self._groups: dict[str, StoredGroup] = {}

    def __iter__(self) -> Iterator[tuple[str, StoredGroup]]:
        yield from self._groups.items()

    def __len__(self) -> int:
        return len(self._groups)

    def get(self, group_id: str) -> StoredGroup | None:
        return self._groups.get(group_id)

    def replay(self, key: bytes, value: bytes | None) -> bool:
        """Apply one record; False for one of another kind. Raises ``ProtocolError`` for one that cannot be read."""
        group_id = read_group_key(key)
        if group_id is None:
            return False
        if value is None:
            self._groups.pop(group_id, None)
        else:
            self._groups[group_id] = read_group_value(value)
        return True
