"""OffsetForLeaderEpoch (API key 23): says where a leader epoch ended, for clients that detect truncation.

Owns the two message classes, nothing else. Versions 2 to 4, flexible from 4.

Request:
- Version 3 adds ReplicaId (the default is -2 which conventionally represents a "debug" consumer which is allowed
  to see offsets beyond the high watermark). Followers will use this replicaId when using an older version of the
  protocol.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, String, Struct


class OffsetForLeaderPartition(Struct, frozen=True, kw_only=True):
    partition: Int32 = 0
    current_leader_epoch: Int32 = -1
    """An epoch used to fence consumers/replicas with old metadata. If the epoch provided by the client is larger
    than the current epoch known to the broker, then the UNKNOWN_LEADER_EPOCH error code will be returned. If the
    provided epoch is smaller, then the FENCED_LEADER_EPOCH error code will be returned.
    """
    leader_epoch: Int32 = 0


class OffsetForLeaderTopic(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partitions: tuple[OffsetForLeaderPartition, ...] = ()


class OffsetForLeaderEpochRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 23
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    replica_id: Annotated[Int32, Field(since=3, ignorable=True)] = -2
    topics: tuple[OffsetForLeaderTopic, ...] = ()


class EpochEndOffset(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    partition: Int32 = 0
    leader_epoch: Int32 = -1
    end_offset: Int64 = -1


class OffsetForLeaderTopicResult(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partitions: tuple[EpochEndOffset, ...] = ()


class OffsetForLeaderEpochResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 23
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    throttle_time_ms: Int32 = 0
    topics: tuple[OffsetForLeaderTopicResult, ...] = ()
