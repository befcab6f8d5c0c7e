"""AddOffsetsToTxn (API key 25), versions 0 to 4: adds a group's offsets partition to a transaction.

2: PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH. 4: TRANSACTION_ABORTABLE.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest


def handle(context: BrokerContext, body: AddOffsetsToTxnRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC))
