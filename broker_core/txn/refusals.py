"""How each transaction request says no: the shape of its refusal, and the codes that its version knows.

PRODUCER_FENCED (90) came with KIP-588; older versions are told INVALID_PRODUCER_EPOCH (47), which the same clients
treat as fatal.
"""

from __future__ import annotations

from typing import TypeAlias

from broker_core.errors import ErrorCode
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from broker_core.protocol.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

TransactionRequest: TypeAlias = (
    InitProducerIdRequest | AddPartitionsToTxnRequest | AddOffsetsToTxnRequest | EndTxnRequest
)
TransactionResponse: TypeAlias = (
    InitProducerIdResponse | AddPartitionsToTxnResponse | AddOffsetsToTxnResponse | EndTxnResponse
)


def refusal(request: TransactionRequest, code: ErrorCode, api_version: int) -> TransactionResponse:
    """The response that tells ``code``, or what stood for it in ``api_version``."""
    knows_fenced_since = 4 if isinstance(request, InitProducerIdRequest) else 2
    if code is ErrorCode.PRODUCER_FENCED and api_version < knows_fenced_since:
        code = ErrorCode.INVALID_PRODUCER_EPOCH
    match request:
        case InitProducerIdRequest():
            return InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1)
        case AddPartitionsToTxnRequest():
            return partitions_response(request, code)
        case AddOffsetsToTxnRequest():
            return AddOffsetsToTxnResponse(error_code=code)
        case EndTxnRequest():
            return EndTxnResponse(error_code=code)


def partitions_response(request: AddPartitionsToTxnRequest, code: ErrorCode) -> AddPartitionsToTxnResponse:
    """``code`` for every partition that was asked for."""
    return AddPartitionsToTxnResponse(
        results_by_topic_v3_and_below=tuple(
            AddPartitionsToTxnTopicResult(
                name=topic.name,
                results_by_partition=tuple(
                    AddPartitionsToTxnPartitionResult(partition_index=partition, partition_error_code=code)
                    for partition in topic.partitions
                ),
            )
            for topic in request.v3_and_below_topics
        )
    )
