"""ListTransactions (API key 66), versions 0 to 1: the transactional ids, by state and producer. 1: by duration."""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.list_transactions import ListTransactionsRequest
from broker_core.txn.admin import list_transactional_ids


def handle(context: BrokerContext, body: ListTransactionsRequest, call: Call) -> Outcome:
    return Reply(list_transactional_ids(context.coordinator.transactions, body, call.now_ms))
