"""Records of ``__consumer_offsets``: the key and value classes and their translation.

Byte layout: docs/formats/coordinator_records.md; it is Kafka's ``OffsetCommitKey``, ``OffsetCommitValue`` and
``GroupMetadataKey``. The key's version tells the kinds of records apart. Group metadata is reserved for groups with
members; it is recognised and skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from broker_core.decision import CoordinatorRecord
from broker_core.model import NO_LEADER_EPOCH, LeaderEpoch, Offset, TimestampMs, TopicPartition
from broker_core.protocol.schema import (
    NEVER_FLEXIBLE,
    Field,
    Int32,
    Int64,
    String,
    Struct,
    decode_versioned,
    encode_versioned,
    read_version,
)

OFFSET_KEY_VERSION: Final = 1
OFFSET_VALUE_VERSION: Final = 3
GROUP_METADATA_KEY_VERSION: Final = 2


class OffsetCommitKey(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    group: String = ""
    topic: String = ""
    partition: Int32 = 0


class OffsetCommitValue(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    offset: Int64 = 0
    leader_epoch: Annotated[Int32, Field(since=3, ignorable=True)] = NO_LEADER_EPOCH
    metadata: String = ""
    commit_timestamp: Int64 = 0
    expire_timestamp: Annotated[Int64, Field(since=1, until=1, ignorable=True)] = -1


class GroupMetadataKey(Struct, frozen=True, kw_only=True):
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    group: String = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedOffset:
    """What a group has committed for one partition.

    Attributes:
        offset: of the next record to read.
        leader_epoch: of the last record read, or ``NO_LEADER_EPOCH``.
        metadata: the committer's own text.
        committed_ms: when.
        position: offset of this record in ``__consumer_offsets``; the later of two commits is the one further on.
    """

    offset: Offset
    leader_epoch: LeaderEpoch = NO_LEADER_EPOCH
    metadata: str = ""
    committed_ms: TimestampMs
    position: Offset = -1


def to_record(group_id: str, target: TopicPartition, committed: CommittedOffset) -> CoordinatorRecord:
    """The record that commits ``committed`` for ``target``."""
    value = OffsetCommitValue(
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
        commit_timestamp=committed.committed_ms,
    )
    return CoordinatorRecord(_key(group_id, target), encode_versioned(value, OFFSET_VALUE_VERSION))


def to_tombstone(group_id: str, target: TopicPartition) -> CoordinatorRecord:
    """The record that forgets what was committed for ``target``."""
    return CoordinatorRecord(_key(group_id, target), None)


def _key(group_id: str, target: TopicPartition) -> bytes:
    key = OffsetCommitKey(group=group_id, topic=target.topic, partition=target.partition)
    return encode_versioned(key, OFFSET_KEY_VERSION)


def read_key(key: bytes) -> tuple[str, TopicPartition] | None:
    """Group and target of an offset commit; ``None`` for other kinds of records. Raises ``ProtocolError``."""
    if read_version(key) > OFFSET_KEY_VERSION:
        return None
    stored = decode_versioned(OffsetCommitKey, key)
    return stored.group, TopicPartition(stored.topic, stored.partition)


def read_value(value: bytes, position: Offset) -> CommittedOffset:
    """The commit that stands at ``position``. Raises ``ProtocolError``."""
    stored = decode_versioned(OffsetCommitValue, value)
    return CommittedOffset(
        offset=stored.offset,
        leader_epoch=stored.leader_epoch,
        metadata=stored.metadata,
        committed_ms=stored.commit_timestamp,
        position=position,
    )
