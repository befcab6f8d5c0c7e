"""DeleteRecords (API key 21), versions 0 to 2: moves the start of logs forward; offset -1 deletes all there is.

The new starts are durable when the answer goes out (Kafka writes them once a minute): one write for all partitions of a
request. The disk space comes back with the next round of housekeeping.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code, find_log
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

_HIGH_WATERMARK: Final = -1
_NO_WATERMARK: Final = -1


def handle(context: BrokerContext, body: DeleteRecordsRequest, call: Call) -> Outcome:
    topics = tuple(
        DeleteRecordsTopicResult(
            name=topic.name,
            partitions=tuple(_partition(context, topic.name, partition) for partition in topic.partitions),
        )
        for topic in body.topics
    )
    try:
        context.partitions.write_points()
    except OSError as error:
        context.observer.event("broker.checkpoint_failed", reason=str(error))
        topics = tuple(replace(topic, partitions=tuple(map(_not_durable, topic.partitions))) for topic in topics)
    return Reply(DeleteRecordsResponse(topics=topics))


def _not_durable(result: DeleteRecordsPartitionResult) -> DeleteRecordsPartitionResult:
    code = result.error_code or ErrorCode.KAFKA_STORAGE_ERROR
    return replace(result, error_code=code, low_watermark=_NO_WATERMARK)


def _partition(context: BrokerContext, topic: str, partition: DeleteRecordsPartition) -> DeleteRecordsPartitionResult:
    try:
        log = find_log(context, topic, partition.partition_index)
        if "delete" not in log.config.cleanup_policy:
            raise BrokerError(
                ErrorCode.POLICY_VIOLATION, f"records of {log.topic_partition} go by compaction only (cleanup.policy)"
            )
        offset = log.high_watermark if partition.offset == _HIGH_WATERMARK else partition.offset
        start_offset = log.delete_records_before(offset)
    except REFUSALS as error:
        return DeleteRecordsPartitionResult(
            partition_index=partition.partition_index, low_watermark=_NO_WATERMARK, error_code=error_code(error)
        )
    return DeleteRecordsPartitionResult(partition_index=partition.partition_index, low_watermark=start_offset)
