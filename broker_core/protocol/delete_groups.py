"""DeleteGroups (API key 42): deletes empty groups.

Owns the two message classes, nothing else. Versions 0 to 2, flexible from 2.
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import Int16, Int32, String, Struct


class DeleteGroupsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 42
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    groups_names: tuple[String, ...] = ()


class DeletableGroupResult(Struct, frozen=True, kw_only=True):
    group_id: String = ""
    error_code: Int16 = 0


class DeleteGroupsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 42
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    results: tuple[DeletableGroupResult, ...] = ()
