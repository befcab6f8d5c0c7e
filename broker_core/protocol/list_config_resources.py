"""ListConfigResources (API key 74): lists what has settings.

Owns the two message classes, nothing else. Versions 0 to 1, flexible from 0.

Request:
- Version 1 adds ResourceTypes field (KIP-1142). If there is no specified ResourceTypes, it should return all
  configuration resources.

Response:
- Version 1 adds ResourceType to ConfigResources (KIP-1142).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, String, Struct


class ListConfigResourcesRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 74
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    resource_types: Annotated[tuple[Int8, ...], Field(since=1)] = ()
    """The list of resource type. If the list is empty, it uses default supported config resource types."""


class ConfigResource(Struct, frozen=True, kw_only=True):
    resource_name: String = ""
    resource_type: Annotated[Int8, Field(since=1, ignorable=True)] = 16


class ListConfigResourcesResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 74
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    config_resources: tuple[ConfigResource, ...] = ()
