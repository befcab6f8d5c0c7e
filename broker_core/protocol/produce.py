"""Produce (API key 0): appends one record batch to each of several partitions.

Owns the two message classes, nothing else. Versions 3 to 12, flexible from 9.

Request:
- Starting in version 7, records can be produced using ZStandard compression. See KIP-110.
- Starting in Version 8, response has RecordErrors and ErrorMessage. See KIP-467.
- Version 11 adds support for new error code TRANSACTION_ABORTABLE (KIP-890).

Response:
- Version 4 added KAFKA_STORAGE_ERROR as a possible error code.
- Version 5 added LogStartOffset to filter out spurious OutOfOrderSequenceExceptions on the client.
- Version 8 added RecordErrors and ErrorMessage to include information about records that cause the whole batch to
  be dropped. See KIP-467 for details.
- Version 10 adds 'CurrentLeader' and 'NodeEndpoints' as tagged fields (KIP-951)
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int16, Int32, Int64, Records, String, Struct


class PartitionProduceData(Struct, frozen=True, kw_only=True):
    index: Int32 = 0
    records: Annotated[Records | None, Field(nullable=0)] = None


class TopicProduceData(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_data: tuple[PartitionProduceData, ...] = ()


class ProduceRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 0
    MIN_VERSION: ClassVar[int] = 3
    MAX_VERSION: ClassVar[int] = 12
    FLEXIBLE_FROM: ClassVar[int] = 9

    transactional_id: Annotated[String | None, Field(nullable=0)] = None
    acks: Int16 = 0
    """The number of acknowledgments the producer requires the leader to have received before considering a request
    complete. Allowed values: 0 for no acknowledgments, 1 for only the leader and -1 for the full ISR.
    """
    timeout_ms: Int32 = 0
    topic_data: tuple[TopicProduceData, ...] = ()


class BatchIndexAndErrorMessage(Struct, frozen=True, kw_only=True):
    batch_index: Int32 = 0
    batch_index_error_message: Annotated[String | None, Field(nullable=0)] = None


class LeaderIdAndEpoch(Struct, frozen=True, kw_only=True):
    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class PartitionProduceResponse(Struct, frozen=True, kw_only=True):
    index: Int32 = 0
    error_code: Int16 = 0
    base_offset: Int64 = 0
    log_append_time_ms: Int64 = -1
    """The timestamp returned by broker after appending the messages. If CreateTime is used for the topic, the
    timestamp will be -1. If LogAppendTime is used for the topic, the timestamp will be the broker local time when
    the messages are appended.
    """
    log_start_offset: Annotated[Int64, Field(since=5, ignorable=True)] = -1
    record_errors: Annotated[tuple[BatchIndexAndErrorMessage, ...], Field(since=8, ignorable=True)] = ()
    error_message: Annotated[String | None, Field(since=8, nullable=8, ignorable=True)] = None
    """The global error message summarizing the common root cause of the records that caused the batch to be dropped.
    """
    current_leader: Annotated[LeaderIdAndEpoch, Field(since=10, tag=0)] = LeaderIdAndEpoch()


class TopicProduceResponse(Struct, frozen=True, kw_only=True):
    name: String = ""
    partition_responses: tuple[PartitionProduceResponse, ...] = ()


class NodeEndpoint(Struct, frozen=True, kw_only=True):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    rack: Annotated[String | None, Field(nullable=0)] = None


class ProduceResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 0
    MIN_VERSION: ClassVar[int] = 3
    MAX_VERSION: ClassVar[int] = 12
    FLEXIBLE_FROM: ClassVar[int] = 9

    responses: tuple[TopicProduceResponse, ...] = ()
    throttle_time_ms: Int32 = 0
    node_endpoints: Annotated[tuple[NodeEndpoint, ...], Field(since=10, tag=0)] = ()
    """Endpoints for all current-leaders enumerated in PartitionProduceResponses, with errors NOT_LEADER_OR_FOLLOWER.
    """
