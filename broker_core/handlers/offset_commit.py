"""OffsetCommit (API key 8), versions 2 to 9: commits a group's offsets; answered once they are durable.

2 to 4: retention time, ignored. 6: leader epoch. 7: group instance id.
"""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.handlers.coordinated import submit
from broker_core.model import CONSUMER_OFFSETS_TOPIC
from broker_core.outcome import Call, Outcome
from broker_core.protocol.offset_commit import OffsetCommitRequest


def handle(context: BrokerContext, body: OffsetCommitRequest, call: Call) -> Outcome:
    return submit(context, body, call, internal_topics=(CONSUMER_OFFSETS_TOPIC,))
