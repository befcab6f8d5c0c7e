"""DescribeTransactions (API key 65), version 0: state, owner and partitions of transactional ids."""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_transactions import DescribeTransactionsRequest, DescribeTransactionsResponse
from broker_core.txn.admin import describe_transactional_id


def handle(context: BrokerContext, body: DescribeTransactionsRequest, call: Call) -> Outcome:
    table = context.coordinator.transactions
    return Reply(
        DescribeTransactionsResponse(
            transaction_states=tuple(describe_transactional_id(table, name) for name in body.transactional_ids)
        )
    )
