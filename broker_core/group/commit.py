"""OffsetCommit and TxnOffsetCommit: which offsets are taken, and as which records.

Owns the checks on committer and metadata. Whether a transaction is open is ``txn``'s business and was asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from broker_core.config import MAX_OFFSET_METADATA_BYTES
from broker_core.decision import Decision, Need
from broker_core.errors import ErrorCode
from broker_core.group.groups import Groups
from broker_core.group.joining import member_error
from broker_core.group.records import CommittedOffset, to_record, to_tombstone
from broker_core.group.states import GroupState
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.placement import offsets_partition
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from broker_core.protocol.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committer:
    """Who commits, as it describes itself."""

    generation: int
    member_id: str
    instance_id: str | None


def check_committer(
    table: OffsetTable, groups: Groups, group_id: str, committer: Committer, *, in_transaction: bool = False
) -> ErrorCode:
    """An empty group takes offsets from those who name no generation: admin tools and simple consumers. Otherwise they
    come from a member of the present generation; or, in a transaction, from a producer that knows of no group.

    While members wait for their assignment, none of them owns anything: REBALANCE_IN_PROGRESS tells them to join
    again. A transaction's offsets are taken even then: refusing them would make the whole transaction fail.
    """
    group = groups.find(group_id)
    is_simple = committer.generation < 0
    if group is None and not table.knows(group_id):
        return ErrorCode.NONE if is_simple else ErrorCode.GROUP_ID_NOT_FOUND
    if is_simple and (group is None or group.state is GroupState.EMPTY):
        return ErrorCode.NONE
    if group is None:
        return ErrorCode.UNKNOWN_MEMBER_ID
    if is_simple and not committer.member_id and committer.instance_id is None:
        return ErrorCode.NONE if in_transaction else ErrorCode.UNKNOWN_MEMBER_ID
    code = member_error(group, committer.member_id, committer.instance_id)
    if code is ErrorCode.NONE and committer.generation != group.generation:
        return ErrorCode.ILLEGAL_GENERATION
    if code is ErrorCode.NONE and not in_transaction and group.state is GroupState.COMPLETING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return code


def decide_commit(
    table: OffsetTable,
    groups: Groups,
    request: OffsetCommitRequest,
    api_version: int,
    now_ms: int,
    has_topic: Callable[[str], bool],
) -> Decision:
    """Commit offsets; the answer leaves when they are synced. A member that commits is alive."""
    committer = Committer(
        generation=request.generation_id_or_member_epoch,
        member_id=request.member_id,
        instance_id=request.group_instance_id,
    )
    code = check_committer(table, groups, request.group_id, committer)
    if code is ErrorCode.GROUP_ID_NOT_FOUND and api_version < 9:
        code = ErrorCode.ILLEGAL_GENERATION
    if code is not ErrorCode.NONE:
        return Decision(reply=refuse_commit(request, code))
    groups.renew(request.group_id, request.member_id, now_ms)
    taken: dict[TopicPartition, CommittedOffset] = {}
    topics = tuple(
        OffsetCommitResponseTopic(
            name=topic.name,
            partitions=tuple(
                OffsetCommitResponsePartition(
                    partition_index=each.partition_index,
                    error_code=_take(taken, topic.name, each, now_ms, has_topic),
                )
                for each in topic.partitions
            ),
        )
        for topic in request.topics
    )
    partition = offsets_partition(request.group_id, table.partition_count)
    return Decision(
        partition=partition,
        records=tuple(to_record(request.group_id, target, offset) for target, offset in taken.items()),
        needs=(Need(partition),) if taken else (),
        reply=OffsetCommitResponse(topics=topics),
    )


def decide_transactional_commit(
    table: OffsetTable,
    groups: Groups,
    request: TxnOffsetCommitRequest,
    now_ms: int,
    has_topic: Callable[[str], bool],
) -> Decision:
    """Write offsets that the transaction's marker will commit; the answer leaves when they are synced."""
    committer = Committer(
        generation=request.generation_id, member_id=request.member_id, instance_id=request.group_instance_id
    )
    code = check_committer(table, groups, request.group_id, committer, in_transaction=True)
    if code is ErrorCode.GROUP_ID_NOT_FOUND:
        code = ErrorCode.ILLEGAL_GENERATION
    if code is not ErrorCode.NONE:
        return Decision(reply=refuse_transactional_commit(request, code))
    taken: dict[TopicPartition, CommittedOffset] = {}
    topics = tuple(
        TxnOffsetCommitResponseTopic(
            name=topic.name,
            partitions=tuple(
                TxnOffsetCommitResponsePartition(
                    partition_index=each.partition_index,
                    error_code=_take(taken, topic.name, each, now_ms, has_topic),
                )
                for each in topic.partitions
            ),
        )
        for topic in request.topics
    )
    partition = offsets_partition(request.group_id, table.partition_count)
    return Decision(
        partition=partition,
        records=tuple(to_record(request.group_id, target, offset) for target, offset in taken.items()),
        producer_id=request.producer_id,
        producer_epoch=request.producer_epoch,
        needs=(Need(partition),) if taken else (),
        reply=TxnOffsetCommitResponse(topics=topics),
    )


