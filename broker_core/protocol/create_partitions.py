"""CreatePartitions (API key 37): adds partitions to topics.

Owns the two message classes, nothing else. Versions 0 to 3, flexible from 2.

Request:
- Version 3 is identical to version 2 but may return a THROTTLING_QUOTA_EXCEEDED error in the response if the
  partitions creation is throttled (KIP-599).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int16, Int32, String, Struct


class CreatePartitionsAssignment(Struct, frozen=True, kw_only=True):
    broker_ids: tuple[Int32, ...] = ()


class CreatePartitionsTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    count: Int32 = 0
    assignments: Annotated[tuple[CreatePartitionsAssignment, ...] | None, Field(nullable=0)] = ()


class CreatePartitionsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 37
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    topics: tuple[CreatePartitionsTopic, ...] = ()
    timeout_ms: Int32 = 0
    validate_only: Bool = False
    """If true, then validate the request, but don't actually increase the number of partitions."""


class CreatePartitionsTopicResult(Struct, frozen=True, kw_only=True):
    name: String = ""
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = None


class CreatePartitionsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 37
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    results: tuple[CreatePartitionsTopicResult, ...] = ()
