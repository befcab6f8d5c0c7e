"""ListGroups (API key 16): lists the groups that a broker coordinates.

Owns the two message classes, nothing else. Versions 0 to 5, flexible from 3.

Request:
- Version 4 adds the StatesFilter field (KIP-518).
- Version 5 adds the TypesFilter field (KIP-848).

Response:
- Version 1 adds the throttle time.
- Version 4 adds the GroupState field (KIP-518).
- Version 5 adds the GroupType field (KIP-848).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, String, Struct


class ListGroupsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 16
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    states_filter: Annotated[tuple[String, ...], Field(since=4)] = ()
    """The states of the groups we want to list. If empty, all groups are returned with their state."""
    types_filter: Annotated[tuple[String, ...], Field(since=5)] = ()
    """The types of the groups we want to list. If empty, all groups are returned with their type."""


class ListedGroup(Struct, frozen=True, kw_only=True):
    group_id: String = ""
    protocol_type: String = ""
    group_state: Annotated[String, Field(since=4, ignorable=True)] = ""
    group_type: Annotated[String, Field(since=5, ignorable=True)] = ""


class ListGroupsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 16
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 5
    FLEXIBLE_FROM: ClassVar[int] = 3

    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    error_code: Int16 = 0
    groups: tuple[ListedGroup, ...] = ()
