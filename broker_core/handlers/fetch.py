"""Fetch (API key 1), versions 4 to 17: reads batches, and waits for ``min_bytes`` up to ``max_wait_ms``.

- 7: fetch sessions. We answer with session id 0, which is Kafka's way to say that every request is a full one.
- 9: the leader epoch that the client knows is checked. 10: zstd is known; a topic of that type is refused before.
- 13: topics go by id.
- 12: ``last_fetched_epoch`` is for followers, which a single broker has none of; it is not looked at.

Whole batches are returned, in the order of the request until ``max_bytes`` are reached; the first one even if it is
larger (KIP-74). read_committed stops at the last stable offset and names the aborted transactions.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker_core.errors import ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, check_leader_epoch, error_code, isolation_of
from broker_core.log.results import ReadResult
from broker_core.model import NO_OFFSET, Isolation, TopicPartition
from broker_core.outcome import Call, Outcome, Parked, Reply
from broker_core.protocol.fetch import (
    AbortedTransaction,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)

_TOPIC_IDS_SINCE = 13
_ZSTD_SINCE = 10


@dataclass(slots=True)
class _Attempt:
    """One reading of everything that a request asks for."""

    context: BrokerContext
    api_version: int
    isolation: Isolation
    remaining_bytes: int
    total_bytes: int = 0
    failed: bool = False


def handle(context: BrokerContext, body: FetchRequest, call: Call) -> Outcome:
    """Read now, or park until there is enough."""
    if body.session_id:
        return Reply(FetchResponse(error_code=ErrorCode.FETCH_SESSION_ID_NOT_FOUND))
    response = attempt(context, body, call.api_version, final=body.max_wait_ms <= 0)
    if response is not None:
        return Reply(response)
    watched = (
        TopicPartition(name, partition.partition)
        for topic in body.topics
        if (name := _name(context, topic, call.api_version)) is not None
        for partition in topic.partitions
    )
    return Parked(context.waiting.fetches.park(watched, call.now_ms + body.max_wait_ms, (body, call.api_version)))


def attempt(context: BrokerContext, body: FetchRequest, api_version: int, *, final: bool) -> FetchResponse | None:
    """Read everything once.

    Arguments:
        api_version: topics go by id from 13 on, and zstd is known from 10 on.
        final: answer even if there are fewer than ``min_bytes``.

    Returns:
        the answer; ``None`` when there is too little and nothing failed.
    """
    state = _Attempt(
        context,
        api_version,
        isolation_of(body.isolation_level),
        remaining_bytes=min(body.max_bytes, context.config.fetch_max_bytes),
    )
    topics = []
    for topic in body.topics:
        name = _name(context, topic, api_version)
        if name is None:
            state.failed = True
            partitions = [_failure(partition, ErrorCode.UNKNOWN_TOPIC_ID) for partition in topic.partitions]
        else:
            partitions = [_partition(state, name, partition) for partition in topic.partitions]
        topics.append(FetchableTopicResponse(topic=name or "", topic_id=topic.topic_id, partitions=tuple(partitions)))
    if not final and not state.failed and topics and state.total_bytes < body.min_bytes:
        return None
    return FetchResponse(responses=tuple(topics))


def _name(context: BrokerContext, topic: FetchTopic, api_version: int) -> str | None:
    if api_version < _TOPIC_IDS_SINCE:
        return topic.topic
    found = context.catalog.topics_by_id.get(topic.topic_id)
    return found.name if found else None


def _partition(state: _Attempt, name: str, partition: FetchPartition) -> PartitionData:
    log = state.context.partitions.logs.get(TopicPartition(name, partition.partition))
    if log is None:
        state.failed = True
        return _failure(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if state.api_version < _ZSTD_SINCE and log.config.compression_type == "zstd":
        state.failed = True
        return _failure(partition, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    try:
        if partition.current_leader_epoch != -1:
            check_leader_epoch(log, partition.current_leader_epoch)
        result = log.read(
            partition.fetch_offset,
            max(0, min(partition.partition_max_bytes, state.remaining_bytes)),
            state.isolation,
            min_one=not state.total_bytes,
        )
    except REFUSALS as error:
        state.failed = True
        state.context.observer.event(
            "fetch.refused", partition=str(log.topic_partition), offset=partition.fetch_offset, reason=str(error)
        )
        return _failure(partition, error_code(error))
    size_bytes = len(result.records)
    state.total_bytes += size_bytes
    state.remaining_bytes -= size_bytes
    return PartitionData(
        partition_index=partition.partition,
        high_watermark=result.high_watermark,
        last_stable_offset=result.last_stable_offset,
        log_start_offset=result.start_offset,
        aborted_transactions=_aborted(result) if state.isolation is Isolation.READ_COMMITTED else None,
        records=result.records,
    )


def _aborted(result: ReadResult) -> tuple[AbortedTransaction, ...]:
    return tuple(
        AbortedTransaction(producer_id=entry.producer_id, first_offset=entry.first_offset) for entry in result.aborted
    )


def _failure(partition: FetchPartition, code: ErrorCode) -> PartitionData:
    return PartitionData(
        partition_index=partition.partition,
        error_code=code,
        high_watermark=NO_OFFSET,
        aborted_transactions=None,
        records=b"",
    )
