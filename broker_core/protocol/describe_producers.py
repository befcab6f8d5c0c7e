"""DescribeProducers (API key 61): shows the producers that a partition remembers.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, String, Struct


class TopicRequest(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_indexes: tuple[Int32, ...] = ()


class DescribeProducersRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 61
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    topics: tuple[TopicRequest, ...] = ()


class ProducerState(Struct, frozen=True, kw_only=True):
    producer_id: Int64 = 0
    producer_epoch: Int32 = 0
    last_sequence: Int32 = -1
    last_timestamp: Int64 = -1
    coordinator_epoch: Int32 = 0
    current_txn_start_offset: Int64 = -1


class PartitionResponse(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = None
    """The partition error message, which may be null if no additional details are available."""
    active_producers: tuple[ProducerState, ...] = ()


class TopicResponse(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[PartitionResponse, ...] = ()


class DescribeProducersResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 61
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    topics: tuple[TopicResponse, ...] = ()
