"""AddPartitionsToTxn (API key 24), versions 0 to 3: adds partitions to a transaction before they are written.

2: PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH. If one partition does not exist, none is added.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import TRANSACTION_STATE_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest


def handle(context: BrokerContext, body: AddPartitionsToTxnRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(TRANSACTION_STATE_TOPIC,))
