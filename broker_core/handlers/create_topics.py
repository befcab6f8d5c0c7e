"""CreateTopics (API key 19), versions 2 to 7: creates topics; answered when they are durable.

4: -1 for the default counts. 5: answers with counts and settings. 7: answers with topic ids.
Each topic succeeds or fails by itself; a name that occurs twice fails every time it occurs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from broker_core.catalog import Topic
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.handlers.describe_configs import topic_settings
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from broker_core.topics import DEFAULT_PARTITIONS


def handle(context: BrokerContext, body: CreateTopicsRequest, call: Call) -> Outcome:
    """Whatever is refused, is refused by itself; the rest shares the disk's work and stands or falls together."""
    names = Counter(topic.name for topic in body.topics)
    good: dict[str, tuple[int, Mapping[str, str | None]]] = {}
    results: dict[str, CreatableTopicResult] = {}
    for wanted in body.topics:
        try:
            if names[wanted.name] > 1:
                raise BrokerError(ErrorCode.INVALID_REQUEST, f"topic {wanted.name!r} occurs twice in the request")
            configs = {config.name: config.value for config in wanted.configs}
            good[wanted.name] = context.topics.check_new(wanted.name, _partition_count(context, wanted), configs)
        except REFUSALS as error:
            results[wanted.name] = _refused(wanted.name, error)
    if body.validate_only:
        results.update((name, _would_be(name, partitions)) for name, (partitions, _) in good.items())
    elif good:
        try:
            topics = context.topics.create_together(good, call.now_ms)
            results.update((topic.name, _created(context, topic)) for topic in topics)
        except REFUSALS as error:
            results.update((name, _refused(name, error)) for name in good)
    return Reply(CreateTopicsResponse(topics=tuple(results[wanted.name] for wanted in body.topics)))


def _refused(name: str, error: BrokerError | StorageError) -> CreatableTopicResult:
    return CreatableTopicResult(name=name, error_code=error_code(error), error_message=str(error))


def _would_be(name: str, partitions: int) -> CreatableTopicResult:
    return CreatableTopicResult(
        name=name, error_message=None, num_partitions=partitions, replication_factor=1, configs=None
    )


def _created(context: BrokerContext, topic: Topic) -> CreatableTopicResult:
    return CreatableTopicResult(
        name=topic.name,
        topic_id=topic.id,
        error_message=None,
        num_partitions=topic.partitions,
        replication_factor=1,
        configs=_settings(context, topic),
    )


def _partition_count(context: BrokerContext, wanted: CreatableTopic) -> int:
    if not wanted.assignments:
        if wanted.replication_factor not in (-1, 1):
            raise BrokerError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                f"replication factor {wanted.replication_factor}: there is one broker, so only 1 is possible",
            )
        return wanted.num_partitions
    if wanted.num_partitions != DEFAULT_PARTITIONS or wanted.replication_factor != -1:
        raise BrokerError(
            ErrorCode.INVALID_REQUEST, "an assignment goes with partition count and replication factor -1"
        )
    assigned = {assignment.partition_index: assignment.broker_ids for assignment in wanted.assignments}
    if sorted(assigned) != list(range(len(wanted.assignments))) or set(assigned.values()) != {
        (context.config.node_id,)
    }:
        raise BrokerError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"partitions must be numbered from 0, each with the one replica [{context.config.node_id}]",
        )
    return len(assigned)


def _settings(context: BrokerContext, topic: Topic) -> tuple[CreatableTopicConfigs, ...]:
    return tuple(
        CreatableTopicConfigs(
            name=entry.name,
            value=entry.value,
            read_only=entry.read_only,
            config_source=entry.config_source,
            is_sensitive=entry.is_sensitive,
        )
        for entry in topic_settings(context, topic)
    )
