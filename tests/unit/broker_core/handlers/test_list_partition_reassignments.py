"""ListPartitionReassignments: nothing is on the move."""

from __future__ import annotations

from broker_core.protocol.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)
from tests.unit.broker_core.broker_kit import Kit


def test_nothing_is_on_the_move(kit: Kit) -> None:
    kit.create("words")
    for topics in (None, (ListPartitionReassignmentsTopics(name="words", partition_indexes=(0,)),)):
        answer = kit.call(ListPartitionReassignmentsRequest(topics=topics))
        assert (answer.error_code, answer.error_message, answer.topics) == (0, None, ())
