"""ApiVersions (API key 18): says which APIs and versions a broker speaks.

Owns the two message classes, nothing else. Versions 0 to 4, flexible from 3.

Request:
- Version 3 is the first flexible version and adds ClientSoftwareName and ClientSoftwareVersion.
- Version 4 fixes KAFKA-17011, which blocked SupportedFeatures.MinVersion in the response from being 0.

Response:
- Version 1 adds throttle time to the response.
- Starting from Apache Kafka 2.4 (KIP-511), ApiKeys field is populated with the supported versions of the
  ApiVersionsRequest when an UNSUPPORTED_VERSION error is returned.
- Version 4 fixes KAFKA-17011, which blocked SupportedFeatures.MinVersion from being 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int16, Int32, Int64, String, Struct


class ApiVersionsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 18
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    client_software_name: Annotated[String, Field(since=3, ignorable=True)] = ""
    client_software_version: Annotated[String, Field(since=3, ignorable=True)] = ""


class ApiVersion(Struct, frozen=True, kw_only=True):
    api_key: Int16 = 0
    min_version: Int16 = 0
    max_version: Int16 = 0


class SupportedFeatureKey(Struct, frozen=True, kw_only=True):
    name: String = ""
    min_version: Int16 = 0
    max_version: Int16 = 0


class FinalizedFeatureKey(Struct, frozen=True, kw_only=True):
    name: String = ""
    max_version_level: Int16 = 0
    min_version_level: Int16 = 0


class ApiVersionsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 18
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 4
    FLEXIBLE_FROM: ClassVar[int] = 3

    error_code: Int16 = 0
    api_keys: tuple[ApiVersion, ...] = ()
    throttle_time_ms: Annotated[Int32, Field(since=1, ignorable=True)] = 0
    supported_features: Annotated[tuple[SupportedFeatureKey, ...], Field(since=3, tag=0, ignorable=True)] = ()
    """Features supported by the broker. Note: in v0-v3, features with MinSupportedVersion = 0 are omitted."""
    finalized_features_epoch: Annotated[Int64, Field(since=3, tag=1, ignorable=True)] = -1
    """The monotonically increasing epoch for the finalized features information. Valid values are >= 0. A value of
    -1 is special and represents unknown epoch.
    """
    finalized_features: Annotated[tuple[FinalizedFeatureKey, ...], Field(since=3, tag=2, ignorable=True)] = ()
    """List of cluster-wide finalized features. The information is valid only if FinalizedFeaturesEpoch >= 0."""
    zk_migration_ready: Annotated[Bool, Field(since=3, tag=3, ignorable=True)] = False
    """Set by a KRaft controller if the required configurations for ZK migration are present."""
