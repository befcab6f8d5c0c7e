"""Fetch (API key 1): reads record batches from several partitions, waiting for data when asked to.

Owns the two message classes, nothing else. Versions 4 to 17, flexible from 12.

Request:
- Version 5 adds LogStartOffset to indicate the earliest available offset of partition data that can be consumed.
- Version 7 adds incremental fetch request support.
- Version 9 adds CurrentLeaderEpoch, as described in KIP-320.
- Version 10 indicates that we can use the ZStd compression algorithm, as described in KIP-110.
- Version 12 adds flexible versions support as well as epoch validation through the ``LastFetchedEpoch`` field
- Version 13 replaces topic names with topic IDs (KIP-516). May return UNKNOWN_TOPIC_ID error code.
- Version 15 adds the ReplicaState which includes new field ReplicaEpoch and the ReplicaId. Also, deprecate the old
  ReplicaId field and set its default value to -1. (KIP-903)
- Version 17 adds directory id support from KIP-853

Response:
- Starting in version 6, we may return KAFKA_STORAGE_ERROR as an error code.
- Version 10 indicates that the response data can use the ZStd compression algorithm, as described in KIP-110.
- Version 13 replaces the topic name field with topic ID (KIP-516).
- Version 16 adds the 'NodeEndpoints' field (KIP-951).
- Version 17 no changes to the response (KIP-853).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import NO_UUID, Field, Int8, Int16, Int32, Int64, Records, String, Struct, Uuid


class ReplicaState(Struct, frozen=True, kw_only=True):
    replica_id: Int32 = -1
    """The replica ID of the follower, or -1 if this request is from a consumer."""
    replica_epoch: Int64 = -1


class FetchPartition(Struct, frozen=True, kw_only=True):
    partition: Int32 = 0
    current_leader_epoch: Annotated[Int32, Field(since=9, ignorable=True)] = -1
    fetch_offset: Int64 = 0
    last_fetched_epoch: Annotated[Int32, Field(since=12)] = -1
    log_start_offset: Annotated[Int64, Field(since=5, ignorable=True)] = -1
    """The earliest available offset of the follower replica. The field is only used when the request is sent by the
    follower.
    """
    partition_max_bytes: Int32 = 0
    """The maximum bytes to fetch from this partition. See KIP-74 for cases where this limit may not be honored."""
    replica_directory_id: Annotated[Uuid, Field(since=17, tag=0, ignorable=True)] = NO_UUID


class FetchTopic(Struct, frozen=True, kw_only=True):
    topic: Annotated[String, Field(until=12, ignorable=True)] = ""
    topic_id: Annotated[Uuid, Field(since=13, ignorable=True)] = NO_UUID
    partitions: tuple[FetchPartition, ...] = ()


class ForgottenTopic(Struct, frozen=True, kw_only=True):
    topic: Annotated[String, Field(until=12, ignorable=True)] = ""
    topic_id: Annotated[Uuid, Field(since=13, ignorable=True)] = NO_UUID
    partitions: tuple[Int32, ...] = ()


class FetchRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 1
    MIN_VERSION: ClassVar[int] = 4
    MAX_VERSION: ClassVar[int] = 17
    FLEXIBLE_FROM: ClassVar[int] = 12

    cluster_id: Annotated[String | None, Field(since=12, nullable=12, tag=0, ignorable=True)] = None
    """The clusterId if known. This is used to validate metadata fetches prior to broker registration."""
    replica_id: Annotated[Int32, Field(until=14)] = -1
    replica_state: Annotated[ReplicaState, Field(since=15, tag=1)] = ReplicaState()
    max_wait_ms: Int32 = 0
    min_bytes: Int32 = 0
    max_bytes: Int32 = 0x7FFF_FFFF
    """The maximum bytes to fetch. See KIP-74 for cases where this limit may not be honored."""
    isolation_level: Int8 = 0
    """This setting controls the visibility of transactional records. Using READ_UNCOMMITTED (isolation_level = 0)
    makes all records visible. With READ_COMMITTED (isolation_level = 1), non-transactional and COMMITTED
    transactional records are visible. To be more concrete, READ_COMMITTED returns all data from offsets smaller
    than the current LSO (last stable offset), and enables the inclusion of the list of aborted transactions in
    the result, which allows consumers to discard ABORTED transactional records.
    """
    session_id: Annotated[Int32, Field(since=7, ignorable=True)] = 0
    session_epoch: Annotated[Int32, Field(since=7, ignorable=True)] = -1
    """The fetch session epoch, which is used for ordering requests in a session."""
    topics: tuple[FetchTopic, ...] = ()
    forgotten_topics_data: Annotated[tuple[ForgottenTopic, ...], Field(since=7)] = ()
    rack_id: Annotated[String, Field(since=11, ignorable=True)] = ""


class EpochEndOffset(Struct, frozen=True, kw_only=True):
    epoch: Int32 = -1
    end_offset: Int64 = -1


class LeaderIdAndEpoch(Struct, frozen=True, kw_only=True):
    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class SnapshotId(Struct, frozen=True, kw_only=True):
    end_offset: Int64 = -1
    epoch: Int32 = -1


class AbortedTransaction(Struct, frozen=True, kw_only=True):
    producer_id: Int64 = 0
    first_offset: Int64 = 0


class PartitionData(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    high_watermark: Int64 = 0
    last_stable_offset: Int64 = -1
    """The last stable offset (or LSO) of the partition. This is the last offset such that the state of all
    transactional records prior to this offset have been decided (ABORTED or COMMITTED).
    """
    log_start_offset: Annotated[Int64, Field(since=5, ignorable=True)] = -1
    diverging_epoch: Annotated[EpochEndOffset, Field(since=12, tag=0)] = EpochEndOffset()
    """In case divergence is detected based on the ``LastFetchedEpoch`` and ``FetchOffset`` in the request, this
    field indicates the largest epoch and its end offset such that subsequent records are known to diverge.
    """
    current_leader: Annotated[LeaderIdAndEpoch, Field(since=12, tag=1)] = LeaderIdAndEpoch()
    snapshot_id: Annotated[SnapshotId, Field(since=12, tag=2)] = SnapshotId()
    """In the case of fetching an offset less than the LogStartOffset, this is the end offset and epoch that should
    be used in the FetchSnapshot request.
    """
    aborted_transactions: Annotated[tuple[AbortedTransaction, ...] | None, Field(nullable=0)] = ()
    preferred_read_replica: Annotated[Int32, Field(since=11)] = -1
    """The preferred read replica for the consumer to use on its next fetch request."""
    records: Annotated[Records | None, Field(nullable=0)] = None


class FetchableTopicResponse(Struct, frozen=True, kw_only=True):
    topic: Annotated[String, Field(until=12, ignorable=True)] = ""
    topic_id: Annotated[Uuid, Field(since=13, ignorable=True)] = NO_UUID
    partitions: tuple[PartitionData, ...] = ()


class NodeEndpoint(Struct, frozen=True, kw_only=True):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    rack: Annotated[String | None, Field(nullable=0)] = None


class FetchResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 1
    MIN_VERSION: ClassVar[int] = 4
    MAX_VERSION: ClassVar[int] = 17
    FLEXIBLE_FROM: ClassVar[int] = 12

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Field(since=7, ignorable=True)] = 0
    session_id: Annotated[Int32, Field(since=7)] = 0
    responses: tuple[FetchableTopicResponse, ...] = ()
    node_endpoints: Annotated[tuple[NodeEndpoint, ...], Field(since=16, tag=0)] = ()
    """Endpoints for all current-leaders enumerated in PartitionData, with errors NOT_LEADER_OR_FOLLOWER &
    FENCED_LEADER_EPOCH.
    """
