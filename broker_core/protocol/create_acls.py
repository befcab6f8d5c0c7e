"""CreateAcls (API key 30): adds access rules.

Owns the two message classes, nothing else. Versions 1 to 3, flexible from 2.

Request:
- Version 3 adds user resource type.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, String, Struct


class AclCreation(Struct, frozen=True, kw_only=True):
    resource_type: Int8 = 0
    resource_name: String = ""
    resource_pattern_type: Int8 = 3
    principal: String = ""
    host: String = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class CreateAclsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 30
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    creations: tuple[AclCreation, ...] = ()


class AclCreationResult(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""


class CreateAclsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 30
    MIN_VERSION: ClassVar[int] = 1
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    results: tuple[AclCreationResult, ...] = ()
