"""AlterPartitionReassignments: to where a partition is already, or nowhere."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from tests.unit.broker_core.broker_kit import Kit


def test_the_one_possible_assignment(kit: Kit) -> None:
    kit.create("words", partitions=3)
    asked = (
        ReassignablePartition(partition_index=0, replicas=(1,)),
        ReassignablePartition(partition_index=1, replicas=(1, 2)),
        ReassignablePartition(partition_index=2, replicas=None),
        ReassignablePartition(partition_index=3, replicas=(1,)),
    )
    body = AlterPartitionReassignmentsRequest(topics=(ReassignableTopic(name="words", partitions=asked),))
    (topic,) = kit.call(body).responses
    assert [result.error_code for result in topic.partitions] == [
        ErrorCode.NONE,
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]
