"""AlterClientQuotas (API key 49): sets quotas.

Owns the two message classes, nothing else. Versions 0 to 1, flexible from 1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Float64, Int16, Int32, String, Struct


class EntityData(Struct, frozen=True, kw_only=True):
    entity_type: String = ""
    entity_name: Annotated[String | None, Field(nullable=0)] = ""


class OpData(Struct, frozen=True, kw_only=True):
    key: String = ""
    value: Float64 = 0.0
    remove: Bool = False


class EntryData(Struct, frozen=True, kw_only=True):
    entity: tuple[EntityData, ...] = ()
    ops: tuple[OpData, ...] = ()


class AlterClientQuotasRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 49
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    entries: tuple[EntryData, ...] = ()
    validate_only: Bool = False


class ResponseEntryData(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    entity: tuple[EntityData, ...] = ()


class AlterClientQuotasResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 49
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 1

    throttle_time_ms: Int32 = 0
    entries: tuple[ResponseEntryData, ...] = ()
