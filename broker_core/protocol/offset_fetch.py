"""OffsetFetch (API key 9): reads the offsets that groups have committed.

Owns the two message classes, nothing else. Versions 1 to 9, flexible from 6.

Request:
- Starting in version 2, the request can contain a null topics array to indicate that offsets for all topics should
  be fetched. It also returns a top level error code for group or coordinator level errors.
- Version 7 is adding the require stable flag.
- Version 8 is adding support for fetching offsets for multiple groups at a time.
- Version 9 is the first version that can be used with the new consumer group protocol (KIP-848). It adds the
  MemberId and MemberEpoch fields. Those are filled in and validated when the new consumer protocol is used.

Response:
- Version 2 adds a top-level error code.
- Version 3 adds the throttle time.
- Version 5 adds the leader epoch to the committed offset.
- Version 7 adds pending offset commit as new error response on partition level.
- Version 8 is adding support for fetching offsets for multiple groups
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int16, Int32, Int64, String, Struct


class OffsetFetchRequestTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_indexes: tuple[Int32, ...] = ()


class OffsetFetchRequestTopics(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_indexes: tuple[Int32, ...] = ()


class OffsetFetchRequestGroup(Struct, frozen=True, kw_only=True):
    group_id: String = ""
    member_id: Annotated[String | None, Field(since=9, nullable=9, ignorable=True)] = None
    member_epoch: Annotated[Int32, Field(since=9, ignorable=True)] = -1
    topics: Annotated[tuple[OffsetFetchRequestTopics, ...] | None, Field(nullable=0)] = ()
    """Each topic we would like to fetch offsets for, or null to fetch offsets for all topics."""


class OffsetFetchRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 9
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    group_id: Annotated[String, Field(until=7)] = ""
    topics: Annotated[tuple[OffsetFetchRequestTopic, ...] | None, Field(until=7, nullable=2)] = ()
    """Each topic we would like to fetch offsets for, or null to fetch offsets for all topics."""
    groups: Annotated[tuple[OffsetFetchRequestGroup, ...], Field(since=8)] = ()
    require_stable: Annotated[Bool, Field(since=7)] = False
    """Whether broker should hold on returning unstable offsets but set a retriable error code for the partitions."""


class OffsetFetchResponsePartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, Field(since=5, ignorable=True)] = -1
    metadata: Annotated[String | None, Field(nullable=0)] = ""
    error_code: Int16 = 0


class OffsetFetchResponseTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[OffsetFetchResponsePartition, ...] = ()


class OffsetFetchResponsePartitions(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Int32 = -1
    metadata: Annotated[String | None, Field(nullable=0)] = ""
    error_code: Int16 = 0


class OffsetFetchResponseTopics(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[OffsetFetchResponsePartitions, ...] = ()


class OffsetFetchResponseGroup(Struct, frozen=True, kw_only=True):
    group_id: String = ""
    topics: tuple[OffsetFetchResponseTopics, ...] = ()
    error_code: Int16 = 0


class OffsetFetchResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 9
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    throttle_time_ms: Annotated[Int32, Field(since=3, ignorable=True)] = 0
    topics: Annotated[tuple[OffsetFetchResponseTopic, ...], Field(until=7)] = ()
    error_code: Annotated[Int16, Field(since=2, until=7, ignorable=True)] = 0
    groups: Annotated[tuple[OffsetFetchResponseGroup, ...], Field(since=8)] = ()
