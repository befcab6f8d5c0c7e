"""AlterConfigs (API key 33), versions 0 to 2: replaces all settings of a topic or of the broker.

What is not named goes back to its default. Each resource succeeds or fails by itself; one named twice always fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import TypeAlias

from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)

Resource: TypeAlias = tuple[int, str]


class Kind(IntEnum):
    """``resource_type``: what has settings here."""

    TOPIC = 2
    BROKER = 4


def handle(context: BrokerContext, body: AlterConfigsRequest, call: Call) -> Outcome:
    resources = Counter((resource.resource_type, resource.resource_name) for resource in body.resources)

    def alter(resource: AlterConfigsResource) -> AlterConfigsResourceResponse:
        named = (resource.resource_type, resource.resource_name)
        code, message = attempt(
            context, named, lambda: _replace(context, resource, body.validate_only), is_repeated=resources[named] > 1
        )
        return AlterConfigsResourceResponse(
            error_code=code, error_message=message, resource_type=named[0], resource_name=named[1]
        )

    return Reply(AlterConfigsResponse(responses=tuple(alter(resource) for resource in body.resources)))


def attempt(
    context: BrokerContext, resource: Resource, change: Callable[[], None], *, is_repeated: bool
) -> tuple[ErrorCode, str | None]:
    """Change one resource's settings; the code and the message of what came of it."""
    try:
        if is_repeated:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"resource {resource[1]!r} occurs twice in the request")
        change()
    except REFUSALS as error:
        context.observer.event("configs.refused", resource=resource, reason=str(error))
        return error_code(error), str(error)
    context.observer.event("configs.altered", resource=resource)
    return ErrorCode.NONE, None


def check_names(names: Iterable[str]) -> None:
    """Raise BrokerError ``INVALID_REQUEST`` for a setting that is named twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"settings named twice: {', '.join(twice)}")


def unknown_kind(kind: int) -> BrokerError:
    """The refusal of a resource that has no settings here."""
    return BrokerError(
        ErrorCode.INVALID_REQUEST, f"resource type {kind}: only topics (2) and brokers (4) have settings"
    )


def _replace(context: BrokerContext, resource: AlterConfigsResource, validate_only: bool) -> None:
    check_names(config.name for config in resource.configs)
    values: Mapping[str, str | None] = {config.name: config.value for config in resource.configs}
    empty = [name for name, value in values.items() if value is None]
    if empty:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"settings without a value: {', '.join(empty)}")
    match resource.resource_type:
        case Kind.TOPIC:
            context.settings.replace_topic(resource.resource_name, values, validate_only=validate_only)
        case Kind.BROKER:
            context.settings.replace_broker(resource.resource_name, values, validate_only=validate_only)
        case kind:
            raise unknown_kind(kind)
