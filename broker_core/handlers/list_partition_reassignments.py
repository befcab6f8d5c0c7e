"""ListPartitionReassignments (API key 46), version 0: nothing is ever on the move (kafka-topics --describe asks)."""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)


def handle(context: BrokerContext, body: ListPartitionReassignmentsRequest, call: Call) -> Outcome:
    return Reply(ListPartitionReassignmentsResponse(error_message=None))
