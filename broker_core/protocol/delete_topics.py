"""DeleteTopics (API key 20): deletes topics, by name or by id.

Owns the two message classes, nothing else. Versions 1 to 6, flexible from 4.

Request:
- Version 5 adds ErrorMessage in the response and may return a THROTTLING_QUOTA_EXCEEDED error in the response if
  the topics deletion is throttled (KIP-599).
- Version 6 reorganizes topics, adds topic IDs and allows topic names to be null.

Response:
- Starting in version 3, a TOPIC_DELETION_DISABLED error code may be returned.
- Version 6 adds topic ID to responses. An UNSUPPORTED_VERSION error code will be returned when attempting to
  delete using topic IDs when IBP < 2.8. UNKNOWN_TOPIC_ID error code will be returned when IBP is at least 2.8, but
  the topic ID was not found.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import NO_UUID, Field, Int16, Int32, String, Struct, Uuid


class DeleteTopicState(Struct, frozen=True, kw_only=True):
    name: Annotated[String | None, Field(nullable=0)] = None
    topic_id: Uuid = NO_UUID


class DeleteTopicsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 20
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 4

    topics: Annotated[tuple[DeleteTopicState, ...], Field(since=6)] = ()
    topic_names: Annotated[tuple[String, ...], Field(until=5, ignorable=True)] = ()
    timeout_ms: Int32 = 0
    """The length of time in milliseconds to wait for the deletions to complete."""


class DeletableTopicResult(Struct, frozen=True, kw_only=True):
    name: Annotated[String | None, Field(nullable=6)] = ""
    topic_id: Annotated[Uuid, Field(since=6, ignorable=True)] = NO_UUID
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None


class DeleteTopicsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 20
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 4

    throttle_time_ms: Int32 = 0
    responses: tuple[DeletableTopicResult, ...] = ()