def _take(
    taken: dict[TopicPartition, CommittedOffset],
    topic: str,
    asked: OffsetCommitRequestPartition | TxnOffsetCommitRequestPartition,
    now_ms: int,
    has_topic: Callable[[str], bool],
) -> ErrorCode:
    """Only the topic must exist, as in Kafka since 3.5; any partition number may carry an offset."""
    metadata = asked.committed_metadata or ""
    if not has_topic(topic):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if len(metadata.encode()) > MAX_OFFSET_METADATA_BYTES:
        return ErrorCode.OFFSET_METADATA_TOO_LARGE
    taken[TopicPartition(topic, asked.partition_index)] = CommittedOffset(
        offset=asked.committed_offset,
        leader_epoch=asked.committed_leader_epoch,
        metadata=metadata,
        committed_ms=now_ms,
    )
    return ErrorCode.NONE


def decide_forget(table: OffsetTable, is_gone: Callable[[str], bool]) -> tuple[Decision, ...]:
    """Tombstones for the offsets of topics that are gone, one decision per partition of ``__consumer_offsets``."""
    tombstones: dict[TopicPartition, dict[tuple[str, TopicPartition], None]] = {}
    for group_id, target in table:
        if is_gone(target.topic):
            log = offsets_partition(group_id, table.partition_count)
            tombstones.setdefault(log, {})[group_id, target] = None
    return tuple(
        Decision(partition=log, records=tuple(to_tombstone(group_id, target) for group_id, target in targets))
        for log, targets in sorted(tombstones.items())
    )


def refuse_commit(request: OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse:
    """``code`` for every partition."""
    return OffsetCommitResponse(
        topics=tuple(
            OffsetCommitResponseTopic(
                name=topic.name,
                partitions=tuple(
                    OffsetCommitResponsePartition(partition_index=index, error_code=code)
                    for index in _indexes(topic.partitions)
                ),
            )
            for topic in request.topics
        )
    )


def refuse_transactional_commit(request: TxnOffsetCommitRequest, code: ErrorCode) -> TxnOffsetCommitResponse:
    """``code`` for every partition."""
    return TxnOffsetCommitResponse(
        topics=tuple(
            TxnOffsetCommitResponseTopic(
                name=topic.name,
                partitions=tuple(
                    TxnOffsetCommitResponsePartition(partition_index=index, error_code=code)
                    for index in _indexes(topic.partitions)
                ),
            )
            for topic in request.topics
        )
    )


def _indexes(
    partitions: Iterable[OffsetCommitRequestPartition | TxnOffsetCommitRequestPartition],
) -> tuple[int, ...]:
    return tuple(each.partition_index for each in partitions)
