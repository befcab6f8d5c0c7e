"""AddPartitionsToTxn, AddOffsetsToTxn, and the check that a transactional append belongs to its transaction.

Owns how a transaction opens and grows. Its records are not waited for: should they be lost with the power, the
partition logs still show the open transaction, and recovery aborts it and fences its owner (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Iterable

from broker_core.decision import Decision
from broker_core.errors import ErrorCode
from broker_core.model import ProducerEpoch, ProducerId, TopicPartition
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest
from broker_core.txn.records import to_record
from broker_core.txn.refusals import partitions_response, refusal
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import EPOCH_BUMPING_CLIENT, Transaction


def decide_add_partitions(
    table: TransactionTable, request: AddPartitionsToTxnRequest, api_version: int, now_ms: int
) -> Decision:
    """Add partitions, which the caller has found to exist, to the transaction; opens it if need be."""
    name = request.v3_and_below_transactional_id
    partitions = requested_partitions(request)
    found = owned_transaction(table, name, request.v3_and_below_producer_id, request.v3_and_below_producer_epoch)
    if isinstance(found, ErrorCode):
        return Decision(reply=refusal(request, found, api_version))
    return _grow(table, found, partitions, now_ms, partitions_response(request, ErrorCode.NONE))


def decide_add_offsets(
    table: TransactionTable,
    request: AddOffsetsToTxnRequest,
    api_version: int,
    now_ms: int,
    offsets_partition: TopicPartition,
) -> Decision:
    """Add the partition of ``__consumer_offsets`` where the group lives."""
    found = owned_transaction(table, request.transactional_id, request.producer_id, request.producer_epoch)
    if isinstance(found, ErrorCode):
        return Decision(reply=refusal(request, found, api_version))
    return _grow(table, found, (offsets_partition,), now_ms, AddOffsetsToTxnResponse())


def requested_partitions(request: AddPartitionsToTxnRequest) -> tuple[TopicPartition, ...]:
    return tuple(
        TopicPartition(topic.name, partition) for topic in request.v3_and_below_topics for partition in topic.partitions
    )


def owned_transaction(
    table: TransactionTable, transactional_id: str, producer_id: ProducerId, producer_epoch: ProducerEpoch
) -> Transaction | ErrorCode:
    """The transaction, if the caller owns it and it is not being ended; else the code to refuse with."""
    if not transactional_id:
        return ErrorCode.INVALID_REQUEST
    transaction = table.get(transactional_id)
    if transaction is None or transaction.producer_id != producer_id:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if transaction.producer_epoch != producer_epoch:
        return ErrorCode.PRODUCER_FENCED
    if table.is_ending(transactional_id) or transaction.state.is_prepared:
        return ErrorCode.CONCURRENT_TRANSACTIONS
    return transaction


def check_append(
    table: TransactionTable,
    transactional_id: str,
    producer_id: ProducerId,
    producer_epoch: ProducerEpoch,
    partitions: Iterable[TopicPartition],
) -> ErrorCode:
    """Whether the partitions are part of the owner's open transaction (KIP-890): ``NONE``, or why not.

    TRANSACTION_ABORTABLE means that one of them is not; the caller translates for older clients.
    """
    found = owned_transaction(table, transactional_id, producer_id, producer_epoch)
    if found is ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if isinstance(found, ErrorCode):
        return found
    if found.state is not TransactionState.ONGOING or not found.partitions.issuperset(partitions):
        return ErrorCode.TRANSACTION_ABORTABLE
    return ErrorCode.NONE


def decide_implicit_add(
    table: TransactionTable, transactional_id: str, partitions: Iterable[TopicPartition], now_ms: int
) -> Decision:
    """What an append by an epoch-bumping client adds to its transaction (Produce 12, TxnOffsetCommit 5).

    The caller has seen that the client owns the transaction.
    """
    transaction = table.get(transactional_id)
    assert transaction is not None
    return _grow(table, transaction, partitions, now_ms, None, client_version=EPOCH_BUMPING_CLIENT)


def _grow(
    table: TransactionTable,
    transaction: Transaction,
    partitions: Iterable[TopicPartition],
    now_ms: int,
    reply: object,
    *,
    client_version: int = 0,
) -> Decision:
    name = transaction.transactional_id
    needs = (table.settled(name),)
    is_open = transaction.state is TransactionState.ONGOING
    if is_open and transaction.partitions.issuperset(partitions):
        return Decision(reply=reply, needs=needs)
    grown = transaction.moved(
        TransactionState.ONGOING,
        now_ms,
        partitions=transaction.partitions.union(partitions) if is_open else frozenset(partitions),
        started_ms=transaction.started_ms if is_open else now_ms,
        client_version=transaction.client_version if is_open else client_version,
    )
    return Decision(partition=table.log_partition(name), records=(to_record(grown),), needs=needs, reply=reply)
