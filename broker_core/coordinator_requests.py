"""The requests that the coordinator takes, and how each of them is refused.

Owns the one table from request to refusal; the codes are chosen by ``group`` and ``txn``.
"""

from __future__ import annotations

from typing import TypeAlias

from broker_core.errors import ErrorCode
from broker_core.group.admin import refuse_group_deletion, refuse_offset_delete
from broker_core.group.commit import refuse_commit, refuse_transactional_commit
from broker_core.group.fetch import refuse_fetch
from broker_core.group.groups import refuse_member
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)
from broker_core.protocol.delete_groups import DeleteGroupsRequest
from broker_core.protocol.describe_groups import DescribeGroupsRequest
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.find_coordinator import FindCoordinatorRequest
from broker_core.protocol.heartbeat import HeartbeatRequest
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.protocol.join_group import JoinGroupRequest
from broker_core.protocol.leave_group import LeaveGroupRequest
from broker_core.protocol.list_groups import ListGroupsRequest
from broker_core.protocol.offset_commit import OffsetCommitRequest
from broker_core.protocol.offset_delete import OffsetDeleteRequest
from broker_core.protocol.offset_fetch import OffsetFetchRequest
from broker_core.protocol.sync_group import SyncGroupRequest
from broker_core.protocol.txn_offset_commit import TxnOffsetCommitRequest
from broker_core.txn.refusals import refusal

CoordinatorRequest: TypeAlias = (
    FindCoordinatorRequest
    | OffsetCommitRequest
    | OffsetFetchRequest
    | OffsetDeleteRequest
    | DeleteGroupsRequest
    | ListGroupsRequest
    | DescribeGroupsRequest
    | JoinGroupRequest
    | SyncGroupRequest
    | HeartbeatRequest
    | LeaveGroupRequest
    | TxnOffsetCommitRequest
    | InitProducerIdRequest
    | AddPartitionsToTxnRequest
    | AddOffsetsToTxnRequest
    | EndTxnRequest
)

ABORTABLE_SINCE_PRODUCE = 11
ABORTABLE_SINCE_TXN_OFFSET_COMMIT = 4


def refuse(request: object, code: ErrorCode, api_version: int) -> object:
    """The response to ``request`` that tells ``code``."""
    match request:
        case OffsetCommitRequest():
            return refuse_commit(request, code)
        case OffsetFetchRequest():
            return refuse_fetch(request, code, api_version)
        case OffsetDeleteRequest():
            return refuse_offset_delete(request, code)
        case JoinGroupRequest() | SyncGroupRequest() | HeartbeatRequest() | LeaveGroupRequest():
            return refuse_member(request, code, api_version)
        case DeleteGroupsRequest():
            return refuse_group_deletion(request, code)
        case TxnOffsetCommitRequest():
            return refuse_transactional_commit(request, code)
        case InitProducerIdRequest() | AddPartitionsToTxnRequest() | AddOffsetsToTxnRequest() | EndTxnRequest():
            return refusal(request, code, api_version)
    raise TypeError(f"{type(request).__name__} is no coordinator request that can fail")


def refuse_unknown_partitions(request: AddPartitionsToTxnRequest, unknown: frozenset[tuple[str, int]]) -> object:
    """All or nothing: the unknown partitions are named, the others are not attempted."""
    return AddPartitionsToTxnResponse(
        results_by_topic_v3_and_below=tuple(
            AddPartitionsToTxnTopicResult(
                name=topic.name,
                results_by_partition=tuple(
                    AddPartitionsToTxnPartitionResult(
                        partition_index=index,
                        partition_error_code=(
                            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                            if (topic.name, index) in unknown
                            else ErrorCode.OPERATION_NOT_ATTEMPTED
                        ),
                    )
                    for index in topic.partitions
                ),
            )
            for topic in request.v3_and_below_topics
        )
    )


def abortable(code: ErrorCode, *, is_known: bool) -> ErrorCode:
    """TRANSACTION_ABORTABLE for clients that know it, else what stood for it (KIP-890)."""
    if code is ErrorCode.TRANSACTION_ABORTABLE and not is_known:
        return ErrorCode.INVALID_TXN_STATE
    return code
