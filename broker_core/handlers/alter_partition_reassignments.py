"""AlterPartitionReassignments (API key 45), version 0: the one possible replica is where every partition is already."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.model import TopicPartition
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)


def handle(context: BrokerContext, body: AlterPartitionReassignmentsRequest, call: Call) -> Outcome:
    return Reply(
        AlterPartitionReassignmentsResponse(
            error_message=None,
            responses=tuple(
                ReassignableTopicResponse(
                    name=topic.name,
                    partitions=tuple(_reassign(context, topic.name, asked) for asked in topic.partitions),
                )
                for topic in body.topics
            ),
        )
    )


def _reassign(context: BrokerContext, topic: str, asked: ReassignablePartition) -> ReassignablePartitionResponse:
    node, index = context.config.node_id, asked.partition_index
    code, message = ErrorCode.NONE, None
    if TopicPartition(topic, index) not in context.partitions.logs:
        code, message = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no partition {topic}-{index}"
    elif asked.replicas is None:
        code, message = ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, f"no reassignment of {topic}-{index} is under way"
    elif asked.replicas != (node,):
        code, message = ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"the one possible assignment is [{node}]"
    return ReassignablePartitionResponse(partition_index=index, error_code=code, error_message=message)
