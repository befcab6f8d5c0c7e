"""DeleteRecords (API key 21), versions 0 to 2: moves the start of logs forward; offset -1 deletes all there is.

As in Kafka the new start is durable only at the next checkpoint of start offsets: until then a crash may bring back
records of the segment that the start lies in.
"""

from __future__ import annotations

from typing import Final

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
    return Reply(
        DeleteRecordsResponse(
            topics=tuple(
                DeleteRecordsTopicResult(
                    name=topic.name,
                    partitions=tuple(_partition(context, topic.name, partition) for partition in topic.partitions),
                )
                for topic in body.topics
            )
        )
    )


def _partition(context: BrokerContext, topic: str, partition: DeleteRecordsPartition) -> DeleteRecordsPartitionResult:
    try:
        log = find_log(context, topic, partition.partition_index)
        offset = log.high_watermark if partition.offset == _HIGH_WATERMARK else partition.offset
        start_offset = log.delete_records_before(offset)
    except REFUSALS as error:
        return DeleteRecordsPartitionResult(
            partition_index=partition.partition_index, low_watermark=_NO_WATERMARK, error_code=error_code(error)
        )
    return DeleteRecordsPartitionResult(partition_index=partition.partition_index, low_watermark=start_offset)
