"""AlterPartitionReassignments (API key 45): moves partitions between brokers.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, String, Struct


class ReassignablePartition(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    replicas: Annotated[tuple[Int32, ...] | None, Field(nullable=0)] = None
    """The replicas to place the partitions on, or null to cancel a pending reassignment for this partition."""


class ReassignableTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[ReassignablePartition, ...] = ()


class AlterPartitionReassignmentsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 45
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    timeout_ms: Int32 = 60000
    topics: tuple[ReassignableTopic, ...] = ()


class ReassignablePartitionResponse(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""


class ReassignableTopicResponse(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[ReassignablePartitionResponse, ...] = ()


class AlterPartitionReassignmentsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 45
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    responses: tuple[ReassignableTopicResponse, ...] = ()
