"""OffsetFetch (API key 9), versions 1 to 9: the committed offsets of groups.

2: null topics for all. 3: throttle time. 5: leader epoch. 7: require_stable (KIP-447). 8: several groups.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.offset_fetch import OffsetFetchRequest


def handle(context: BrokerContext, body: OffsetFetchRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
