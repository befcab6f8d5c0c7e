"""ListPartitionReassignments (API key 46): lists partitions on the move.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, String, Struct


class ListPartitionReassignmentsTopics(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_indexes: tuple[Int32, ...] = ()


class ListPartitionReassignmentsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 46
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    timeout_ms: Int32 = 60000
    topics: Annotated[tuple[ListPartitionReassignmentsTopics, ...] | None, Field(nullable=0)] = None
    """The topics to list partition reassignments for, or null to list everything."""


class OngoingPartitionReassignment(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    replicas: tuple[Int32, ...] = ()
    adding_replicas: tuple[Int32, ...] = ()
    removing_replicas: tuple[Int32, ...] = ()


class OngoingTopicReassignment(Struct, frozen=True, kw_only=True):
    name: String = ""
    partitions: tuple[OngoingPartitionReassignment, ...] = ()


class ListPartitionReassignmentsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 46
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    topics: tuple[OngoingTopicReassignment, ...] = ()
