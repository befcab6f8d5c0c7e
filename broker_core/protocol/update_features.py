"""UpdateFeatures (API key 57): changes finalized features.

Owns the two message classes, nothing else. Versions 0 to 2, flexible from 0.

Request:
- Version 1 adds validate only field.
- Version 2 changes the response to not return feature level results.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int8, Int16, Int32, String, Struct


class FeatureUpdateKey(Struct, frozen=True, kw_only=True):
    feature: String = ""
    max_version_level: Int16 = 0
    """The new maximum version level for the finalized feature. A value >= 1 is valid. A value < 1, is special, and
    can be used to request the deletion of the finalized feature.
    """
    allow_downgrade: Annotated[Bool, Field(until=0)] = False
    """DEPRECATED in version 1 (see DowngradeType). When set to true, the finalized feature version level is allowed
    to be downgraded/deleted. The downgrade request will fail if the new maximum version level is a value that's
    not lower than the existing maximum finalized version level.
    """
    upgrade_type: Annotated[Int8, Field(since=1)] = 1
    """Determine which type of upgrade will be performed: 1 will perform an upgrade only (default), 2 is safe
    downgrades only (lossless), 3 is unsafe downgrades (lossy).
    """


class UpdateFeaturesRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 57
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    timeout_ms: Int32 = 60000
    feature_updates: tuple[FeatureUpdateKey, ...] = ()
    validate_only: Annotated[Bool, Field(since=1)] = False
    """True if we should validate the request, but not perform the upgrade or downgrade."""


class UpdatableFeatureResult(Struct, frozen=True, kw_only=True):
    feature: String = ""
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""


class UpdateFeaturesResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 57
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    results: Annotated[tuple[UpdatableFeatureResult, ...], Field(until=1, ignorable=True)] = ()
