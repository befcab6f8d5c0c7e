"""DeleteAcls (API key 31): removes access rules that match filters.

Owns the two message classes, nothing else. Versions 1 to 3, flexible from 2.

Request:
- Version 3 adds the user resource type.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, String, Struct


class DeleteAclsFilter(Struct, frozen=True, kw_only=True):
    resource_type_filter: Int8 = 0
    resource_name_filter: Annotated[String | None, Field(nullable=0)] = ""
    pattern_type_filter: Int8 = 3
    principal_filter: Annotated[String | None, Field(nullable=0)] = ""
    host_filter: Annotated[String | None, Field(nullable=0)] = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class DeleteAclsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 31
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    filters: tuple[DeleteAclsFilter, ...] = ()


class DeleteAclsMatchingAcl(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    resource_type: Int8 = 0
    resource_name: String = ""
    pattern_type: Int8 = 3
    principal: String = ""
    host: String = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class DeleteAclsFilterResult(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    matching_acls: tuple[DeleteAclsMatchingAcl, ...] = ()


class DeleteAclsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 31
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    filter_results: tuple[DeleteAclsFilterResult, ...] = ()
