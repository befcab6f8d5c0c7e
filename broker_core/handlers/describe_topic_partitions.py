"""DescribeTopicPartitions (API key 75), version 0: partitions of topics in the order of their names, a page at a time.

No topic named asks for all. A page holds at most ``response_partition_limit`` partitions, and the cursor says where the
next one begins: with the first partition that this page has no room for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker_core.catalog import Topic
from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)

MAX_PAGE_PARTITIONS: Final = 2_000
"""Kafka's max.request.partition.size.limit."""


def handle(context: BrokerContext, body: DescribeTopicPartitionsRequest, call: Call) -> Outcome:
    names = sorted({topic.name for topic in body.topics} or context.catalog.topics)
    first_index = 0
    if body.cursor is not None:
        names = [name for name in names if name >= body.cursor.topic_name]
        if names and names[0] == body.cursor.topic_name:
            first_index = max(0, body.cursor.partition_index)
    room = min(max(1, body.response_partition_limit), MAX_PAGE_PARTITIONS)
    topics, cursor = _page(context, names, first_index, room)
    return Reply(DescribeTopicPartitionsResponse(topics=tuple(topics), next_cursor=cursor))


def _page(
    context: BrokerContext, names: Iterable[str], first_index: int, room: int
) -> tuple[list[DescribeTopicPartitionsResponseTopic], Cursor | None]:
    topics: list[DescribeTopicPartitionsResponseTopic] = []
    for name in names:
        if not room:
            return topics, Cursor(topic_name=name, partition_index=first_index)
        try:
            topic = context.catalog.find(name)
        except BrokerError as error:
            topics.append(DescribeTopicPartitionsResponseTopic(error_code=error.code, name=name))
            room -= 1
            continue
        indexes = range(first_index, topic.partitions)[:room]
        first_index = 0
        topics.append(_describe(context, topic, indexes))
        room -= len(indexes)
        if indexes and indexes[-1] + 1 < topic.partitions:
            return topics, Cursor(topic_name=name, partition_index=indexes[-1] + 1)
    return topics, None


def _describe(context: BrokerContext, topic: Topic, indexes: range) -> DescribeTopicPartitionsResponseTopic:
    node = (context.config.node_id,)
    return DescribeTopicPartitionsResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.is_internal,
        partitions=tuple(
            DescribeTopicPartitionsResponsePartition(
                error_code=ErrorCode.NONE,
                partition_index=index,
                leader_id=context.config.node_id,
                leader_epoch=context.catalog.leader_epoch,
                replica_nodes=node,
                isr_nodes=node,
                eligible_leader_replicas=(),
                last_known_elr=(),
            )
            for index in indexes
        ),
    )
