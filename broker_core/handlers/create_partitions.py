"""CreatePartitions (API key 37), versions 0 to 3: raises the partition counts of topics. One result per topic."""

from __future__ import annotations

from collections import Counter

from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)


def handle(context: BrokerContext, body: CreatePartitionsRequest, call: Call) -> Outcome:
    names = Counter(wanted.name for wanted in body.topics)
    return Reply(
        CreatePartitionsResponse(
            results=tuple(
                _grow(context, wanted, call.now_ms, body.validate_only, is_repeated=names[wanted.name] > 1)
                for wanted in body.topics
            )
        )
    )


def _grow(
    context: BrokerContext, wanted: CreatePartitionsTopic, now_ms: int, validate_only: bool, *, is_repeated: bool
) -> CreatePartitionsTopicResult:
    try:
        if is_repeated:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"topic {wanted.name!r} occurs twice in the request")
        added = wanted.count - context.catalog.find(wanted.name).partitions
        if wanted.assignments is not None and added > 0 and len(wanted.assignments) != added:
            raise BrokerError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"{added} partitions would be added, {len(wanted.assignments)} are assigned",
            )
        if any(assignment.broker_ids != (context.config.node_id,) for assignment in wanted.assignments or ()):
            raise BrokerError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"the one possible replica is [{context.config.node_id}]"
            )
        context.topics.grow(wanted.name, wanted.count, now_ms, validate_only=validate_only)
    except REFUSALS as error:
        return CreatePartitionsTopicResult(name=wanted.name, error_code=error_code(error), error_message=str(error))
    return CreatePartitionsTopicResult(name=wanted.name)
