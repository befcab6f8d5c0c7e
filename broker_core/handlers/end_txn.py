"""EndTxn (API key 26), versions 0 to 5: commits or aborts a transaction; answered once the decision is durable.

2: PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH. 5: the answer carries the next epoch (KIP-890).
Not refused while the disk is nearly full: it ends what is under way.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import TRANSACTION_STATE_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.end_txn import EndTxnRequest


def handle(context: BrokerContext, body: EndTxnRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(TRANSACTION_STATE_TOPIC,), is_write=False)
