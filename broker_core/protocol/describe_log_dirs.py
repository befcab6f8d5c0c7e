"""DescribeLogDirs (API key 35): shows the sizes of partitions on disk.

Owns the two message classes, nothing else. Versions 1 to 4, flexible from 2.

Response:
- Version 3 adds the top-level ErrorCode field
- Version 4 adds the TotalBytes and UsableBytes fields
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int16, Int32, Int64, String, Struct


class DescribableLogDirTopic(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partitions: tuple[Int32, ...] = ()


class DescribeLogDirsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 35
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 2

    topics: Annotated[tuple[DescribableLogDirTopic, ...] | None, Field(nullable=0)] = ()
    """Each topic that we want to describe log directories for, or null for all topics."""


class DescribeLogDirsPartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    partition_size: Int64 = 0
    offset_lag: Int64 = 0
    """The lag of the log's LEO w.r.t. partition's HW (if it is the current log for the partition) or current
    replica's LEO (if it is the future log for the partition).
    """
    is_future_key: Bool = False
    """True if this log is created by AlterReplicaLogDirsRequest and will replace the current log of the replica in
    the future.
    """


class DescribeLogDirsTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[DescribeLogDirsPartition, ...] = ()


class DescribeLogDirsResult(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    log_dir: String = ""
    topics: tuple[DescribeLogDirsTopic, ...] = ()
    total_bytes: Annotated[Int64, Field(since=4, ignorable=True)] = -1
    """The total size in bytes of the volume the log directory is in. This value does not include the size of data
    stored in remote storage.
    """
    usable_bytes: Annotated[Int64, Field(since=4, ignorable=True)] = -1
    """The usable size in bytes of the volume the log directory is in. This value does not include the size of data
    stored in remote storage.
    """


class DescribeLogDirsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 35
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Field(since=3, ignorable=True)] = 0
    results: tuple[DescribeLogDirsResult, ...] = ()
