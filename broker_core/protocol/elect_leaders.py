"""ElectLeaders (API key 43): asks for leader elections.

Owns the two message classes, nothing else. Versions 0 to 2, flexible from 2.

Request:
- Version 1 implements multiple leader election types, as described by KIP-460.

Response:
- Version 1 adds a top-level error code.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, String, Struct


class TopicPartitions(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partitions: tuple[Int32, ...] = ()


class ElectLeadersRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 43
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    election_type: Annotated[Int8, Field(since=1)] = 0
    """Type of elections to conduct for the partition. A value of '0' elects the preferred replica. A value of '1'
    elects the first live replica if there are no in-sync replica.
    """
    topic_partitions: Annotated[tuple[TopicPartitions, ...] | None, Field(nullable=0)] = ()
    timeout_ms: Int32 = 60000


class PartitionResult(Struct, frozen=True, kw_only=True):
    partition_id: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""


class ReplicaElectionResult(Struct, frozen=True, kw_only=True):
    topic: String = ""
    partition_result: tuple[PartitionResult, ...] = ()


class ElectLeadersResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 43
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, Field(since=1)] = 0
    replica_election_results: tuple[ReplicaElectionResult, ...] = ()
    """The election results, or an empty array if the requester did not have permission and the request asks for all
    partitions.
    """
