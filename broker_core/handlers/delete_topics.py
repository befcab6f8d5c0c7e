"""DeleteTopics (API key 20), versions 1 to 6: deletes topics with all that was written and committed for them.

5: answers carry a message. 6: topics by name or by id.
"""

from __future__ import annotations

from collections import Counter

from broker_core.errors import BrokerError, ErrorCode
from broker_core.handlers.context import REFUSALS, BrokerContext, error_code
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)


def handle(context: BrokerContext, body: DeleteTopicsRequest, call: Call) -> Outcome:
    wanted = body.topics or tuple(DeleteTopicState(name=name) for name in body.topic_names)
    deleted: list[str] = []
    asked = Counter((topic.name, topic.topic_id) for topic in wanted)
    results = tuple(
        _delete(context, topic, deleted, is_repeated=asked[topic.name, topic.topic_id] > 1) for topic in wanted
    )
    if deleted:
        context.coordinator.topics_deleted(deleted, call.now_ms)
    return Reply(DeleteTopicsResponse(responses=results))


def _delete(
    context: BrokerContext, wanted: DeleteTopicState, deleted: list[str], *, is_repeated: bool
) -> DeletableTopicResult:
    try:
        if is_repeated:
            raise BrokerError(ErrorCode.INVALID_REQUEST, "a topic occurs twice in the request")
        if wanted.name is not None and wanted.topic_id.int:
            raise BrokerError(ErrorCode.INVALID_REQUEST, "a topic is named by its name or by its id, not by both")
        by_name = wanted.name is not None
        topic = context.catalog.find(wanted.name or "") if by_name else context.catalog.find_by_id(wanted.topic_id)
        context.topics.delete(topic.name)
    except REFUSALS as error:
        return DeletableTopicResult(
            name=wanted.name, topic_id=wanted.topic_id, error_code=error_code(error), error_message=str(error)
        )
    deleted.append(topic.name)
    return DeletableTopicResult(name=topic.name, topic_id=topic.id, error_message=None)
