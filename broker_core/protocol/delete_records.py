"""DeleteRecords (API key 21): moves the start of partitions forward.

Owns the two message classes, nothing else. Versions 0 to 2, flexible from 2.
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Int16, Int32, Int64, String, Struct


class DeleteRecordsPartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    offset: Int64 = 0
    """The deletion offset. -1 means that records should be truncated to the high watermark."""


class DeleteRecordsTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[DeleteRecordsPartition, ...] = ()


class DeleteRecordsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 21
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    topics: tuple[DeleteRecordsTopic, ...] = ()
    timeout_ms: Int32 = 0


class DeleteRecordsPartitionResult(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    low_watermark: Int64 = 0
    error_code: Int16 = 0


class DeleteRecordsTopicResult(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[DeleteRecordsPartitionResult, ...] = ()


class DeleteRecordsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 21
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    topics: tuple[DeleteRecordsTopicResult, ...] = ()
