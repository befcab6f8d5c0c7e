"""SyncGroup (API key 14): hands out the assignment of a classic group's generation.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 4.

Request:
- Starting from version 3, we add a new field called groupInstanceId to indicate member identity across restarts.
- Starting from version 5, the client sends the Protocol Type and the Protocol Name to the broker (KIP-559). The
  broker will reject the request if they are inconsistent with the Type and Name known by the broker.

Response:
- Version 1 adds throttle time.
- Starting from version 3, syncGroupRequest supports a new field called groupInstanceId to indicate member identity
  across restarts.
- Starting from version 5, the broker sends back the Protocol Type and the Protocol Name to the client (KIP-559).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bytes, Field, Int16, Int32, String, Struct


class SyncGroupRequestAssignment(Struct, frozen=True, kw_only=True):
    member_id: String = ""
    assignment: Bytes = b""


class SyncGroupRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 14
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    group_id: String = ""
    generation_id: Int32 = 0
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=3, nullable=3)] = None
    protocol_type: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None
    protocol_name: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None
    assignments: tuple[SyncGroupRequestAssignment, ...] = ()


class SyncGroupResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 14
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    error_code: Int16 = 0
    protocol_type: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None
    protocol_name: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None
    assignment: Bytes = b""
