"""DescribeConfigs (API key 32), versions 1 to 4: the settings of topics and of the broker, where they come from.

1: sources and synonyms. 3: types, and a text about each. Every setting is listed, since clients look for some
(``cleanup.policy``); those that cannot be changed say so. The broker called "" is the cluster: as in Kafka, only what
was changed for it is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker_core.broker_config import CLUSTER, LOG_SETTINGS, START_SETTINGS
from broker_core.catalog import Topic
from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.alter_configs import Kind, unknown_kind
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
from broker_core.settings import Origin, Source
from broker_core.topic_config import TOPIC_SETTINGS, ConfigType


def handle(context: BrokerContext, body: DescribeConfigsRequest, call: Call) -> Outcome:
    return Reply(
        DescribeConfigsResponse(results=tuple(_describe(context, resource, body) for resource in body.resources))
    )


def topic_settings(
    context: BrokerContext,
    topic: Topic,
    *,
    wanted: Iterable[str] | None = None,
    synonyms: bool = False,
    documentation: bool = False,
) -> tuple[DescribeConfigsResourceResult, ...]:
    """The settings of ``topic``; ``wanted`` limits them to some names."""
    names = TOPIC_SETTINGS if wanted is None else [name for name in dict.fromkeys(wanted) if name in TOPIC_SETTINGS]
    return tuple(
        _result(
            name,
            TOPIC_SETTINGS[name].type,
            context.settings.topic_origins(name, topic),
            read_only=TOPIC_SETTINGS[name].is_read_only,
            synonyms=synonyms,
            meaning=TOPIC_SETTINGS[name].meaning if documentation else None,
        )
        for name in names
    )


def _describe(
    context: BrokerContext, resource: DescribeConfigsResource, body: DescribeConfigsRequest
) -> DescribeConfigsResult:
    kind, name = resource.resource_type, resource.resource_name
    try:
        if kind == Kind.TOPIC:
            configs = topic_settings(
                context,
                context.catalog.find(name),
                wanted=resource.configuration_keys,
                synonyms=body.include_synonyms,
                documentation=body.include_documentation,
            )
        elif kind == Kind.BROKER:
            configs = tuple(_broker_settings(context, resource, body))
        else:
            raise unknown_kind(kind)
    except REFUSALS as error:
        return DescribeConfigsResult(
            error_code=error_code(error), error_message=str(error), resource_type=kind, resource_name=name
        )
    return DescribeConfigsResult(error_message=None, resource_type=kind, resource_name=name, configs=configs)


def _broker_settings(
    context: BrokerContext, resource: DescribeConfigsResource, body: DescribeConfigsRequest
) -> Iterator[DescribeConfigsResourceResult]:
    asked, wanted = resource.resource_name, resource.configuration_keys
    if asked not in (CLUSTER, str(context.config.node_id)):
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"the one broker is {context.config.node_id}, not {asked!r}")
    names = sorted([*START_SETTINGS, *LOG_SETTINGS]) if asked != CLUSTER else sorted(context.settings.cluster_settings)
    for name in names:
        if wanted is not None and name not in wanted:
            continue
        origins = context.settings.broker_origins(name)
        if asked == CLUSTER:
            origins = tuple(origin for origin in origins if origin.source >= Source.CLUSTER)
        setting = LOG_SETTINGS.get(name) or START_SETTINGS[name]
        yield _result(
            name,
            setting.type,
            origins,
            read_only=name in START_SETTINGS or setting.is_read_only,
            synonyms=body.include_synonyms,
            meaning=setting.meaning if body.include_documentation else None,
        )


def _result(
    name: str, kind: ConfigType, origins: tuple[Origin, ...], *, read_only: bool, synonyms: bool, meaning: str | None
) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=name,
        value=origins[0].value,
        read_only=read_only,
        config_source=origins[0].source,
        synonyms=tuple(
            DescribeConfigsSynonym(name=origin.name, value=origin.value, source=origin.source) for origin in origins
        )
        if synonyms
        else (),
        config_type=kind,
        documentation=meaning,
    )
