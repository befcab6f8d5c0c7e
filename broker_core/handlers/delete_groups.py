"""DeleteGroups (API key 42), versions 0 to 2: forgets groups with all their offsets.

Answered once that is durable. Each group by itself; one that an open transaction commits to is not empty.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.delete_groups import DeleteGroupsRequest


def handle(context: BrokerContext, body: DeleteGroupsRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
