"""ElectLeaders (API key 43), versions 0 to 2: this broker leads every partition, so that no election is needed.

1: the kind of election, and an error code for the whole answer. Null asks about all partitions: as in Kafka, the answer
names those that were elected, which are none.
"""

from __future__ import annotations

from typing import Final

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.model import TopicPartition
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

_KINDS: Final = (0, 1)
"""Of the preferred replica, and of a replica that is not in sync."""


def handle(context: BrokerContext, body: ElectLeadersRequest, call: Call) -> Outcome:
    if body.election_type not in _KINDS:
        return Reply(ElectLeadersResponse(error_code=ErrorCode.INVALID_REQUEST))
    return Reply(
        ElectLeadersResponse(
            replica_election_results=tuple(
                ReplicaElectionResult(
                    topic=topic.topic,
                    partition_result=tuple(_result(context, topic.topic, index) for index in topic.partitions),
                )
                for topic in body.topic_partitions or ()
            )
        )
    )


def _result(context: BrokerContext, topic: str, index: int) -> PartitionResult:
    if TopicPartition(topic, index) not in context.partitions.logs:
        code, message = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no partition {topic}-{index}"
    else:
        code = ErrorCode.ELECTION_NOT_NEEDED
        message = f"broker {context.config.node_id} leads the partition and is its one replica"
    return PartitionResult(partition_id=index, error_code=code, error_message=message)
