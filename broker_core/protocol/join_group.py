"""JoinGroup (API key 11): joins a classic group and learns its generation.

Owns the two message classes, nothing else. Versions 0 to 9, flexible from 6.

Request:
- Starting from version 4, the client needs to issue a second request to join group with assigned id.
- Starting from version 5, we add a new field called groupInstanceId to indicate member identity across restarts.
- Version 8 adds the Reason field (KIP-800).

Response:
- Version 2 adds throttle time.
- Starting in version 4, the client needs to issue a second request to join group with assigned id.
- Version 5 is bumped to apply group.instance.id to identify member across restarts.
- Starting from version 7, the broker sends back the Protocol Type to the client (KIP-559).
- Version 9 adds the SkipAssignment field.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Bytes, Field, Int16, Int32, String, Struct


class JoinGroupRequestProtocol(Struct, frozen=True, kw_only=True):
    name: String = ""
    metadata: Bytes = b""


class JoinGroupRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 11
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    group_id: String = ""
    session_timeout_ms: Int32 = 0
    """The coordinator considers the consumer dead if it receives no heartbeat after this timeout in milliseconds."""
    rebalance_timeout_ms: Annotated[Int32, Field(since=1, ignorable=True)] = -1
    """The maximum time in milliseconds that the coordinator will wait for each member to rejoin when rebalancing the
    group.
    """
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=5, nullable=5)] = None
    protocol_type: String = ""
    """The unique name the for class of protocols implemented by the group we want to join."""
    protocols: tuple[JoinGroupRequestProtocol, ...] = ()
    reason: Annotated[String | None, Field(since=8, nullable=8, ignorable=True)] = None


class JoinGroupResponseMember(Struct, frozen=True, kw_only=True):
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=5, nullable=5, ignorable=True)] = None
    metadata: Bytes = b""


class JoinGroupResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 11
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 9
    FLEXIBLE_FROM: ClassVar[int] = 6

    throttle_time_ms: Annotated[Int32, Field(since=2, ignorable=True)] = 0
    error_code: Int16 = 0
    generation_id: Int32 = -1
    protocol_type: Annotated[String | None, Field(since=7, nullable=7, ignorable=True)] = None
    protocol_name: Annotated[String | None, Field(nullable=7)] = ""
    leader: String = ""
    skip_assignment: Annotated[Bool, Field(since=9)] = False
    member_id: String = ""
    members: tuple[JoinGroupResponseMember, ...] = ()
