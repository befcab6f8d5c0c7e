"""DescribeClientQuotas (API key 48): lists quotas that match a filter.

Owns the two message classes, nothing else. Versions 0 to 1, flexible from 1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Float64, Int8, Int16, Int32, String, Struct


class ComponentData(Struct, frozen=True, kw_only=True):
    entity_type: String = ""
    match_type: Int8 = 0
    """How to match the entity {0 = exact name, 1 = default name, 2 = any specified name}."""
    match: Annotated[String | None, Field(nullable=0)] = ""


class DescribeClientQuotasRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 48
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    components: tuple[ComponentData, ...] = ()
    strict: Bool = False
    """Whether the match is strict, i.e. should exclude entities with unspecified entity types."""


class EntityData(Struct, frozen=True, kw_only=True):
    entity_type: String = ""
    entity_name: Annotated[String | None, Field(nullable=0)] = ""


class ValueData(Struct, frozen=True, kw_only=True):
    key: String = ""
    value: Float64 = 0.0


class EntryData(Struct, frozen=True, kw_only=True):
    entity: tuple[EntityData, ...] = ()
    values: tuple[ValueData, ...] = ()


class DescribeClientQuotasResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 48
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    entries: Annotated[tuple[EntryData, ...] | None, Field(nullable=0)] = ()
