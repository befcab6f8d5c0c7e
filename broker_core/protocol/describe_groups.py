"""DescribeGroups (API key 15): shows classic groups with their members.

Owns the two message classes, nothing else. Versions 0 to 6, flexible from 5.

Request:
- Starting in version 3, authorized operations can be requested.
- Starting in version 4, the response will include group.instance.id info for members.
- Version 6 returns error code GROUP_ID_NOT_FOUND if the group ID is not found (KIP-1043).

Response:
- Version 1 added throttle time.
- Starting in version 3, brokers can send authorized operations.
- Starting in version 4, the response will optionally include group.instance.id info for members.
- Version 6 returns error code GROUP_ID_NOT_FOUND if the group ID is not found (KIP-1043). ProtocolData is
  currently only filled in if the group state is in the Stable state. N.B. If the group is in the Dead state, the
  members array will always be empty. This is currently only provided if the group is in the Stable state. This is
  currently only provided if the group is in the Stable state.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Bytes, Field, Int16, Int32, String, Struct


class DescribeGroupsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 15
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 5

    groups: tuple[String, ...] = ()
    include_authorized_operations: Annotated[Bool, Field(since=3)] = False


class DescribedGroupMember(Struct, frozen=True, kw_only=True):
    member_id: String = ""
    group_instance_id: Annotated[String | None, Field(since=4, nullable=4, ignorable=True)] = None
    client_id: String = ""
    client_host: String = ""
    member_metadata: Bytes = b""
    member_assignment: Bytes = b""


class DescribedGroup(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(since=6, nullable=6)] = None
    group_id: String = ""
    group_state: String = ""
    protocol_type: String = ""
    protocol_data: String = ""
    members: tuple[DescribedGroupMember, ...] = ()
    authorized_operations: Annotated[Int32, Field(since=3)] = -0x8000_0000


class DescribeGroupsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 15
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 6
    FLEXIBLE_FROM: ClassVar[int] = 5

    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    groups: tuple[DescribedGroup, ...] = ()
