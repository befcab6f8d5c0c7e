"""InitProducerId: who owns a transactional id, and with which producer id and epoch.

Owns that decision (KIP-98, KIP-360, KIP-588). Ending the transaction that the previous owner left open is ``ending``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from broker_core.decision import Decision, Need, RetryEpoch
from broker_core.errors import ErrorCode
from broker_core.model import NO_PRODUCER_EPOCH, NO_PRODUCER_ID, ProducerEpoch, ProducerId
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.txn.ending import fence
from broker_core.txn.records import to_record
from broker_core.txn.refusals import refusal
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import LAST_CLIENT_EPOCH, Transaction


def decide_init_producer(
    table: TransactionTable,
    request: InitProducerIdRequest,
    api_version: int,
    now_ms: int,
    *,
    max_timeout_ms: int,
    allocate_producer_id: Callable[[], ProducerId],
) -> Decision:
    """Hand out a producer id and epoch.

    An open transaction of the id is aborted and its owner fenced; the caller is told CONCURRENT_TRANSACTIONS and asks
    again. Replies with a new id or epoch leave once the record is synced: an epoch handed out twice would let two
    owners write.
    """

    def refuse(code: ErrorCode) -> Decision:
        return Decision(reply=refusal(request, code, api_version))

    name = request.transactional_id
    if (request.producer_id == NO_PRODUCER_ID) != (request.producer_epoch == NO_PRODUCER_EPOCH):
        return refuse(ErrorCode.INVALID_REQUEST)
    if name is None:
        return Decision(reply=InitProducerIdResponse(producer_id=allocate_producer_id(), producer_epoch=0))
    if not name:
        return refuse(ErrorCode.INVALID_REQUEST)
    if not 0 < request.transaction_timeout_ms <= max_timeout_ms:
        return refuse(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    transaction = table.get(name)
    if transaction is None:
        first = Transaction(
            transactional_id=name,
            producer_id=allocate_producer_id(),
            producer_epoch=0,
            timeout_ms=request.transaction_timeout_ms,
            updated_ms=now_ms,
        )
        return _hand_out(table, first)
    if table.is_ending(name) or transaction.state.is_prepared:
        return refuse(ErrorCode.CONCURRENT_TRANSACTIONS)
    claim = _claim(request)
    is_retry = claim is not None and _is_retry(table, transaction, *claim)
    if claim is not None and not is_retry and claim != (transaction.producer_id, transaction.producer_epoch):
        return refuse(ErrorCode.PRODUCER_FENCED)
    if transaction.state is TransactionState.ONGOING:
        # The owner itself may come back with the epoch it claims now, once its transaction is aborted: Kafka would
        # fence it there, having forgotten whom it fenced.
        return replace(
            fence(table, transaction, now_ms),
            reply=refusal(request, ErrorCode.CONCURRENT_TRANSACTIONS, api_version),
            retry_epoch=RetryEpoch(name, request.producer_epoch) if claim and not is_retry else None,
        )
    if is_retry:
        return Decision(reply=_response(transaction), needs=(table.settled(name),))
    return _hand_out(
        table,
        _next_owner(transaction, request.transaction_timeout_ms, now_ms, allocate_producer_id),
        RetryEpoch(name, request.producer_epoch) if claim else None,
    )


def _claim(request: InitProducerIdRequest) -> tuple[ProducerId, ProducerEpoch] | None:
    if request.producer_id == NO_PRODUCER_ID:
        return None
    return request.producer_id, request.producer_epoch


def _is_retry(
    table: TransactionTable, transaction: Transaction, producer_id: ProducerId, producer_epoch: ProducerEpoch
) -> bool:
    """Whether the claim is the one that the present epoch was given for (its answer got lost)."""
    if table.retry_epoch(transaction.transactional_id) != producer_epoch:
        return False
    if producer_id == transaction.producer_id:
        return True
    return producer_id == transaction.previous_producer_id and producer_epoch >= LAST_CLIENT_EPOCH


def _next_owner(
    transaction: Transaction, timeout_ms: int, now_ms: int, allocate_producer_id: Callable[[], ProducerId]
) -> Transaction:
    cleared = transaction.moved(
        TransactionState.EMPTY,
        now_ms,
        timeout_ms=timeout_ms,
        partitions=frozenset(),
        started_ms=-1,
        client_version=0,
    )
    if not transaction.is_epoch_exhausted:
        return cleared.moved(TransactionState.EMPTY, now_ms, producer_epoch=transaction.producer_epoch + 1)
    return cleared.moved(
        TransactionState.EMPTY,
        now_ms,
        producer_id=allocate_producer_id(),
        producer_epoch=0,
        previous_producer_id=transaction.producer_id,
    )


def _hand_out(table: TransactionTable, transaction: Transaction, retry_epoch: RetryEpoch | None = None) -> Decision:
    partition = table.log_partition(transaction.transactional_id)
    return Decision(
        partition=partition,
        records=(to_record(transaction),),
        needs=(Need(partition),),
        reply=_response(transaction),
        retry_epoch=retry_epoch,
    )


def _response(transaction: Transaction) -> InitProducerIdResponse:
    return InitProducerIdResponse(producer_id=transaction.producer_id, producer_epoch=transaction.producer_epoch)
