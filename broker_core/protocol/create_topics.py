"""CreateTopics (API key 19): creates topics.

Owns the two message classes, nothing else. Versions 2 to 7, flexible from 5.

Request:
- Version 4 makes partitions/replicationFactor optional even when assignments are not present (KIP-464)
- Version 5 also returns topic configs in the response (KIP-525).
- Version 6 is identical to version 5 but may return a THROTTLING_QUOTA_EXCEEDED error in the response if the
  topics creation is throttled (KIP-599).

Response:
- Version 4 makes partitions/replicationFactor optional even when assignments are not present (KIP-464).
- Version 7 returns the topic ID of the newly created topic if creation is successful.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import NO_UUID, Bool, Field, Int8, Int16, Int32, String, Struct, Uuid


class CreatableReplicaAssignment(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    broker_ids: tuple[Int32, ...] = ()


class CreatableTopicConfig(Struct, frozen=True, kw_only=True):
    name: String = ""
    value: Annotated[String | None, Field(nullable=0)] = ""


class CreatableTopic(Struct, frozen=True, kw_only=True):
    name: String = ""
    num_partitions: Int32 = 0
    """The number of partitions to create in the topic, or -1 if we are either specifying a manual partition
    assignment or using the default partitions.
    """
    replication_factor: Int16 = 0
    """The number of replicas to create for each partition in the topic, or -1 if we are either specifying a manual
    partition assignment or using the default replication factor.
    """
    assignments: tuple[CreatableReplicaAssignment, ...] = ()
    """The manual partition assignment, or the empty array if we are using automatic assignment."""
    configs: tuple[CreatableTopicConfig, ...] = ()


class CreateTopicsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 19
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 7
    FLEXIBLE_FROM: ClassVar[int] = 5

    topics: tuple[CreatableTopic, ...] = ()
    timeout_ms: Int32 = 60000
    validate_only: Bool = False
    """If true, check that the topics can be created as specified, but don't create anything."""


class CreatableTopicConfigs(Struct, frozen=True, kw_only=True):
    name: String = ""
    value: Annotated[String | None, Field(nullable=0)] = ""
    read_only: Bool = False
    config_source: Int8 = -1
    is_sensitive: Bool = False


class CreatableTopicResult(Struct, frozen=True, kw_only=True):
    name: String = ""
    topic_id: Annotated[Uuid, Field(since=7, ignorable=True)] = NO_UUID
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    topic_config_error_code: Annotated[Int16, Field(since=5, tag=0, ignorable=True)] = 0
    """Optional topic config error returned if configs are not returned in the response."""
    num_partitions: Annotated[Int32, Field(since=5, ignorable=True)] = -1
    replication_factor: Annotated[Int16, Field(since=5, ignorable=True)] = -1
    configs: Annotated[tuple[CreatableTopicConfigs, ...] | None, Field(since=5, nullable=5, ignorable=True)] = ()


class CreateTopicsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 19
    MIN_VERSION: ClassVar[int] = 2
    MAX_VERSION: ClassVar[int] = 7
    FLEXIBLE_FROM: ClassVar[int] = 5

    throttle_time_ms: Int32 = 0
    topics: tuple[CreatableTopicResult, ...] = ()
