"""InitProducerId (API key 22), versions 0 to 5: a producer id, and the fencing of a transactional id's former owners.

3: resumes a known id and epoch (KIP-360). 4: PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import TRANSACTION_STATE_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.init_producer_id import InitProducerIdRequest


def handle(context: BrokerContext, body: InitProducerIdRequest, call: Call) -> Outcome:
    return submit(
        context, body, call, internal_topics=() if body.transactional_id is None else (TRANSACTION_STATE_TOPIC,)
    )
