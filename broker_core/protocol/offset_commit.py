"""OffsetCommit (API key 8): commits a group's offsets.

Owns the two message classes, nothing else. Versions 2 to 9, flexible from 8.

Request:
- Version 5 removes the retention time, which is now controlled only by a broker configuration.
- Version 6 adds the leader epoch for fencing.
- version 7 adds a new field called groupInstanceId to indicate member identity across restarts.

Response:
- Version 3 adds the throttle time to the response.
- Version 7 offsetCommitRequest supports a new field called groupInstanceId to indicate member identity across
  restarts.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, String, Struct


class OffsetCommitRequestPartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, Field(since=6, ignorable=True)] = -1
    committed_metadata: Annotated[String | None, Field(nullable=0)] = ""


class OffsetCommitRequestTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[OffsetCommitRequestPartition, ...] = ()


class OffsetCommitRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 8
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 8

    group_id: String = ""
    generation_id_or_member_epoch: Int32 = -1
    """The generation of the group if using the classic group protocol or the member epoch if using the consumer
    protocol.
    """
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=7, nullable=7)] = None
    retention_time_ms: Annotated[Int64, Field(until=4, ignorable=True)] = -1
    topics: tuple[OffsetCommitRequestTopic, ...] = ()


class OffsetCommitResponsePartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0


class OffsetCommitResponseTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[OffsetCommitResponsePartition, ...] = ()


class OffsetCommitResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 8
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 8

    throttle_time_ms: Annotated[Int32, Field(since=3, ignorable=True)] = 0
    topics: tuple[OffsetCommitResponseTopic, ...] = ()
