"""FindCoordinator (API key 10): says which broker coordinates a group or a transactional id.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 3.

Request:
- Version 1 adds KeyType.
- Version 4 adds support for batching via CoordinatorKeys (KIP-699)
- Version 5 adds support for new error code TRANSACTION_ABORTABLE (KIP-890).

Response:
- Version 1 adds throttle time and error messages.
- Version 4 adds support for batching via Coordinators (KIP-699)
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, String, Struct


class FindCoordinatorRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 10
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    key: Annotated[String, Field(until=3)] = ""
    key_type: Annotated[Int8, Field(since=1)] = 0
    coordinator_keys: Annotated[tuple[String, ...], Field(since=4)] = ()


class Coordinator(Struct, frozen=True, kw_only=True):
    key: String = ""
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""


class FindCoordinatorResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 10
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    error_code: Annotated[Int16, Field(until=3)] = 0
    error_message: Annotated[String | None, Field(since=1, until=3, nullable=1, ignorable=True)] = ""
    node_id: Annotated[Int32, Field(until=3)] = 0
    host: Annotated[String, Field(until=3)] = ""
    port: Annotated[Int32, Field(until=3)] = 0
    coordinators: Annotated[tuple[Coordinator, ...], Field(since=4)] = ()
