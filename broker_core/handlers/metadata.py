"""Metadata (API key 3), versions 0 to 13: brokers, topics and who leads their partitions.

- 0: an empty list asks for all topics. 1: null does, and an empty one asks for none.
- 4: says whether topics may be created on the way. 7: leader epochs. 10: topic ids. 12: topics by id.
"""

from __future__ import annotations

from typing import Final

from broker_core.catalog import Topic
from broker_core.errors import ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)

_AUTO_CREATION_SINCE: Final = 4
_TOPIC_IDS_SINCE: Final = 12


def handle(context: BrokerContext, body: MetadataRequest, call: Call) -> Outcome:
    config = context.config
    if body.topics is None or (call.api_version == 0 and not body.topics):
        topics = [_describe(context, topic) for topic in context.catalog.topics.values()]
    else:
        may_create = config.auto_create_topics and (
            call.api_version < _AUTO_CREATION_SINCE or body.allow_auto_topic_creation
        )
        topics = [_find(context, wanted, may_create, call) for wanted in body.topics]
    return Reply(
        MetadataResponse(
            brokers=(
                MetadataResponseBroker(
                    node_id=config.node_id, host=config.advertised_host, port=config.advertised_port
                ),
            ),
            cluster_id=context.catalog.cluster_id,
            controller_id=config.node_id,
            topics=tuple(topics),
        )
    )


def _find(context: BrokerContext, wanted: MetadataRequestTopic, may_create: bool, call: Call) -> MetadataResponseTopic:
    try:
        if wanted.topic_id.int and not wanted.name:
            return _describe(context, context.catalog.find_by_id(wanted.topic_id))
        asked = wanted.name or ""
        topic = context.catalog.topics.get(asked)
        if topic is None and may_create:
            topic = context.topics.create_automatically(asked, call.now_ms)
        return _describe(context, topic or context.catalog.find(asked))
    except REFUSALS as error:
        name = wanted.name or (None if call.api_version >= _TOPIC_IDS_SINCE else "")
        return MetadataResponseTopic(error_code=error_code(error), name=name, topic_id=wanted.topic_id)


def _describe(context: BrokerContext, topic: Topic) -> MetadataResponseTopic:
    """Made once per state of the catalog: clients ask every few minutes, and after every failure."""
    described = context.described
    if described.of is not context.catalog.topics:
        described.of, described.topics = context.catalog.topics, {}
    found = described.topics.get(topic.name)
    if found is None:
        found = described.topics[topic.name] = _description(context, topic)
    return found


def _description(context: BrokerContext, topic: Topic) -> MetadataResponseTopic:
    node = (context.config.node_id,)
    epoch = context.catalog.leader_epoch
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.is_internal,
        partitions=tuple(
            MetadataResponsePartition(
                error_code=ErrorCode.NONE,
                partition_index=index,
                leader_id=context.config.node_id,
                leader_epoch=epoch,
                replica_nodes=node,
                isr_nodes=node,
            )
            for index in range(topic.partitions)
        ),
    )
