"""Heartbeat (API key 12): keeps a member of a classic group alive.

Owns the two message classes, nothing else. Versions 0 to 4, flexible from 4.

Request:
- Starting from version 3, we add a new field called groupInstanceId to indicate member identity across restarts.

Response:
- Version 1 adds throttle time.
- Starting from version 3, heartbeatRequest supports a new field called groupInstanceId to indicate member identity
  across restarts.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, String, Struct


class HeartbeatRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 12
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    group_id: String = ""
    generation_id: Int32 = 0
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=3, nullable=3)] = None


class HeartbeatResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 12
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 4

    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    error_code: Int16 = 0
