"""DescribeQuorum (API key 55): shows the quorum that keeps the cluster's metadata.

Owns the two message classes, nothing else. Versions 0 to 2, flexible from 0.

Request:
- Version 1 adds additional fields in the response. The request is unchanged (KIP-836).
- Version 2 adds additional fields in the response. The request is unchanged (KIP-853).

Response:
- Version 1 adds LastFetchTimeStamp and LastCaughtUpTimestamp in ReplicaState (KIP-836).
- Version 2 adds ErrorMessage, Nodes, ErrorMessage in PartitionData, ReplicaDirectoryId in ReplicaState (KIP-853).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import NO_UUID, Field, Int16, Int32, Int64, String, Struct, Uint16, Uuid


class PartitionData(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0


class TopicData(Struct, frozen=True, kw_only=True):
    topic_name: String = ""
    partitions: tuple[PartitionData, ...] = ()


class DescribeQuorumRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 55
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    topics: tuple[TopicData, ...] = ()


class ReplicaState(Struct, frozen=True, kw_only=True):
    replica_id: Int32 = 0
    replica_directory_id: Annotated[Uuid, Field(since=2)] = NO_UUID
    log_end_offset: Int64 = 0
    last_fetch_timestamp: Annotated[Int64, Field(since=1, ignorable=True)] = -1
    """The last known leader wall clock time when a follower fetched from the leader. This is reported as -1
    both for the current leader or if it is unknown for a voter.
    """
    last_caught_up_timestamp: Annotated[Int64, Field(since=1, ignorable=True)] = -1
    """The leader wall clock append time of the offset for which the follower made the most recent fetch request.
    This is reported as the current time for the leader and -1 if unknown for a voter.
    """


class ResponsePartitionData(Struct, frozen=True, kw_only=True):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(since=2, nullable=2, ignorable=True)] = ""
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0
    high_watermark: Int64 = 0
    current_voters: tuple[ReplicaState, ...] = ()
    observers: tuple[ReplicaState, ...] = ()


class ResponseTopicData(Struct, frozen=True, kw_only=True):
    topic_name: String = ""
    partitions: tuple[ResponsePartitionData, ...] = ()


class Listener(Struct, frozen=True, kw_only=True):
    name: String = ""
    host: String = ""
    port: Uint16 = 0


class Node(Struct, frozen=True, kw_only=True):
    node_id: Int32 = 0
    listeners: tuple[Listener, ...] = ()


class DescribeQuorumResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 55
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(since=2, nullable=2, ignorable=True)] = ""
    topics: tuple[ResponseTopicData, ...] = ()
    nodes: Annotated[tuple[Node, ...], Field(since=2)] = ()
