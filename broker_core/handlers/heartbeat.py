"""Heartbeat (API key 12), versions 0 to 4: keeps a member of a classic group alive, and tells it of a rebalance.

1: throttle time. 3: group instance id.
Not refused while the disk is nearly full: members must be able to go on reading.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.heartbeat import HeartbeatRequest


def handle(context: BrokerContext, body: HeartbeatRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
