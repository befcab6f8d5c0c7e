"""LeaveGroup (API key 13), versions 0 to 5: removes members from a classic group.

1: throttle time. 3: several members, by instance id if an administrator asks (KIP-345). 5: reason, ignored.
Not refused while the disk is nearly full: members must be able to go on reading.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.leave_group import LeaveGroupRequest


def handle(context: BrokerContext, body: LeaveGroupRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
