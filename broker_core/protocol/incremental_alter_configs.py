"""IncrementalAlterConfigs (API key 44): changes single settings of a resource.

Owns the two message classes, nothing else. Versions 0 to 1, flexible from 1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int8, Int16, Int32, String, Struct


class AlterableConfig(Struct, frozen=True, kw_only=True):
    name: String = ""
    config_operation: Int8 = 0
    value: Annotated[String | None, Field(nullable=0)] = ""


class AlterConfigsResource(Struct, frozen=True, kw_only=True):
    resource_type: Int8 = 0
    resource_name: String = ""
    configs: tuple[AlterableConfig, ...] = ()


class IncrementalAlterConfigsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 44
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    resources: tuple[AlterConfigsResource, ...] = ()
    validate_only: Bool = False
    """True if we should validate the request, but not change the configurations."""


class AlterConfigsResourceResponse(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    resource_type: Int8 = 0
    resource_name: String = ""


class IncrementalAlterConfigsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 44
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    throttle_time_ms: Int32 = 0
    responses: tuple[AlterConfigsResourceResponse, ...] = ()
