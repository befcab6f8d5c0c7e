"""DescribeConfigs (API key 32), versions 1 to 4: the settings of topics and of the broker, where they come from.

1: sources and synonyms. 3: types. Every topic setting is listed, since clients look for some (``cleanup.policy``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from broker_core.catalog import Topic
from broker_core.config import BrokerConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from broker_core.topic_config import TOPIC_SETTINGS, ConfigType, effective_text

_TOPIC: Final = 2
_BROKER: Final = 4
_SOURCE_TOPIC: Final = 1
_SOURCE_STATIC_BROKER: Final = 4
_SOURCE_DEFAULT: Final = 5


def handle(context: BrokerContext, body: DescribeConfigsRequest, call: Call) -> Outcome:
    return Reply(
        DescribeConfigsResponse(
            results=tuple(_describe(context, resource, body.include_synonyms) for resource in body.resources)
        )
    )


def topic_settings(
    context: BrokerContext, topic: Topic, *, wanted: Iterable[str] | None, synonyms: bool
) -> tuple[DescribeConfigsResourceResult, ...]:
    """The settings of ``topic``; ``wanted`` limits them to some names."""
    config = context.topics.log_config(topic)
    names = None if wanted is None else frozenset(wanted)
    results = []
    for name, setting in TOPIC_SETTINGS.items():
        if names is not None and name not in names:
            continue
        default = effective_text(setting, context.config.log, {})
        text = effective_text(setting, config, topic.configs)
        source = _SOURCE_TOPIC if name in topic.configs else _SOURCE_DEFAULT
        chain = [DescribeConfigsSynonym(name=name, value=default, source=_SOURCE_DEFAULT)]
        if source == _SOURCE_TOPIC:
            chain.insert(0, DescribeConfigsSynonym(name=name, value=text, source=source))
        results.append(
            DescribeConfigsResourceResult(
                name=name,
                value=text,
                config_source=source,
                synonyms=tuple(chain) if synonyms else (),
                config_type=setting.type,
                documentation=None,
            )
        )
    return tuple(results)


def _describe(context: BrokerContext, resource: DescribeConfigsResource, synonyms: bool) -> DescribeConfigsResult:
    try:
        if resource.resource_type == _TOPIC:
            topic = context.catalog.find(resource.resource_name)
            configs = topic_settings(context, topic, wanted=resource.configuration_keys, synonyms=synonyms)
        elif resource.resource_type == _BROKER:
            configs = _broker_settings(context.config, resource)
        else:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"resource type {resource.resource_type}: 2 topic, 4 broker")
    except REFUSALS as error:
        return DescribeConfigsResult(
            error_code=error_code(error),
            error_message=str(error),
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
        )
    return DescribeConfigsResult(
        error_message=None,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        configs=configs,
    )


def _broker_settings(
    config: BrokerConfig, resource: DescribeConfigsResource
) -> tuple[DescribeConfigsResourceResult, ...]:
    if resource.resource_name not in ("", str(config.node_id)):
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"the one broker is {config.node_id}")
    names = resource.configuration_keys
    return tuple(
        DescribeConfigsResourceResult(
            name=name,
            value=text,
            read_only=True,
            config_source=_SOURCE_STATIC_BROKER,
            config_type=ConfigType.STRING,
            documentation=None,
        )
        for name, text in _broker_texts(config).items()
        if names is None or name in names
    )


def _broker_texts(config: BrokerConfig) -> Mapping[str, str]:
    return {
        "advertised.listeners": f"PLAINTEXT://{config.advertised_host}:{config.advertised_port}",
        "auto.create.topics.enable": str(config.auto_create_topics).lower(),
        "broker.id": str(config.node_id),
        "default.replication.factor": "1",
        "fetch.max.bytes": str(config.fetch_max_bytes),
        "log.cleanup.policy": ",".join(sorted(config.log.cleanup_policy)),
        "log.retention.bytes": str(config.log.retention_bytes),
        "log.retention.ms": str(config.log.retention_ms),
        "log.segment.bytes": str(config.log.segment_bytes),
        "message.max.bytes": str(config.log.max_message_bytes),
        "min.insync.replicas": "1",
        "node.id": str(config.node_id),
        "num.partitions": str(config.num_partitions),
        "offsets.topic.num.partitions": str(config.offsets_topic_partitions),
        "transaction.max.timeout.ms": str(config.transaction_max_timeout_ms),
        "transaction.state.log.num.partitions": str(config.transaction_topic_partitions),
    }
