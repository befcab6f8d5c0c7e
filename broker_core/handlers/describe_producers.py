"""DescribeProducers (API key 61), version 0: the producers that a partition remembers, open transactions included."""

from __future__ import annotations

from broker_core.handlers.context import REFUSALS, BrokerContext, error_code, find_log
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)


def handle(context: BrokerContext, body: DescribeProducersRequest, call: Call) -> Outcome:
    return Reply(
        DescribeProducersResponse(
            topics=tuple(
                TopicResponse(
                    name=topic.name,
                    partitions=tuple(_describe(context, topic.name, index) for index in topic.partition_indexes),
                )
                for topic in body.topics
            )
        )
    )


def _describe(context: BrokerContext, topic: str, index: int) -> PartitionResponse:
    try:
        producers = find_log(context, topic, index).producers()
    except REFUSALS as error:
        return PartitionResponse(partition_index=index, error_code=error_code(error), error_message=str(error))
    return PartitionResponse(
        partition_index=index,
        active_producers=tuple(
            ProducerState(
                producer_id=entry.producer_id,
                producer_epoch=entry.epoch,
                last_sequence=entry.batches[-1].last_sequence if entry.batches else -1,
                last_timestamp=entry.last_timestamp,
                coordinator_epoch=entry.coordinator_epoch,
                current_txn_start_offset=entry.transaction_first_offset,
            )
            for entry in producers
        ),
    )
