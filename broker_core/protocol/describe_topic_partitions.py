"""DescribeTopicPartitions (API key 75): shows the partitions of topics, a page at a time.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import NO_UUID, Bool, Field, Int16, Int32, String, Struct, Uuid


class TopicRequest(Struct, frozen=True, kw_only=True):
    name: String = ""


class Cursor(Struct, frozen=True, kw_only=True):
    topic_name: String = ""
    partition_index: Int32 = 0


class DescribeTopicPartitionsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 75
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    topics: tuple[TopicRequest, ...] = ()
    response_partition_limit: Int32 = 2000
    cursor: Annotated[Cursor | None, Field(nullable=0)] = None


class DescribeTopicPartitionsResponsePartition(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Int32 = -1
    replica_nodes: tuple[Int32, ...] = ()
    isr_nodes: tuple[Int32, ...] = ()
    eligible_leader_replicas: Annotated[tuple[Int32, ...] | None, Field(nullable=0)] = None
    last_known_elr: Annotated[tuple[Int32, ...] | None, Field(nullable=0)] = None
    offline_replicas: tuple[Int32, ...] = ()


class DescribeTopicPartitionsResponseTopic(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    name: Annotated[String | None, Field(nullable=0)] = ""
    topic_id: Uuid = NO_UUID
    is_internal: Bool = False
    partitions: tuple[DescribeTopicPartitionsResponsePartition, ...] = ()
    topic_authorized_operations: Int32 = -0x8000_0000


class DescribeTopicPartitionsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 75
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    topics: tuple[DescribeTopicPartitionsResponseTopic, ...] = ()
    next_cursor: Annotated[Cursor | None, Field(nullable=0)] = None
