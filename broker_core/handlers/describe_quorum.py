"""DescribeQuorum (API key 55), versions 0 to 2: the quorum that keeps the metadata is this broker alone.

1: times of the voters. 2: messages, and the voters' addresses. The catalog is a file and no log: the count of
starts stands for the end offset.
"""

from __future__ import annotations

from typing import Final

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    Listener,
    Node,
    ReplicaState,
    ResponsePartitionData,
    ResponseTopicData,
)

_METADATA_TOPIC: Final = "__cluster_metadata"


def handle(context: BrokerContext, body: DescribeQuorumRequest, call: Call) -> Outcome:
    return Reply(
        DescribeQuorumResponse(
            error_message=None,
            topics=tuple(
                ResponseTopicData(
                    topic_name=topic.topic_name,
                    partitions=tuple(
                        _describe(context, topic.topic_name, asked.partition_index, call.now_ms)
                        for asked in topic.partitions
                    ),
                )
                for topic in body.topics
            ),
            nodes=(_node(context),) if call.api_version >= 2 else (),
        )
    )


def _describe(context: BrokerContext, topic: str, index: int, now_ms: int) -> ResponsePartitionData:
    if (topic, index) != (_METADATA_TOPIC, 0):
        return ResponsePartitionData(
            partition_index=index,
            error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            error_message=f"{topic}-{index} is kept by no quorum",
            leader_id=-1,
        )
    catalog, node_id = context.catalog, context.config.node_id
    voter = ReplicaState(
        replica_id=node_id,
        log_end_offset=catalog.leader_epoch,
        last_fetch_timestamp=now_ms,
        last_caught_up_timestamp=now_ms,
    )
    return ResponsePartitionData(
        partition_index=index,
        error_message=None,
        leader_id=node_id,
        leader_epoch=catalog.leader_epoch,
        high_watermark=catalog.leader_epoch,
        current_voters=(voter,),
    )


def _node(context: BrokerContext) -> Node:
    config = context.config
    listener = Listener(name="PLAINTEXT", host=config.advertised_host, port=config.advertised_port)
    return Node(node_id=config.node_id, listeners=(listener,))
