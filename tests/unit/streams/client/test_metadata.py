from __future__ import annotations

import random
from uuid import UUID

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.find_coordinator import Coordinator as Found
from broker_core.protocol.find_coordinator import FindCoordinatorResponse
from broker_core.protocol.metadata import MetadataResponse, MetadataResponsePartition, MetadataResponseTopic
from streams.client.calls import GROUP_COORDINATOR, Backoff, Call, Coordinator, Judge, Leader, Node
from streams.client.errors import ConnectionLost
from streams.client.metadata import Cluster
from streams.client.settings import ClientSettings
from streams.errors import ClientError
from streams.model import TopicPartition

PLACE = TopicPartition("t", 1)
GROUP = Coordinator(GROUP_COORDINATOR, "g")


def cluster() -> Cluster:
    settings = ClientSettings()
    return Cluster(settings, Judge(settings), Backoff(10, 10, random.Random(1)))


def known(leaders: list[int], code: int = 0) -> MetadataResponse:
    partitions = tuple(
        MetadataResponsePartition(partition_index=index, leader_id=leader) for index, leader in enumerate(leaders)
    )
    return MetadataResponse(topics=(MetadataResponseTopic(name="t", error_code=code, partitions=partitions),))


def ask(found: Cluster, now_ms: int = 0) -> Call:
    assert found.leader(PLACE) is None
    (call,) = found.calls(now_ms)
    return call


def test_it_asks_only_for_what_somebody_missed_and_once() -> None:
    found = cluster()
    assert found.calls(0) == []
    call = ask(found)
    assert [topic.name for topic in call.body.topics] == ["t"]
    assert found.leader(PLACE) is None
    assert found.calls(0) == []
    call.answered(known([4, 5]), 0)
    assert found.leader(PLACE) == 5
    assert found.locate(Leader(PLACE)) == Node(5)
    topic = found.topic("t")
    assert topic is not None and topic.partition_count == 2


def test_a_missing_topic_is_asked_for_again_after_a_wait() -> None:
    found = cluster()
    ask(found).answered(known([], ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), 0)
    assert found.leader(PLACE) is None
    assert found.calls(0) == []
    due = found.next_deadline()
    assert due is not None and due > 0
    assert len(found.calls(due)) == 1


def test_a_lost_answer_is_asked_for_again() -> None:
    found = cluster()
    ask(found).lost(ConnectionLost(), 0)
    ask(found, 100)


def test_a_refused_name_is_an_error_for_whoever_asks_next() -> None:
    found = cluster()
    ask(found).answered(known([], ErrorCode.INVALID_TOPIC_EXCEPTION), 0)
    with pytest.raises(ClientError, match="finding topic t was refused: INVALID_TOPIC"):
        found.leader(PLACE)


def test_a_partition_beyond_the_count_is_an_error_and_the_count_is_looked_up_again() -> None:
    found = cluster()
    ask(found).answered(known([1]), 0)
    with pytest.raises(ClientError, match="t has 1 partitions"):
        found.leader(PLACE)
    ask(found).answered(known([1, 2]), 0)
    assert found.leader(PLACE) == 2


def test_a_partition_without_leader_is_asked_for_again() -> None:
    found = cluster()
    ask(found).answered(known([1, -1]), 0)
    assert found.leader(PLACE) is None
    assert len(found.calls(100)) == 1


def test_coordinators_are_found_kept_and_forgotten() -> None:
    found = cluster()
    assert found.locate(GROUP) is None
    (call,) = found.calls(0)
    assert (call.body.key_type, call.body.coordinator_keys) == (GROUP_COORDINATOR, ("g",))
    call.answered(FindCoordinatorResponse(coordinators=(Found(key="g", error_code=15),)), 0)
    assert found.locate(GROUP) is None
    (call,) = found.calls(100)
    call.answered(FindCoordinatorResponse(coordinators=(Found(key="g", node_id=3),)), 100)
    assert found.locate(GROUP) == Node(3)
    found.forget(GROUP, ErrorCode.REQUEST_TIMED_OUT)
    assert found.locate(GROUP) == Node(3)
    found.forget(GROUP, ErrorCode.NOT_COORDINATOR)
    assert found.locate(GROUP) is None


def test_a_coordinator_that_is_refused_for_good_is_an_error_for_whoever_asks_next() -> None:
    found = cluster()
    assert found.locate(GROUP) is None
    (call,) = found.calls(0)
    denied = Found(key="g", error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    call.answered(FindCoordinatorResponse(coordinators=(denied,)), 0)
    with pytest.raises(ClientError, match="coordinator of group g was refused: GROUP_AUTH.*access control"):
        found.locate(GROUP)
    assert found.locate(GROUP) is None and len(found.calls(100)) == 1, "and may be asked for again"


def test_what_is_known_is_looked_up_again_when_it_is_old() -> None:
    found = cluster()
    ask(found).answered(known([1, 1]), 1_000)
    assert found.calls(300_999) == [] and found.next_deadline() == 301_000
    (call,) = found.calls(301_000)
    assert found.leader(PLACE) == 1, "and is good meanwhile"
    assert found.calls(301_000) == []
    call.answered(known([1, 2]), 301_005)
    assert found.leader(PLACE) == 2 and found.next_deadline() == 601_000, (
        "the longest age after this look, at the latest"
    )


def epoch(leader: int, number: int, topic_id: UUID = UUID(int=1)) -> MetadataResponse:
    parts = tuple(
        MetadataResponsePartition(partition_index=index, leader_id=leader, leader_epoch=number) for index in (0, 1)
    )
    return MetadataResponse(topics=(MetadataResponseTopic(name="t", topic_id=topic_id, partitions=parts),))


def test_a_broker_that_is_behind_is_not_believed() -> None:
    """KIP-320: of two leaders the one with the higher epoch leads; a topic made anew begins at 0 again."""
    found = cluster()
    ask(found).answered(epoch(5, 7), 0)
    found.forget_leader(PLACE)
    ask(found).answered(epoch(4, 6), 0)
    assert found.leader(PLACE) is None
    (call,) = found.calls(100)
    call.answered(epoch(6, 8), 100)
    assert found.leader(PLACE) == 6
    found.forget_leader(PLACE)
    ask(found, 200).answered(epoch(9, 0, UUID(int=2)), 200)
    assert found.leader(PLACE) == 9
