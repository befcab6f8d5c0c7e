"""How the APIs of the coordinators reach ``Coordinator.submit``; each API has a module of its own that calls this."""

from __future__ import annotations

from typing import Any

from broker_core.coordinator import CoordinatorReply
from broker_core.coordinator_requests import refuse
from broker_core.group.joining import Client
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.outcome import Call, Outcome, Parked, Reply


def submit(
    context: BrokerContext,
    body: Any,
    call: Call,
    *,
    internal_topics: tuple[str, ...] = (),
    is_write: bool = True,
) -> Outcome:
    """Hand a request to the coordinator.

    Arguments:
        internal_topics: made first if they are not there.
        is_write: refused while the disk is nearly full. False for what only reads, or ends what is under way.
    """
    try:
        if is_write:
            context.guard.admit(0, call.now_ms)
        for topic in internal_topics:
            if topic not in context.catalog.topics:
                context.topics.create_automatically(topic, call.now_ms)
    except REFUSALS as error:
        context.observer.event("request.refused", api=type(body).__name__, reason=str(error))
        return Reply(refuse(body, error_code(error), call.api_version))
    address = call.connection.client_address
    client = Client(call.client_id or "", f"/{address.rpartition(':')[0] or address}")  # as Java writes one, no port
    answer = context.coordinator.submit(body, call.api_version, call.now_ms, client)
    outcome: Outcome
    if isinstance(answer, CoordinatorReply):
        outcome = Reply(answer.body)
    else:
        outcome = Parked(context.waiting.park_coordinated(answer.token))
    context.waiting.release_coordinated(context.coordinator.take_released())
    return outcome
