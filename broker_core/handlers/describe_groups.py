"""DescribeGroups (API key 15), versions 0 to 6: states of groups.

Without members a group is Empty, or Dead when nothing is committed. 6: one that is not there is an error, too.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.outcome import Call, Outcome
from broker_core.protocol.describe_groups import DescribeGroupsRequest


def handle(context: BrokerContext, body: DescribeGroupsRequest, call: Call) -> Outcome:
    return submit(context, body, call, is_write=False)
