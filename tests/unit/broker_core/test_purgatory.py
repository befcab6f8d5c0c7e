"""Parked requests are released exactly once, by what they wait for and by nothing else."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.purgatory import ParkedFetches, ParkedWrites, Tokens

A, B = TopicPartition("a", 0), TopicPartition("b", 0)


def test_a_write_waits_for_every_partition() -> None:
    writes = ParkedWrites(Tokens())
    token = writes.park({A: 10, B: 5}, dict)
    assert writes.advance(A, 9) == []
    assert writes.advance(A, 10) == []
    assert writes.advance(B, 7) == [(token, {})]
    assert writes.advance(B, 8) == []
    assert len(writes) == 0


def test_a_lost_partition_is_told_and_does_not_hold_back() -> None:
    writes = ParkedWrites(Tokens())
    first = writes.park({A: 1}, dict)
    second = writes.park({A: 2, B: 1}, dict)
    assert writes.lose(A, ErrorCode.KAFKA_STORAGE_ERROR) == [(first, {A: ErrorCode.KAFKA_STORAGE_ERROR})]
    assert writes.advance(B, 1) == [(second, {A: ErrorCode.KAFKA_STORAGE_ERROR})]
    assert len(writes) == 0


def test_writes_of_one_partition_are_released_in_order() -> None:
    writes = ParkedWrites(Tokens())
    tokens = [writes.park({A: end}, lambda lost: None) for end in (1, 2, 3)]
    assert [token for token, _ in writes.advance(A, 2)] == tokens[:2]
    assert [token for token, _ in writes.advance(A, 3)] == tokens[2:]


def test_a_duplicate_with_a_lower_offset_waits_behind_what_was_appended_before_it() -> None:
    writes = ParkedWrites(Tokens())
    writes.park({A: 10}, lambda lost: "new")
    writes.park({A: 4}, lambda lost: "duplicate")
    assert writes.advance(A, 5) == []
    assert [body for _, body in writes.advance(A, 10)] == ["new", "duplicate"]


def test_many_touches_cost_one_attempt() -> None:
    fetches: ParkedFetches[str] = ParkedFetches(Tokens())
    token = fetches.park([A, B, A], 100, "work")
    fetches.touch(A)
    fetches.touch(A)
    fetches.touch(B)
    assert fetches.touched() == [(token, "work")]
    assert fetches.touched() == []
    fetches.touch(B)
    assert fetches.touched() == [(token, "work")]


def test_a_fetch_that_stays_parked_expires_once() -> None:
    fetches: ParkedFetches[str] = ParkedFetches(Tokens())
    late = fetches.park([A], 200, "late")
    early = fetches.park([A], 100, "early")
    assert fetches.next_deadline() == 100
    assert fetches.expired(99) == []
    assert fetches.expired(100) == [(early, "early")]
    assert fetches.next_deadline() == 200
    fetches.touch(A)
    assert fetches.touched() == [(late, "late")]
    fetches.remove(late)
    assert fetches.next_deadline() is None
    assert fetches.expired(1_000) == []
    assert len(fetches) == 0


def test_a_fetch_removed_after_its_touch_is_not_handed_out() -> None:
    fetches: ParkedFetches[str] = ParkedFetches(Tokens())
    token = fetches.park([A], 100, "work")
    fetches.touch(A)
    fetches.remove(token)
    fetches.remove(token)
    assert fetches.touched() == []


def test_all_empties() -> None:
    fetches: ParkedFetches[str] = ParkedFetches(Tokens())
    fetches.park([A], 100, "one")
    fetches.park([B], 50, "two")
    assert [work for _, work in fetches.all()] == ["one", "two"]
    assert fetches.next_deadline() is None


def test_tokens_are_shared() -> None:
    tokens = Tokens()
    writes, fetches = ParkedWrites(tokens), ParkedFetches[str](tokens)
    assert writes.park({A: 1}, lambda lost: None) != fetches.park([A], 1, "work")
