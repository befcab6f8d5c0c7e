"""ListConfigResources (API key 74), versions 0 to 1: what has settings: topics and the broker.

0 asks for client metrics subscriptions only, of which there are none. 1: by type; no type asks for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from broker_core.errors import ErrorCode
from broker_core.handlers.alter_configs import Kind
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

_TYPES_SINCE: Final = 1
_BROKER_LOGGER, _CLIENT_METRICS, _GROUP = 8, 16, 32
_TYPES: Final = (Kind.TOPIC, Kind.BROKER, _BROKER_LOGGER, _CLIENT_METRICS, _GROUP)


def handle(context: BrokerContext, body: ListConfigResourcesRequest, call: Call) -> Outcome:
    wanted = body.resource_types or _TYPES if call.api_version >= _TYPES_SINCE else (_CLIENT_METRICS,)
    if not set(wanted) <= set(_TYPES):
        return Reply(ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION))
    found = (resource for kind in dict.fromkeys(wanted) for resource in _resources(context, kind))
    return Reply(ListConfigResourcesResponse(config_resources=tuple(found)))


def _resources(context: BrokerContext, kind: int) -> Iterator[ConfigResource]:
    if kind == Kind.TOPIC:
        names = sorted(context.catalog.topics)
    elif kind == Kind.BROKER:
        names = [str(context.config.node_id)]
    else:
        return
    for name in names:
        yield ConfigResource(resource_name=name, resource_type=kind)
