"""Fetch (API key 1), versions 4 to 17: reads batches, and waits for ``min_bytes`` up to ``max_wait_ms``.

- 7: fetch sessions (``fetch_session``).
- 9: the leader epoch that the client knows is checked. 10: zstd is known; a topic of that type is refused before.
- 13: topics go by id. 16: an answer that fences names the leader and where it is (KIP-951).
- 12: ``last_fetched_epoch`` is for followers, which a single broker has none of; it is not looked at.

Whole batches are returned, in the order of the request until ``max_bytes`` are reached; the first one even if it is
larger (KIP-74). read_committed stops at the last stable offset and names the aborted transactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from broker_core.errors import ErrorCode
from broker_core.fetch_session import TOPIC_IDS_SINCE, FetchTurn
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
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)

_ZSTD_SINCE: Final = 10
_LEADER_SINCE: Final = 16
_NO_LEADER: Final = LeaderIdAndEpoch()


class ParkedFetch(NamedTuple):
    """A fetch request that waits, or is about to be tried."""

    body: FetchRequest
    api_version: int
    turn: FetchTurn


@dataclass(slots=True)
class _Attempt:
    """One reading of everything that a request asks for."""

    context: BrokerContext
    api_version: int
    isolation: Isolation
    remaining_bytes: int
    total_bytes: int = 0
    failed: bool = False
    fenced: bool = False


def handle(context: BrokerContext, body: FetchRequest, call: Call) -> Outcome:
    """Read now, or park until there is enough."""
    turn = context.fetch_sessions.begin(body, call.api_version, call.now_ms)
    if isinstance(turn, ErrorCode):
        return Reply(FetchResponse(error_code=turn))
    fetch = ParkedFetch(body, call.api_version, turn)
    response = attempt(context, fetch, final=body.max_wait_ms <= 0)
    if response is not None:
        return Reply(response)
    watched = (
        TopicPartition(name, partition.partition)
        for topic in turn.topics
        if (name := _name(context, topic, call.api_version)) is not None
        for partition in topic.partitions
    )
    return Parked(context.waiting.fetches.park(watched, call.now_ms + body.max_wait_ms, fetch))


def attempt(context: BrokerContext, fetch: ParkedFetch, *, final: bool) -> FetchResponse | None:
    """Read everything once.

    Arguments:
        final: answer even if there are fewer than ``min_bytes``.

    Returns:
        the answer; ``None`` when there is too little and nothing failed.
    """
    body, api_version, turn = fetch
    state = _Attempt(
        context,
        api_version,
        isolation_of(body.isolation_level),
        remaining_bytes=min(body.max_bytes, context.config.fetch_max_bytes),
    )
    topics = []
    for topic in turn.topics:
        name = _name(context, topic, api_version)
        if name is None:
            state.failed = True
            partitions = [_failure(partition, ErrorCode.UNKNOWN_TOPIC_ID) for partition in topic.partitions]
        else:
            partitions = [_partition(state, name, partition) for partition in topic.partitions]
        topics.append(FetchableTopicResponse(topic=name or "", topic_id=topic.topic_id, partitions=tuple(partitions)))
    if not final and not state.failed and topics and state.total_bytes < body.min_bytes:
        return None
    response = FetchResponse(responses=tuple(topics), node_endpoints=_endpoints(context) if state.fenced else ())
    return turn.answer(response)


def _endpoints(context: BrokerContext) -> tuple[NodeEndpoint, ...]:
    config = context.config
    return (NodeEndpoint(node_id=config.node_id, host=config.advertised_host, port=config.advertised_port),)


def _name(context: BrokerContext, topic: FetchTopic, api_version: int) -> str | None:
    if api_version < TOPIC_IDS_SINCE:
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
        code = error_code(error)
        if code is not ErrorCode.FENCED_LEADER_EPOCH or state.api_version < _LEADER_SINCE:
            return _failure(partition, code)
        state.fenced = True
        leader = LeaderIdAndEpoch(leader_id=state.context.config.node_id, leader_epoch=log.leader_epoch)
        return _failure(partition, code, leader)
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


def _failure(partition: FetchPartition, code: ErrorCode, leader: LeaderIdAndEpoch = _NO_LEADER) -> PartitionData:
    return PartitionData(
        partition_index=partition.partition,
        error_code=code,
        high_watermark=NO_OFFSET,
        current_leader=leader,
        aborted_transactions=None,
        records=b"",
    )
