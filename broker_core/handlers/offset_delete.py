"""OffsetDelete (API key 47), version 0: forgets a group's offsets for some partitions (KIP-496).

Answered once that is durable. Allowed while the disk is nearly full: it is how offsets go away.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.offset_delete import OffsetDeleteRequest


def handle(context: BrokerContext, body: OffsetDeleteRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
