from __future__ import annotations

import pytest

from streams.client.accumulator import Chunk
from streams.client.lanes import SEQUENCE_MODULUS, Batch, Lane, Ledger
from streams.errors import ClientError
from streams.model import TopicPartition

PLACE = TopicPartition("t", 0)


def chunk(count: int = 2) -> Chunk:
    return Chunk(PLACE, [None] * count, [b"v"] * count, [1] * count, None, 0, count, count * 13)


def lane(chunks: int, *, proven: bool = True) -> Lane:
    made = Lane(PLACE)
    made.proven = proven
    made.queue.extend((number, chunk()) for number in range(1, chunks + 1))
    return made


def send(line: Lane) -> Batch | None:
    batch = line.next_batch(0)
    if batch is not None:
        batch.in_air = True
    return batch


def finish(line: Lane, batch: Batch) -> None:
    line.landed(batch)
    line.done(batch)


def test_five_batches_go_in_sequence_and_no_sixth() -> None:
    line = lane(7)
    sent = [send(line) for _ in range(6)]
    assert [batch and batch.base_sequence for batch in sent] == [0, 2, 4, 6, 8, None]


def test_the_first_batch_of_a_producer_travels_alone() -> None:
    line = lane(3, proven=False)
    assert send(line) is not None
    assert send(line) is None


def test_the_window_counts_from_the_oldest_unacknowledged() -> None:
    """The broker knows repeats among the last five only: later batches must not push an open one out."""
    line = lane(9)
    sent = [send(line) for _ in range(5)]
    for batch in sent[1:]:
        finish(line, batch)
    assert send(line) is None
    finish(line, sent[0])
    assert send(line).base_sequence == 10


def test_after_a_failure_everything_lands_first_and_then_goes_one_by_one() -> None:
    line = lane(4)
    first, second, third = (send(line) for _ in range(3))
    line.landed(first)
    assert send(line) is None
    line.landed(second)
    finish(line, third)
    assert send(line) is first
    assert send(line) is None
    finish(line, first)
    assert send(line) is second
    finish(line, second)
    assert send(line).base_sequence == 6


def test_a_lane_waits_until_it_is_due() -> None:
    line = lane(1)
    line.due_ms = 10
    assert line.next_batch(9) is None
    assert line.next_batch(10) is not None


def test_split_fills_the_same_sequences() -> None:
    line = lane(2)
    first, second = send(line), send(line)
    line.landed(first)
    line.split(first)
    assert [(batch.base_sequence, batch.count) for batch in line.window] == [(0, 1), (1, 1), (2, 2)]
    assert second in line.window


def test_sequences_wrap_to_zero() -> None:
    line = lane(2)
    line.next_sequence = SEQUENCE_MODULUS - 2
    assert send(line).base_sequence == SEQUENCE_MODULUS - 2
    assert send(line).base_sequence == 0


def test_discard_says_whether_something_may_have_been_written() -> None:
    line = lane(3)
    send(line)
    assert line.discard() is False
    line = lane(3)
    line.landed(send(line))
    assert line.discard() is True
    assert line.is_empty


def test_a_flush_is_settled_by_the_last_of_what_it_covers() -> None:
    ledger = Ledger()
    batches = [Batch(chunk(), ledger.enter(chunk()), 0, 0) for _ in range(2)]
    flushed = ledger.flush()
    later = Batch(chunk(), ledger.enter(chunk()), 0, 0)
    ledger.acknowledge(batches[1])
    ledger.acknowledge(later)
    assert not flushed.done
    ledger.acknowledge(batches[0])
    assert flushed.done and ledger.is_empty and ledger.size_bytes == 0


def test_a_split_chunk_needs_both_halves() -> None:
    ledger = Ledger()
    number = ledger.enter(chunk())
    flushed = ledger.flush()
    ledger.split(number)
    for half in chunk().halves():
        assert not flushed.done
        ledger.acknowledge(Batch(half, number, 0, 0))
    assert flushed.done and ledger.size_bytes == 0


def test_clear_tells_whoever_waits() -> None:
    ledger = Ledger()
    assert ledger.clear(ClientError(1, "x")) is False
    ledger.enter(chunk())
    flushed = ledger.flush()
    assert ledger.clear(ClientError(1, "x")) is True
    with pytest.raises(ClientError, match="x"):
        flushed.result()
