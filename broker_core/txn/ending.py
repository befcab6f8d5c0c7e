"""EndTxn and everything else that ends a transaction: Prepare*, Complete*, timeouts, fencing.

Owns the order of a transaction's end; the waits between its steps are the ``needs`` of the decisions here, and
docs/decisions/0002-sync-waves.md says what each of them is for:

    EndTxn(commit) -> data synced -> Prepare* -> synced, answer -> markers -> synced -> Complete*
    EndTxn(abort), fence ----------> Prepare* -> synced, answer -> markers -> synced -> Complete*
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from broker_core.decision import CompleteTransaction, Decision, Marker, Need, PrepareTransaction, WriteMarkers
from broker_core.errors import ErrorCode
from broker_core.model import NO_PRODUCER_ID, ProducerEpoch, ProducerId, TopicPartition
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.txn.records import to_record
from broker_core.txn.refusals import refusal
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import EPOCH_BUMPING_CLIENT, LAST_CLIENT_EPOCH, Transaction

EPOCH_BUMPING_VERSION: Final = 5
"""From this version of EndTxn on every end bumps the epoch (KIP-890 part 2)."""


def decide_end(table: TransactionTable, request: EndTxnRequest, api_version: int, now_ms: int) -> Decision:
    """The first step of a commit or an abort.

    A commit is held until everything that the transaction wrote is synced; ``prepare`` follows. An abort has nothing
    to wait for: data that is lost with the power was to be dropped anyway.
    """
    bumping = api_version >= EPOCH_BUMPING_VERSION
    transaction = table.get(request.transactional_id)
    if transaction is None:
        return Decision(reply=refusal(request, ErrorCode.INVALID_PRODUCER_ID_MAPPING, api_version))
    code = _check_end(table, transaction, request, bumping)
    if code is not None:
        if code is ErrorCode.NONE:
            return Decision(reply=_response(transaction, bumping), needs=(table.settled(request.transactional_id),))
        return Decision(reply=refusal(request, code, api_version))
    step = PrepareTransaction(
        transactional_id=request.transactional_id,
        commit=request.committed,
        client_version=EPOCH_BUMPING_CLIENT if bumping else 0,
    )
    # The transaction's own earlier records need no wait: Prepare* comes after them in the same log.
    needs = tuple(Need(partition) for partition in sorted(transaction.partitions)) if request.committed else ()
    return Decision(needs=needs, then=step)


def _check_end(
    table: TransactionTable, transaction: Transaction, request: EndTxnRequest, bumping: bool
) -> ErrorCode | None:
    """``None`` to go ahead, ``NONE`` if it is done already, else the refusal (the tables of KIP-98 and KIP-890)."""
    claim = (request.producer_id, request.producer_epoch)
    is_retry = bumping and _is_end_retry(transaction, *claim)
    if not is_retry and transaction.producer_id != request.producer_id:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if not is_retry and transaction.producer_epoch != request.producer_epoch:
        return ErrorCode.PRODUCER_FENCED
    if table.is_ending(transaction.transactional_id):
        return ErrorCode.CONCURRENT_TRANSACTIONS
    state = transaction.state
    wanted_prepare = TransactionState.PREPARE_COMMIT if request.committed else TransactionState.PREPARE_ABORT
    wanted_complete = TransactionState.COMPLETE_COMMIT if request.committed else TransactionState.COMPLETE_ABORT
    if state is TransactionState.ONGOING:
        return ErrorCode.PRODUCER_FENCED if is_retry else None
    if state.is_prepared:
        return ErrorCode.CONCURRENT_TRANSACTIONS if state is wanted_prepare else ErrorCode.INVALID_TXN_STATE
    if not bumping or is_retry:
        if state is wanted_complete:
            return ErrorCode.NONE
        return (
            ErrorCode.PRODUCER_FENCED if is_retry and state is TransactionState.EMPTY else ErrorCode.INVALID_TXN_STATE
        )
    return ErrorCode.INVALID_TXN_STATE if request.committed else None


def _is_end_retry(transaction: Transaction, producer_id: ProducerId, producer_epoch: ProducerEpoch) -> bool:
    """Whether an epoch-bumping client names the epoch from before its last end. What others ended, it cannot repeat:
    Kafka raises the epoch by two there."""
    if transaction.client_version != EPOCH_BUMPING_CLIENT:
        return False
    if producer_id == transaction.producer_id:
        return producer_epoch + 1 == transaction.producer_epoch
    followed = producer_id == transaction.previous_producer_id and transaction.producer_epoch == 0
    return followed and producer_epoch == LAST_CLIENT_EPOCH


def prepare(
    table: TransactionTable,
    step: PrepareTransaction,
    now_ms: int,
    allocate_producer_id: Callable[[], ProducerId],
) -> Decision:
    """Append Prepare*, the point of no return; the answer leaves when it is synced, and the markers follow."""
    transaction = table.get(step.transactional_id)
    assert transaction is not None
    bumping = step.client_version == EPOCH_BUMPING_CLIENT
    state = TransactionState.PREPARE_COMMIT if step.commit else TransactionState.PREPARE_ABORT
    prepared = transaction.moved(
        state,
        now_ms,
        producer_epoch=transaction.producer_epoch + bumping,
        next_producer_id=allocate_producer_id() if bumping and transaction.is_epoch_exhausted else NO_PRODUCER_ID,
        client_version=step.client_version,
    )
    return _prepared(table, prepared, reply=_response(completed(prepared, now_ms), bumping))


def fence(
    table: TransactionTable,
    transaction: Transaction,
    now_ms: int,
    orphaned: Iterable[TopicPartition] = (),
) -> Decision:
    """Abort the transaction over its owner's head and bump the epoch, so that the owner notices.

    Arguments:
        orphaned: partitions whose log has an open transaction of this owner that was never, or is no longer, logged.
    """
    prepared = transaction.moved(
        TransactionState.PREPARE_ABORT,
        now_ms,
        producer_epoch=transaction.fencing_epoch,
        client_version=0,  # no end of its owner's, which that could repeat
        partitions=transaction.partitions.union(orphaned),
        started_ms=transaction.started_ms if transaction.partitions else now_ms,
    )
    return _prepared(table, prepared, reply=None)


def _prepared(table: TransactionTable, prepared: Transaction, *, reply: object) -> Decision:
    partition = table.log_partition(prepared.transactional_id)
    return Decision(
        partition=partition,
        records=(to_record(prepared),),
        needs=(Need(partition),),
        reply=reply,
        then=WriteMarkers(transactional_id=prepared.transactional_id),
    )


def marker(transaction: Transaction, coordinator_epoch: int) -> Marker:
    """What a prepared transaction writes into each of its partitions."""
    assert transaction.state.is_prepared
    return Marker(
        producer_id=transaction.producer_id,
        producer_epoch=transaction.producer_epoch,
        coordinator_epoch=coordinator_epoch,
        commit=transaction.state is TransactionState.PREPARE_COMMIT,
    )


def complete(table: TransactionTable, step: CompleteTransaction, now_ms: int) -> Decision:
    """Append Complete*. No reply waits for its sync, the next transaction does (``TransactionTable.settled``)."""
    transaction = table.get(step.transactional_id)
    assert transaction is not None
    partition = table.log_partition(step.transactional_id)
    record = to_record(completed(transaction, now_ms))
    return Decision(partition=partition, records=(record,), needs=(Need(partition),))


def completed(prepared: Transaction, now_ms: int) -> Transaction:
    """``prepared`` once its markers are written."""
    is_commit = prepared.state is TransactionState.PREPARE_COMMIT
    done = prepared.moved(
        TransactionState.COMPLETE_COMMIT if is_commit else TransactionState.COMPLETE_ABORT,
        now_ms,
        partitions=frozenset(),
    )
    if prepared.next_producer_id == NO_PRODUCER_ID:
        return done
    return Transaction(
        transactional_id=done.transactional_id,
        producer_id=prepared.next_producer_id,
        producer_epoch=0,
        previous_producer_id=prepared.producer_id,
        timeout_ms=done.timeout_ms,
        state=done.state,
        started_ms=done.started_ms,
        updated_ms=now_ms,
        client_version=done.client_version,
    )


def timed_out(table: TransactionTable, now_ms: int) -> tuple[Transaction, ...]:
    """Open transactions past their timeout that nobody is ending."""
    return tuple(each for each in table.ongoing() if each.started_ms + each.timeout_ms <= now_ms)


def _response(transaction: Transaction, bumping: bool) -> EndTxnResponse:
    if not bumping:
        return EndTxnResponse()
    return EndTxnResponse(producer_id=transaction.producer_id, producer_epoch=transaction.producer_epoch)
