"""Fetch sessions: epochs, what is told and what is kept back, topic ids, and who goes when slots are few (KIP-227)."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from broker_core.errors import ErrorCode
from broker_core.fetch_session import EVICTION_MS, MAX_EPOCH, FetchSessions, FetchTurn
from broker_core.protocol.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
)

ID = UUID(int=7)


def wanted(*partitions: tuple[str, int], offset: int = 0) -> tuple[FetchTopic, ...]:
    return tuple(
        FetchTopic(topic=name, partitions=(FetchPartition(partition=index, fetch_offset=offset),))
        for name, index in partitions
    )


def answer(*partitions: tuple[str, int], **data: Any) -> FetchResponse:
    return FetchResponse(
        responses=tuple(
            FetchableTopicResponse(topic=name, partitions=(PartitionData(partition_index=index, **data),))
            for name, index in partitions
        )
    )


def told(response: FetchResponse) -> list[tuple[str, int]]:
    return [(topic.topic, data.partition_index) for topic in response.responses for data in topic.partitions]


def asked(turn: FetchTurn) -> list[tuple[str, int, int]]:
    return [(topic.topic, one.partition, one.fetch_offset) for topic in turn.topics for one in topic.partitions]


class World:
    """Sessions, and one client that counts its epochs."""

    def __init__(self, slots: int = 10) -> None:
        self.sessions = FetchSessions(random.Random(1), slots)
        self.id = self.epoch = 0

    def begin(self, *partitions: tuple[str, int], now_ms: int = 0, version: int = 12, **more: Any) -> Any:
        body = FetchRequest(
            session_id=more.pop("session_id", self.id), session_epoch=more.pop("epoch", self.epoch),
            topics=wanted(*partitions, offset=more.pop("offset", 0)), **more,
        )  # fmt: skip
        return self.sessions.begin(body, version, now_ms)

    def opened(self, *partitions: tuple[str, int], now_ms: int = 0) -> FetchTurn:
        turn = self.begin(*partitions, now_ms=now_ms, session_id=0, epoch=0)
        assert isinstance(turn, FetchTurn) and turn.session is not None
        self.id, self.epoch = turn.session.id, 1
        return turn

    def next(self, *partitions: tuple[str, int], **more: Any) -> FetchTurn:
        turn = self.begin(*partitions, **more)
        assert isinstance(turn, FetchTurn)
        self.epoch += 1
        return turn


A, B, C = ("a", 0), ("b", 0), ("a", 1)


def test_a_request_without_a_session_is_passed_on() -> None:
    world = World()
    turn = world.begin(A, B, session_id=0, epoch=-1)
    assert (asked(turn), turn.session) == ([("a", 0, 0), ("b", 0, 0)], None)
    response = answer(A, B)
    assert turn.answer(response) is response
    assert len(world.sessions) == 0


def test_the_first_answer_tells_everything_and_the_next_what_changed() -> None:
    world = World()
    response = world.opened(A, B).answer(answer(A, B, high_watermark=3))
    assert (response.session_id, told(response)) == (world.id, [A, B])
    turn = world.next()
    assert asked(turn) == [("a", 0, 0), ("b", 0, 0)]
    assert told(turn.answer(answer(A, B, high_watermark=3))) == []
    assert told(world.next().answer(answer(A, B, high_watermark=4))) == [A, B]
    assert told(world.next().answer(answer(A, B, high_watermark=4, log_start_offset=2))) == [A, B]
    assert told(world.next().answer(answer(A, B, high_watermark=4, log_start_offset=2, records=b"x"))) == [A, B]


def test_errors_are_told_each_time_and_their_end_too() -> None:
    world = World()
    world.opened(A).answer(answer(A, high_watermark=3))
    for _ in range(2):
        failed = answer(A, error_code=ErrorCode.OFFSET_OUT_OF_RANGE, high_watermark=-1)
        assert told(world.next().answer(failed)) == [A]
    assert told(world.next().answer(answer(A, high_watermark=3))) == [A], "as before, but not as told last"


def test_partitions_are_added_moved_and_forgotten() -> None:
    world = World()
    world.opened(A, B)
    assert asked(world.next(A, C, offset=5)) == [("a", 0, 5), ("b", 0, 0), ("a", 1, 5)]
    turn = world.next(forgotten_topics_data=(ForgottenTopic(topic="b", partitions=(0, 3)), ForgottenTopic(topic="z")))
    assert asked(turn) == [("a", 0, 5), ("a", 1, 5)]
    assert len(turn.topics) == 1, "a run of one topic is one entry"


def test_who_had_records_goes_to_the_end() -> None:
    """So that a client that takes little at a time gets from every partition."""
    world = World()
    world.opened(A, B).answer(answer(A, records=b"x"))
    assert asked(world.next()) == [("b", 0, 0), ("a", 0, 0)]


def test_a_session_of_nothing_ends() -> None:
    world = World()
    world.opened(A)
    turn = world.next(forgotten_topics_data=(ForgottenTopic(topic="a", partitions=(0,)),))
    assert turn == FetchTurn(())
    assert len(world.sessions) == 0
    assert world.begin(epoch=2) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert world.begin(session_id=0, epoch=0).session is None, "nor is one begun for nothing"


def test_an_answer_for_a_partition_dropped_meanwhile_is_told() -> None:
    world = World()
    turn = world.opened(A, B)
    world.next(forgotten_topics_data=(ForgottenTopic(topic="b", partitions=(0,)),))
    assert told(turn.answer(answer(A, B))) == [A, B]


def test_epochs() -> None:
    world = World()
    world.opened(A)
    assert world.begin(epoch=2) is ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert world.begin(session_id=world.id + 1, epoch=1) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    session = world.next().session
    assert session is not None
    assert world.begin(epoch=1) is ErrorCode.INVALID_FETCH_SESSION_EPOCH, "a repetition"
    session.epoch = MAX_EPOCH
    assert isinstance(world.begin(epoch=MAX_EPOCH), FetchTurn)
    assert isinstance(world.begin(epoch=1), FetchTurn), "after the last epoch comes 1: 0 begins a session"


@pytest.mark.parametrize("epoch", [0, -1])
def test_a_full_request_ends_the_session_it_names(epoch: int) -> None:
    world = World()
    world.opened(A)
    turn = world.begin(A, epoch=epoch)
    assert world.begin(epoch=1) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert (turn.session is None) == (epoch == -1)
    assert len(world.sessions) == (1 if epoch == 0 else 0)


def test_topic_ids_and_names_do_not_mix() -> None:
    world = World()
    world.opened(A)
    assert world.begin(version=13, epoch=1) is ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
    by_id = FetchTopic(topic_id=ID, partitions=(FetchPartition(partition=0),))
    turn = world.sessions.begin(FetchRequest(session_id=0, session_epoch=0, topics=(by_id,)), 13, 0)
    assert isinstance(turn, FetchTurn) and turn.session is not None
    assert turn.session.topics() == (by_id,)
    body = FetchRequest(session_id=turn.session.id, session_epoch=1)
    assert world.sessions.begin(body, 12, 0) is ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


# -- slots


def test_without_a_slot_there_is_no_session() -> None:
    world = World(slots=1)
    world.opened(A)
    turn = world.begin(B, session_id=0, epoch=0)
    assert (asked(turn), turn.session) == ([("b", 0, 0)], None)
    assert isinstance(world.begin(epoch=1), FetchTurn), "the old one goes on"
    assert World(slots=0).begin(A, epoch=0).session is None


def test_an_unused_session_makes_room() -> None:
    world = World(slots=2)
    world.opened(A, B)
    old = world.id
    world.opened(A, B)
    assert world.begin(A, session_id=0, epoch=0, now_ms=EVICTION_MS).session is None
    world.next(now_ms=EVICTION_MS)
    world.opened(A, now_ms=EVICTION_MS + 1)
    assert world.begin(session_id=old, epoch=1) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert len(world.sessions) == 2


def test_a_larger_session_drives_out_a_smaller_one_that_had_its_time() -> None:
    world = World(slots=1)
    world.opened(A)
    world.next(now_ms=EVICTION_MS)
    assert world.begin(A, B, session_id=0, epoch=0, now_ms=EVICTION_MS).session is None, "too young to go"
    world.next(now_ms=EVICTION_MS + 1)
    assert world.begin(B, session_id=0, epoch=0, now_ms=EVICTION_MS + 1).session is None, "no larger"
    small = world.id
    world.opened(A, B, now_ms=EVICTION_MS + 1)
    assert world.begin(session_id=small, epoch=3) is ErrorCode.FETCH_SESSION_ID_NOT_FOUND
