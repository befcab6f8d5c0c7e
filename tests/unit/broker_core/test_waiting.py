"""Progress of partitions becomes replies, and the coordinator is told."""

from __future__ import annotations

from broker_core.coordinator import ReleasedReply
from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.outcome import Released
from broker_core.waiting import Waiting

A = TopicPartition("a", 0)


def test_progress_releases_writes_and_touches_fetches() -> None:
    waiting = Waiting()
    write = waiting.writes.park({A: 3}, dict)
    fetch = waiting.fetches.park([A], 100, "work")
    waiting.advanced(A, 2)
    assert (waiting.drain(), waiting.moved) == ([], True)
    waiting.advanced(A, 3)
    assert waiting.drain() == [Released(write, {})]
    assert waiting.drain() == []
    assert waiting.fetches.touched() == [(fetch, "work")]


def test_a_failed_log_is_reported_to_the_coordinator_and_a_deleted_one_is_progress() -> None:
    waiting = Waiting()
    waiting.writes.park({A: 3}, dict)
    waiting.lost(A, ErrorCode.KAFKA_STORAGE_ERROR)
    assert waiting.drain()[0].body == {A: ErrorCode.KAFKA_STORAGE_ERROR}
    assert (waiting.failed, waiting.moved) == ([A], False)
    waiting.lost(A, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert (waiting.failed, waiting.moved) == ([A], True)


def test_replies_of_the_coordinator_go_to_those_who_asked() -> None:
    waiting = Waiting()
    first, second = waiting.park_coordinated(70), waiting.park_coordinated(71)
    waiting.release_coordinated([ReleasedReply(token=71, body="b"), ReleasedReply(token=70, body="a")])
    assert waiting.drain() == [Released(second, "b"), Released(first, "a")]
