"""ListOffsets (API key 2): finds offsets by timestamp, and the ends of partitions.

Owns the two message classes, nothing else. Versions 1 to 9, flexible from 6.

Request:
- Version 2 adds the isolation level, which is used for transactional reads.
- Version 4 adds the current leader epoch, which is used for fencing.
- Version 7 enables listing offsets by max timestamp (KIP-734).
- Version 8 enables listing offsets by local log start offset (KIP-405).
- Version 9 enables listing offsets by last tiered offset (KIP-1005).

Response:
- Version 2 adds the throttle time.
- Version 4 adds the leader epoch, which is used for fencing.
- Version 5 adds a new error code, OFFSET_NOT_AVAILABLE.
- Version 8 enables listing offsets by local log start offset. This is the earliest log start offset in the local
  log. (KIP-405).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, Int64, String, Struct


class ListOffsetsPartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    current_leader_epoch: Annotated[Int32, Field(since=4, ignorable=True)] = -1
    timestamp: Int64 = 0


class ListOffsetsTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[ListOffsetsPartition, ...] = ()


class ListOffsetsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 2
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    replica_id: Int32 = 0
    """The broker ID of the requester, or -1 if this request is being made by a normal consumer."""
    isolation_level: Annotated[Int8, Field(since=2)] = 0
    """This setting controls the visibility of transactional records. Using READ_UNCOMMITTED (isolation_level = 0)
    makes all records visible. With READ_COMMITTED (isolation_level = 1), non-transactional and COMMITTED
    transactional records are visible. To be more concrete, READ_COMMITTED returns all data from offsets smaller
    than the current LSO (last stable offset), and enables the inclusion of the list of aborted transactions in
    the result, which allows consumers to discard ABORTED transactional records.
    """
    topics: tuple[ListOffsetsTopic, ...] = ()


class ListOffsetsPartitionResponse(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    timestamp: Int64 = -1
    offset: Int64 = -1
    leader_epoch: Annotated[Int32, Field(since=4)] = -1


class ListOffsetsTopicResponse(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[ListOffsetsPartitionResponse, ...] = ()


class ListOffsetsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 2
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    throttle_time_ms: Annotated[Int32, Field(since=2, ignorable=True)] = 0
    topics: tuple[ListOffsetsTopicResponse, ...] = ()
