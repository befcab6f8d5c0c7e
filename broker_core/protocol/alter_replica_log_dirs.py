"""AlterReplicaLogDirs (API key 34): moves replicas to other log directories.

Owns the two message classes, nothing else. Versions 1 to 2, flexible from 2.
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Int16, Int32, String, Struct


class AlterReplicaLogDirTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[Int32, ...] = ()


class AlterReplicaLogDir(Struct, frozen=True, kw_only=True):
    path: String = ""
    topics: tuple[AlterReplicaLogDirTopic, ...] = ()


class AlterReplicaLogDirsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 34
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    dirs: tuple[AlterReplicaLogDir, ...] = ()


class AlterReplicaLogDirPartitionResult(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0


class AlterReplicaLogDirTopicResult(Struct, frozen=True, kw_only=True):
    topic_name: String = ""
    partitions: tuple[AlterReplicaLogDirPartitionResult, ...] = ()


class AlterReplicaLogDirsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 34
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    results: tuple[AlterReplicaLogDirTopicResult, ...] = ()
