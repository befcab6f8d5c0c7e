"""ListGroups (API key 16), versions 0 to 5: the groups that have offsets.

4: a filter by state. 5: and by type; all are classic ones here.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.list_groups import ListGroupsRequest


def handle(context: BrokerContext, body: ListGroupsRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
