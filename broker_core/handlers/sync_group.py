"""SyncGroup (API key 14), versions 0 to 5: takes the leader's assignment and, once it is durable, gives each its own.

3: group instance id. 5: protocol type and name, which must be the generation's (KIP-559).
Not refused while the disk is nearly full: members must be able to go on reading.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import CONSUMER_OFFSETS_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.sync_group import SyncGroupRequest


def handle(context: BrokerContext, body: SyncGroupRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(CONSUMER_OFFSETS_TOPIC,), is_write=False)
