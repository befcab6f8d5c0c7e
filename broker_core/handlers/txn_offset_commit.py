"""TxnOffsetCommit (API key 28), versions 0 to 5: commits a group's offsets as part of a transaction.

2: leader epoch. 3: member and generation, for fencing (KIP-447). 5: adds the group to the transaction (KIP-890).
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.txn_offset_commit import TxnOffsetCommitRequest


def handle(context: BrokerContext, body: TxnOffsetCommitRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC))
