"""Fetch: whole batches, long polls, limits, topics by name and id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from broker_core.config import BrokerConfig
from broker_core.errors import ErrorCode
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.fetch import FetchRequest
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.unit.broker_core.broker_kit import NOW, Kit, fetched, produce_request


def test_a_long_poll_ends_when_data_comes(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    assert kit.answer(token) is None
    assert kit.broker.next_deadline() == NOW + 500
    kit.send(produce_request("words", "a"))
    assert kit.answer(token) is None, "not yet durable"
    kit.sync()
    assert fetched(kit.answer(token)).high_watermark == 1


def test_a_long_poll_ends_at_its_deadline(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    kit.tick(499)
    assert kit.answer(token) is None
    kit.tick(1)
    assert fetched(kit.answer(token)).records == b""


def test_a_long_poll_waits_for_min_bytes(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", max_wait_ms=500, min_bytes=150), 12)
    kit.produce("words", "a")
    assert kit.answer(token) is None
    kit.produce("words", "b" * 100)
    assert len(fetched(kit.answer(token)).records or b"") >= 150


def test_an_error_is_not_waited_with(kit: Kit) -> None:
    kit.create("words")
    token = kit.send(kit.fetch_request("words", 5, max_wait_ms=500), 12)
    assert fetched(kit.answer(token)).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    token = kit.send(kit.fetch_request("nothing", max_wait_ms=500), 12)
    assert fetched(kit.answer(token)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_fetch_by_topic_id(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    topic_id = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="words"),))).topics[0].topic_id
    by_name = kit.fetch_request("words")
    topic = by_name.topics[0]
    by_id = type(by_name)(
        min_bytes=1, max_bytes=1000, topics=(type(topic)(topic_id=topic_id, partitions=topic.partitions),)
    )
    response = kit.call(by_id, 17)
    assert response.responses[0].topic_id == topic_id
    assert fetched(response).high_watermark == 1
    unknown = type(by_name)(max_bytes=1000, topics=(type(topic)(topic_id=UUID(int=5), partitions=topic.partitions),))
    assert fetched(kit.call(unknown, 17)).error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_fetch_respects_the_limit_over_all_partitions_but_returns_one_batch(kit: Kit) -> None:
    kit.create("words", partitions=2)
    for partition in (0, 1):
        kit.produce("words", "x" * 1000, partition=partition)
    one = kit.fetch_request("words", max_bytes=1)
    topic = one.topics[0]
    partitions = tuple(type(topic.partitions[0])(partition=index, partition_max_bytes=1 << 20) for index in (1, 0))
    both = type(one)(min_bytes=1, max_bytes=100, topics=(type(topic)(topic="words", partitions=partitions),))
    first, second = kit.call(both, 12).responses[0].partitions
    assert first.partition_index == 1
    assert len(first.records) > 1000
    assert second.records == b""
    assert second.high_watermark == 1


def test_a_topic_of_zstd_is_not_sent_to_clients_that_do_not_know_it(kit: Kit) -> None:
    kit.create("words", compression_type="zstd")
    kit.produce("words", "a")
    for version, code in ((9, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE), (10, 0)):
        assert fetched(kit.call(kit.fetch_request("words"), version)).error_code == code


def test_a_parked_fetch_by_id_learns_that_its_topic_is_gone(kit: Kit) -> None:
    kit.create("words")
    topic_id = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="words"),))).topics[0].topic_id
    by_name = kit.fetch_request("words", max_wait_ms=500)
    topic = by_name.topics[0]
    asked = type(topic)(topic_id=topic_id, partitions=topic.partitions)
    token = kit.send(type(by_name)(max_wait_ms=500, min_bytes=1, max_bytes=1000, topics=(asked,)), 17)
    assert kit.answer(token) is None
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),)))
    assert fetched(kit.answer(token)).error_code == ErrorCode.UNKNOWN_TOPIC_ID
    kit.create("words")
    assert kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="words"),))).topics[0].topic_id != topic_id


def session_request(kit: Kit, session_id: int, epoch: int, offset: int | None = None, **more: Any) -> FetchRequest:
    """A request of a session; without an offset it asks for nothing new."""
    body = kit.fetch_request("words", offset or 0, **more)
    return replace(body, session_id=session_id, session_epoch=epoch, topics=() if offset is None else body.topics)


def test_a_session_sends_and_is_sent_what_changed(kit: Kit) -> None:
    kit.create("words")
    first = kit.call(session_request(kit, 0, 0, 0), 12)
    assert first.session_id > 0 and fetched(first).high_watermark == 0, "a full answer, empty or not"
    assert kit.call(session_request(kit, first.session_id, 1), 12).responses == ()
    kit.produce("words", "a")
    assert fetched(kit.call(session_request(kit, first.session_id, 2), 12)).records
    assert kit.call(session_request(kit, first.session_id, 3, 1), 12).responses == (), "the position moved"


def test_a_parked_fetch_of_a_session(kit: Kit) -> None:
    kit.create("words")
    session_id = kit.call(session_request(kit, 0, 0, 0), 12).session_id
    token = kit.send(session_request(kit, session_id, 1, max_wait_ms=500), 12)
    assert kit.answer(token) is None
    kit.produce("words", "a")
    answer = kit.answer(token)
    assert (answer.session_id, fetched(answer).high_watermark) == (session_id, 1)


def test_a_session_that_is_not_there(kit: Kit) -> None:
    kit.create("words")
    answer = kit.call(session_request(kit, 77, 1), 12)
    assert (answer.error_code, answer.session_id) == (ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0)
    session_id = kit.call(session_request(kit, 0, 0, 0), 12).session_id
    answer = kit.call(session_request(kit, session_id, 5), 12)
    assert answer.error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    kit.restart()
    answer = kit.call(session_request(kit, session_id, 1), 12)
    assert answer.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_without_slots_every_answer_is_a_full_one() -> None:
    kit = Kit(config=BrokerConfig(fetch_session_slots=0)).open()
    kit.create("words")
    for _ in range(2):
        answer = kit.call(session_request(kit, 0, 0, 0), 12)
        assert (answer.session_id, len(answer.responses)) == (0, 1)


@pytest.mark.parametrize("version", [12, 15, 16, 17])
def test_who_is_fenced_learns_the_leader(kit: Kit, version: int) -> None:
    kit.create("words")
    kit.restart()
    topic_id = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="words"),))).topics[0].topic_id
    body = kit.fetch_request("words", epoch=1)
    topic = replace(body.topics[0], topic="" if version >= 13 else "words", topic_id=topic_id)
    answer = kit.call(replace(body, topics=(topic,)), version)
    data = fetched(answer)
    assert data.error_code == ErrorCode.FENCED_LEADER_EPOCH
    told = (
        (data.current_leader.leader_id, data.current_leader.leader_epoch),
        [node.node_id for node in answer.node_endpoints],
    )
    assert told == (((1, 2), [1]) if version >= 16 else ((-1, -1), []))
    newer = kit.fetch_request("words", epoch=9)
    assert fetched(kit.call(newer, 12)).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
