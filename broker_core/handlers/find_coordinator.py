"""FindCoordinator (API key 10), versions 0 to 5: which broker coordinates a group or a transactional id.

1: key type. 3: flexible. 4: several keys, an error for each. There is one broker, so the answer is always us.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.find_coordinator import FindCoordinatorRequest


def handle(context: BrokerContext, body: FindCoordinatorRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
