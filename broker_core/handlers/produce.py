"""Produce (API key 0), versions 3 to 12: appends one record batch to each partition named.

- all: one batch of format v2 per partition; a duplicate of an idempotent producer gets its old offset.
- 7: zstd is allowed. 8: errors carry a message and name records. 11: TRANSACTION_ABORTABLE is understood (KIP-890).
- ``acks`` 1 and -1 are the same on one node: answered once synced. 0 is not answered at all.

A transactional batch is checked against the coordinator, so that no transaction is opened in a log that its coordinator
knows nothing about (KIP-890). Each partition succeeds or fails by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from broker_core.catalog import INTERNAL_TOPICS
from broker_core.errors import BrokerError, ErrorCode, RejectedRecords
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.log.partition_log import PartitionLog
from broker_core.model import NO_TIMESTAMP, Offset, ProducerEpoch, ProducerId, TopicPartition
from broker_core.outcome import Call, NoReply, Outcome, Parked, Reply
from broker_core.protocol.batch import read_header
from broker_core.protocol.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)

_ATTRIBUTES_LOW_BYTE: Final = 22
_CODEC_MASK: Final = 0x07
_TRANSACTIONAL: Final = 0x10
_ZSTD: Final = 4
_ZSTD_SINCE: Final = 7
_LOST: Final = "the log was given up (a sync failed; restart the broker) or deleted before the batch was durable"

_Admissions: TypeAlias = dict[tuple[ProducerId, ProducerEpoch], ErrorCode]


def handle(context: BrokerContext, body: ProduceRequest, call: Call) -> Outcome:
    """Append, and answer when everything that was appended is durable."""
    if body.acks not in (-1, 0, 1):
        return Reply(_refused(body, ErrorCode.INVALID_REQUIRED_ACKS, f"acks is {body.acks}, not -1, 0 or 1"))
    required: dict[TopicPartition, Offset] = {}
    topics = []
    failed = False
    admissions: _Admissions = {}
    for topic in body.topic_data:
        partitions = []
        is_internal = topic.name in INTERNAL_TOPICS
        for data in topic.partition_data:
            partition = TopicPartition(topic.name, data.index)
            records = data.records or b""
            try:
                if is_internal:
                    raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"{topic.name} is written by the broker only")
                log = context.partitions.logs.get(partition) or _auto_created(context, partition, call.now_ms)
                context.guard.admit(len(records), call.now_ms)
                if len(records) > _ATTRIBUTES_LOW_BYTE:
                    attributes = records[_ATTRIBUTES_LOW_BYTE]
                    if attributes & _CODEC_MASK == _ZSTD and call.api_version < _ZSTD_SINCE:
                        raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "zstd needs Produce version 7")
                    if attributes & _TRANSACTIONAL:
                        _check_transaction(context, body, records, call, admissions)
                result = context.partitions.append(log, records, call.now_ms)
            except REFUSALS as error:
                failed = True
                partitions.append(_failure(data.index, error_code(error), str(error), _rejected(error)))
                continue
            if log.high_watermark < log.end_offset:
                required[partition] = log.end_offset
            partitions.append(
                PartitionProduceResponse(
                    index=data.index,
                    base_offset=result.base_offset,
                    log_append_time_ms=result.log_append_time_ms,
                    log_start_offset=log.start_offset,
                )
            )
        topics.append(TopicProduceResponse(name=topic.name, partition_responses=tuple(partitions)))
    if body.acks == 0:
        return NoReply(failed)
    response = ProduceResponse(responses=tuple(topics))
    if not required:
        return Reply(response)
    return Parked(context.waiting.writes.park(required, lambda lost: _with_lost(response, lost) if lost else response))


def _auto_created(context: BrokerContext, partition: TopicPartition, now_ms: int) -> PartitionLog:
    if context.config.auto_create_topics and partition.topic not in context.catalog.topics:
        context.topics.create_automatically(partition.topic, now_ms)
    return context.partitions.find(partition)


def _check_transaction(
    context: BrokerContext, body: ProduceRequest, records: bytes, call: Call, admissions: _Admissions
) -> None:
    """Ask the coordinator once per producer and request about all partitions that get a transactional batch."""
    header = read_header(records)
    producer = (header.producer_id, header.producer_epoch)
    code = admissions.get(producer)
    if code is None:
        if body.transactional_id is None:
            raise BrokerError(
                ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                "a transactional batch in a request without transactional id",
            )
        code = admissions[producer] = context.coordinator.admit_produce(
            transactional_id=body.transactional_id,
            producer_id=header.producer_id,
            producer_epoch=header.producer_epoch,
            partitions=_transactional_partitions(context, body),
            api_version=call.api_version,
            now_ms=call.now_ms,
        )
    if code:
        raise BrokerError(
            code, f"transaction of {body.transactional_id!r}: {code.name}; was the partition added to it?"
        )


def _transactional_partitions(context: BrokerContext, body: ProduceRequest) -> tuple[TopicPartition, ...]:
    return tuple(
        partition
        for topic in body.topic_data
        for data in topic.partition_data
        if (partition := TopicPartition(topic.name, data.index)) in context.partitions.logs
        and data.records is not None
        and len(data.records) > _ATTRIBUTES_LOW_BYTE
        and data.records[_ATTRIBUTES_LOW_BYTE] & _TRANSACTIONAL
    )


def _failure(
    index: int, code: ErrorCode, message: str, records: tuple[BatchIndexAndErrorMessage, ...] = ()
) -> PartitionProduceResponse:
    return PartitionProduceResponse(
        index=index,
        error_code=code,
        base_offset=-1,
        log_append_time_ms=NO_TIMESTAMP,
        record_errors=records,
        error_message=message,
    )


def _rejected(error: Exception) -> tuple[BatchIndexAndErrorMessage, ...]:
    """The records that a batch was refused for (KIP-467), as far as that is why."""
    if not isinstance(error, RejectedRecords):
        return ()
    return tuple(
        BatchIndexAndErrorMessage(batch_index=index, batch_index_error_message=message)
        for index, message in error.records.items()
    )


def _refused(body: ProduceRequest, code: ErrorCode, message: str) -> ProduceResponse:
    return ProduceResponse(
        responses=tuple(
            TopicProduceResponse(
                name=topic.name,
                partition_responses=tuple(_failure(data.index, code, message) for data in topic.partition_data),
            )
            for topic in body.topic_data
        )
    )


def _with_lost(response: ProduceResponse, lost: Mapping[TopicPartition, ErrorCode]) -> ProduceResponse:
    """``response`` after the logs of ``lost`` failed or were deleted: what was appended there is not acknowledged."""
    return ProduceResponse(
        responses=tuple(
            TopicProduceResponse(
                name=topic.name,
                partition_responses=tuple(
                    _failure(answer.index, lost[TopicPartition(topic.name, answer.index)], _LOST)
                    if TopicPartition(topic.name, answer.index) in lost and not answer.error_code
                    else answer
                    for answer in topic.partition_responses
                ),
            )
            for topic in response.responses
        )
    )
