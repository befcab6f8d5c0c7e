"""Metadata (API key 3): says which brokers, topics and partitions there are, and who leads them.

Owns the two message classes, nothing else. Versions 0 to 13, flexible from 9.

Request:
- Version 4 adds AllowAutoTopicCreation.
- Starting in version 8, authorized operations can be requested for cluster and topic resource.
- Version 10 adds topicId and allows name field to be null. However, this functionality was not implemented on the
  server.
- Versions 10 and 11 should not use the topicId field or set topic name to null.
- Version 11 deprecates IncludeClusterAuthorizedOperations field. This is now exposed by the DescribeCluster API
  (KIP-700).
- Version 12 supports topic Id.
- Version 13 supports top-level error code in the response.

Response:
- Version 1 adds fields for the rack of each broker, the controller id, and whether or not the topic is internal.
- Version 2 adds the cluster ID field.
- Version 3 adds the throttle time.
- Version 5 adds a per-partition offline_replicas field. This field specifies the list of replicas that are
  offline.
- Version 7 adds the leader epoch to the partition metadata.
- Starting in version 8, brokers can send authorized operations for topic and cluster.
- Version 10 adds topicId.
- Version 11 deprecates ClusterAuthorizedOperations. This is now exposed by the DescribeCluster API (KIP-700).
- Version 12 supports topicId.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import NO_UUID, Bool, Field, Int16, Int32, String, Struct, Uuid


class MetadataRequestTopic(Struct, frozen=True, kw_only=True):
    topic_id: Annotated[Uuid, Field(since=10, ignorable=True)] = NO_UUID
    name: Annotated[String | None, Field(nullable=10)] = ""


class MetadataRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 3
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 13
    FLEXIBLE_FROM: ClassVar[int] = 9

    topics: Annotated[tuple[MetadataRequestTopic, ...] | None, Field(nullable=1)] = ()
    allow_auto_topic_creation: Annotated[Bool, Field(since=4)] = True
    """If this is true, the broker may auto-create topics that we requested which do not already exist, if it is
    configured to do so.
    """
    include_cluster_authorized_operations: Annotated[Bool, Field(since=8, until=10)] = False
    include_topic_authorized_operations: Annotated[Bool, Field(since=8)] = False


class MetadataResponseBroker(Struct, frozen=True, kw_only=True):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    rack: Annotated[String | None, Field(since=1, nullable=1, ignorable=True)] = None


class MetadataResponsePartition(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Annotated[Int32, Field(since=7, ignorable=True)] = -1
    replica_nodes: tuple[Int32, ...] = ()
    isr_nodes: tuple[Int32, ...] = ()
    offline_replicas: Annotated[tuple[Int32, ...], Field(since=5, ignorable=True)] = ()


class MetadataResponseTopic(Struct, frozen=True, kw_only=True):
    error_code: Int16 = 0
    name: Annotated[String | None, Field(nullable=12)] = ""
    """The topic name. Null for non-existing topics queried by ID. This is never null when ErrorCode is zero. One of
    Name and TopicId is always populated.
    """
    topic_id: Annotated[Uuid, Field(since=10, ignorable=True)] = NO_UUID
    """The topic id. Zero for non-existing topics queried by name. This is never zero when ErrorCode is zero. One of
    Name and TopicId is always populated.
    """
    is_internal: Annotated[Bool, Field(since=1, ignorable=True)] = False
    partitions: tuple[MetadataResponsePartition, ...] = ()
    topic_authorized_operations: Annotated[Int32, Field(since=8)] = -0x8000_0000


class MetadataResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 3
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 13
    FLEXIBLE_FROM: ClassVar[int] = 9

    throttle_time_ms: Annotated[Int32, Field(since=3, ignorable=True)] = 0
    brokers: tuple[MetadataResponseBroker, ...] = ()
    cluster_id: Annotated[String | None, Field(since=2, nullable=2, ignorable=True)] = None
    controller_id: Annotated[Int32, Field(since=1, ignorable=True)] = -1
    topics: tuple[MetadataResponseTopic, ...] = ()
    cluster_authorized_operations: Annotated[Int32, Field(since=8, until=10)] = -0x8000_0000
    error_code: Annotated[Int16, Field(since=13, ignorable=True)] = 0
