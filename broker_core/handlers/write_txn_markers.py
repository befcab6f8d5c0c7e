"""WriteTxnMarkers (API key 27), version 1: ends a producer's transaction in single partitions, over its owner's head.

``kafka-transactions abort`` sends it for a transaction that hangs: open in a log, and unknown to its coordinator. The
coordinator itself writes its markers without this request. Answered when the markers are durable; each partition
succeeds or fails by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from broker_core.decision import Marker
from broker_core.errors import ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.model import Offset, TopicPartition
from broker_core.outcome import Call, Outcome, Parked, Reply
from broker_core.protocol.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)


def handle(context: BrokerContext, body: WriteTxnMarkersRequest, call: Call) -> Outcome:
    required: dict[TopicPartition, Offset] = {}
    codes = [_write(context, asked, required, call.now_ms) for asked in body.markers]
    missing = {
        partition: end for partition, end in required.items() if context.partitions.find(partition).high_watermark < end
    }
    if not missing:
        return Reply(_response(body, codes, {}))
    return Parked(context.waiting.writes.park(missing, lambda lost: _response(body, codes, lost)))


def _write(
    context: BrokerContext, asked: WritableTxnMarker, required: dict[TopicPartition, Offset], now_ms: int
) -> dict[TopicPartition, ErrorCode]:
    marker = Marker(
        producer_id=asked.producer_id,
        producer_epoch=asked.producer_epoch,
        coordinator_epoch=asked.coordinator_epoch,
        commit=asked.transaction_result,
    )
    codes: dict[TopicPartition, ErrorCode] = {}
    for topic in asked.topics:
        for index in topic.partition_indexes:
            partition = TopicPartition(topic.name, index)
            try:
                context.partitions.find(partition)
                need = context.coordinator.journal.write_marker(partition, marker, now_ms)
            except REFUSALS as error:
                context.observer.event("txn.marker_refused", partition=str(partition), reason=str(error))
                codes[partition] = error_code(error)
            else:
                codes[partition] = ErrorCode.NONE
                required[partition] = need.offset or 0
    return codes


def _response(
    body: WriteTxnMarkersRequest,
    codes: list[dict[TopicPartition, ErrorCode]],
    lost: Mapping[TopicPartition, ErrorCode],
) -> WriteTxnMarkersResponse:
    def result(known: dict[TopicPartition, ErrorCode], topic: str, index: int) -> WritableTxnMarkerPartitionResult:
        partition = TopicPartition(topic, index)
        code = known[partition] or lost.get(partition, ErrorCode.NONE)
        return WritableTxnMarkerPartitionResult(partition_index=index, error_code=code)

    return WriteTxnMarkersResponse(
        markers=tuple(
            WritableTxnMarkerResult(
                producer_id=asked.producer_id,
                topics=tuple(
                    WritableTxnMarkerTopicResult(
                        name=topic.name,
                        partitions=tuple(result(known, topic.name, index) for index in topic.partition_indexes),
                    )
                    for topic in asked.topics
                ),
            )
            for asked, known in zip(body.markers, codes, strict=True)
        )
    )
