"""IncrementalAlterConfigs (API key 44), versions 0 to 1: changes single settings of a topic or of the broker (KIP-339).

SET and DELETE; APPEND and SUBTRACT of words for settings that are lists. Each resource succeeds or fails by itself, and
as a whole; one named twice always fails.
"""

from __future__ import annotations

from collections import Counter

from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.alter_configs import Kind, attempt, check_names, unknown_kind
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from broker_core.topic_config import Change, Operation


def handle(context: BrokerContext, body: IncrementalAlterConfigsRequest, call: Call) -> Outcome:
    resources = Counter((resource.resource_type, resource.resource_name) for resource in body.resources)

    def alter(resource: AlterConfigsResource) -> AlterConfigsResourceResponse:
        named = (resource.resource_type, resource.resource_name)
        code, message = attempt(
            context, named, lambda: _change(context, resource, body.validate_only), is_repeated=resources[named] > 1
        )
        return AlterConfigsResourceResponse(
            error_code=code, error_message=message, resource_type=named[0], resource_name=named[1]
        )

    return Reply(IncrementalAlterConfigsResponse(responses=tuple(alter(resource) for resource in body.resources)))


def _change(context: BrokerContext, resource: AlterConfigsResource, validate_only: bool) -> None:
    check_names(config.name for config in resource.configs)
    changes = tuple(_read(config) for config in resource.configs)
    match resource.resource_type:
        case Kind.TOPIC:
            context.settings.change_topic(resource.resource_name, changes, validate_only=validate_only)
        case Kind.BROKER:
            context.settings.change_broker(resource.resource_name, changes, validate_only=validate_only)
        case kind:
            raise unknown_kind(kind)


def _read(config: AlterableConfig) -> Change:
    try:
        return Change(config.name, Operation(config.config_operation), config.value)
    except ValueError:
        raise BrokerError(
            ErrorCode.INVALID_REQUEST, f"setting {config.name}: operation {config.config_operation} is unknown"
        ) from None
