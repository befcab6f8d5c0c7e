"""OffsetForLeaderEpoch (API key 23), versions 2 to 4: where a leader epoch ends in the log.

3: replica id. 4: flexible. Consumers find out with it whether their position was truncated away (KIP-320).
"""

from __future__ import annotations

from broker_core.handlers.context import REFUSALS, BrokerContext, check_leader_epoch, error_code, find_log
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)


def handle(context: BrokerContext, body: OffsetForLeaderEpochRequest, call: Call) -> Outcome:
    return Reply(
        OffsetForLeaderEpochResponse(
            topics=tuple(
                OffsetForLeaderTopicResult(
                    topic=topic.topic,
                    partitions=tuple(_partition(context, topic.topic, partition) for partition in topic.partitions),
                )
                for topic in body.topics
            )
        )
    )


def _partition(context: BrokerContext, topic: str, partition: OffsetForLeaderPartition) -> EpochEndOffset:
    try:
        log = find_log(context, topic, partition.partition)
        check_leader_epoch(log, partition.current_leader_epoch)
    except REFUSALS as error:
        return EpochEndOffset(partition=partition.partition, error_code=error_code(error))
    leader_epoch, end_offset = log.end_offset_for_epoch(partition.leader_epoch)
    return EpochEndOffset(partition=partition.partition, leader_epoch=leader_epoch, end_offset=end_offset)
