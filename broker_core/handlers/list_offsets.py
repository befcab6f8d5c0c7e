"""ListOffsets (API key 2), versions 1 to 9: offsets by timestamp, and the ends of partitions.

- 2: isolation level: the latest offset is the last stable one for read_committed. 4: leader epochs.
- 7: -3, the record with the largest timestamp. 8: -4, the start of what is local. 9: -5, the end of what is tiered.
  Nothing is tiered here: -4 is the log's start, and -5 finds nothing.
"""

from __future__ import annotations

from typing import Final

from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, check_leader_epoch, error_code, find_log, isolation_of
from broker_core.log.partition_log import PartitionLog
from broker_core.model import (
    EARLIEST_OFFSET,
    LATEST_OFFSET,
    MAX_TIMESTAMP_OFFSET,
    NO_LEADER_EPOCH,
    NO_OFFSET,
    NO_TIMESTAMP,
    Isolation,
    LeaderEpoch,
    Offset,
    TimestampMs,
)
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)

_LEADER_EPOCH_SINCE: Final = 4
_EARLIEST_LOCAL: Final = -4
_LATEST_TIERED: Final = -5
_NOTHING: Final = (NO_TIMESTAMP, NO_OFFSET, NO_LEADER_EPOCH)


def handle(context: BrokerContext, body: ListOffsetsRequest, call: Call) -> Outcome:
    isolation = isolation_of(body.isolation_level)
    return Reply(
        ListOffsetsResponse(
            topics=tuple(
                ListOffsetsTopicResponse(
                    name=topic.name,
                    partitions=tuple(
                        _partition(context, topic.name, partition, isolation, call.api_version)
                        for partition in topic.partitions
                    ),
                )
                for topic in body.topics
            )
        )
    )


def _partition(
    context: BrokerContext, topic: str, partition: ListOffsetsPartition, isolation: Isolation, api_version: int
) -> ListOffsetsPartitionResponse:
    try:
        log = find_log(context, topic, partition.partition_index)
        check_leader_epoch(log, partition.current_leader_epoch)
        timestamp, offset, leader_epoch = _find(log, partition.timestamp, isolation)
    except REFUSALS as error:
        return ListOffsetsPartitionResponse(partition_index=partition.partition_index, error_code=error_code(error))
    return ListOffsetsPartitionResponse(
        partition_index=partition.partition_index,
        timestamp=timestamp,
        offset=offset,
        leader_epoch=leader_epoch if api_version >= _LEADER_EPOCH_SINCE else NO_LEADER_EPOCH,
    )


def _find(log: PartitionLog, timestamp: int, isolation: Isolation) -> tuple[TimestampMs, Offset, LeaderEpoch]:
    visible_end = log.last_stable_offset if isolation is Isolation.READ_COMMITTED else log.high_watermark
    if timestamp == LATEST_OFFSET:
        return NO_TIMESTAMP, visible_end, log.leader_epoch
    if timestamp in (EARLIEST_OFFSET, _EARLIEST_LOCAL):
        return NO_TIMESTAMP, log.start_offset, log.leader_epoch
    if timestamp == MAX_TIMESTAMP_OFFSET:
        found = log.offset_of_max_timestamp()
    elif timestamp == _LATEST_TIERED:
        found = None
    elif timestamp >= 0:
        found = log.offset_for_timestamp(timestamp)
    else:
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, f"ListOffsets knows no timestamp {timestamp}")
    if found is None or found.offset >= visible_end:
        return _NOTHING
    return found.timestamp, found.offset, found.leader_epoch
