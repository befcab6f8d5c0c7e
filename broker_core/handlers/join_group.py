"""JoinGroup (API key 11), versions 0 to 9: joins a classic group; answered once the group's next generation begins.

1: rebalance timeout. 4: MEMBER_ID_REQUIRED (KIP-394). 5: group instance id (KIP-345). 7: protocol type and null
protocol name. 8: reason, ignored. 9: skip_assignment.
Not refused while the disk is nearly full: members must be able to go on reading.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import CONSUMER_OFFSETS_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.join_group import JoinGroupRequest


def handle(context: BrokerContext, body: JoinGroupRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(CONSUMER_OFFSETS_TOPIC,), is_write=False)
