"""ListTransactions and DescribeTransactions: what the coordinator knows, for people. PURE.

Owns the names of the states on the wire. Changes nothing.
"""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol import describe_transactions, list_transactions
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction


def state_name(state: TransactionState) -> str:
    """``PrepareCommit`` and its like, as Kafka writes them."""
    return "".join(word.capitalize() for word in state.name.split("_"))


_STATES = {state_name(state): state for state in TransactionState}


def list_transactional_ids(
    table: TransactionTable, request: list_transactions.ListTransactionsRequest, now_ms: int
) -> list_transactions.ListTransactionsResponse:
    """The ids that pass every filter; state filters that name no state are told, and match nothing."""
    unknown = tuple(name for name in request.state_filters if name not in _STATES)
    wanted = {_STATES[name] for name in request.state_filters if name in _STATES}

    def passes(transaction: Transaction) -> bool:
        if request.state_filters and transaction.state not in wanted:
            return False
        if request.producer_id_filters and transaction.producer_id not in request.producer_id_filters:
            return False
        if request.duration_filter < 0:
            return True
        return not transaction.state.is_settled and now_ms - transaction.started_ms > request.duration_filter

    return list_transactions.ListTransactionsResponse(
        unknown_state_filters=unknown,
        transaction_states=tuple(
            list_transactions.TransactionState(
                transactional_id=transaction.transactional_id,
                producer_id=transaction.producer_id,
                transaction_state=state_name(transaction.state),
            )
            for transaction in table
            if passes(transaction)
        ),
    )


def describe_transactional_id(table: TransactionTable, transactional_id: str) -> describe_transactions.TransactionState:
    """State, owner and partitions of one id."""
    transaction = table.get(transactional_id)
    if transaction is None:
        code = ErrorCode.TRANSACTIONAL_ID_NOT_FOUND if transactional_id else ErrorCode.INVALID_REQUEST
        return describe_transactions.TransactionState(error_code=code, transactional_id=transactional_id)
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(transaction.partitions):
        by_topic.setdefault(topic, []).append(partition)
    return describe_transactions.TransactionState(
        transactional_id=transactional_id,
        transaction_state=state_name(transaction.state),
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_start_time_ms=-1 if transaction.state.is_settled else transaction.started_ms,
        producer_id=transaction.producer_id,
        producer_epoch=transaction.producer_epoch,
        topics=tuple(
            describe_transactions.TopicData(topic=topic, partitions=tuple(found)) for topic, found in by_topic.items()
        ),
    )
