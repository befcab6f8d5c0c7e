"""LeaveGroup (API key 13): removes members from a classic group.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 4.

Request:
- Version 3 defines batch processing scheme with group.instance.id + member.id for identity
- Version 5 adds the Reason field (KIP-800).

Response:
- Version 1 adds the throttle time.
- Starting in version 3, we will make leave group request into batch mode and add group.instance.id.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, String, Struct


class MemberIdentity(Struct, frozen=True, kw_only=True):
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(nullable=0)] = None
    reason: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None


class LeaveGroupRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 13
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    group_id: String = ""
    member_id: Annotated[String, Field(until=2)] = ""
    members: Annotated[tuple[MemberIdentity, ...], Field(since=3)] = ()


class MemberResponse(Struct, frozen=True, kw_only=True):
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(nullable=0)] = ""
    error_code: Int16 = 0


class LeaveGroupResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 13
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 4

    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    error_code: Int16 = 0
    members: Annotated[tuple[MemberResponse, ...], Field(since=3)] = ()
