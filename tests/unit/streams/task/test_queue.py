"""Which record is next: lowest head timestamp first, waiting for data that is known to be on the broker."""

from __future__ import annotations

from collections.abc import Sequence

from streams.model import ColumnBatch, TopicPartition
from streams.task.queue import NO_TIME, PartitionQueues

A, B, C = (TopicPartition(topic, 0) for topic in "abc")


def batch(
    topic_partition: TopicPartition,
    timestamps: Sequence[int],
    *,
    base: int = 0,
    offsets: list[int] | None = None,
    after: int | None = None,
) -> ColumnBatch:
    count = len(timestamps)
    keys = [b"%s@%d" % (topic_partition.topic.encode(), timestamp) for timestamp in timestamps]
    return ColumnBatch(
        topic_partition, base, base + count if after is None else after, keys, keys, list(timestamps), None, offsets
    )


def order(
    queues: PartitionQueues, *, caught_up: set[TopicPartition] | None = None, max_records: int = 100
) -> list[str]:
    """Everything that can be processed, in order."""
    taken: list[str] = []
    done = {A, B, C} if caught_up is None else caught_up
    while (run := queues.next_run(max_records, done.__contains__)) is not None:
        assert run.stop > run.start
        taken += [key.decode() for key in run.batch.keys[run.start : run.stop] if key is not None]
        queues.consume(run)
    return taken


def test_the_smallest_head_comes_first_and_order_inside_an_input_stays() -> None:
    queues = PartitionQueues((A, B))
    queues.add(batch(A, [1, 5, 3]))
    queues.add(batch(B, [2, 4, 6]))
    assert order(queues) == ["a@1", "b@2", "b@4", "a@5", "a@3", "b@6"]


def test_equal_timestamps_go_to_the_input_declared_first() -> None:
    for inputs in ((A, B, C), (C, B, A)):
        queues = PartitionQueues(inputs)
        for topic_partition in (B, A, C):
            queues.add(batch(topic_partition, [1, 1, 2]))
        expected = [f"{tp.topic}@{time}" for time in (1, 2) for tp in inputs for _ in range(2 if time == 1 else 1)]
        assert order(queues) == expected


def test_a_run_is_as_long_as_the_others_allow() -> None:
    queues = PartitionQueues((A, B))
    queues.add(batch(A, [1, 2, 3, 4, 9]))
    queues.add(batch(B, [4, 5]))
    run = queues.next_run(100, lambda _: True)
    assert run is not None
    assert (run.start, run.stop) == (0, 4)
    run = queues.next_run(3, lambda _: True)
    assert run is not None
    assert (run.start, run.stop) == (0, 3)


def test_an_empty_input_with_data_on_the_broker_makes_the_others_wait() -> None:
    queues = PartitionQueues((A, B))
    queues.add(batch(A, [1, 2]))
    assert not queues.can_process({A}.__contains__)
    assert queues.next_run(10, {A}.__contains__) is None
    assert queues.can_process({B}.__contains__)
    assert order(queues, caught_up={B}) == ["a@1", "a@2"]
    assert not queues.can_process(lambda _: True)


def test_an_input_that_runs_empty_is_asked_about_again() -> None:
    queues = PartitionQueues((A, B))
    queues.add(batch(A, [1, 5]))
    queues.add(batch(B, [2]))
    assert order(queues, caught_up=set()) == ["a@1", "b@2"]
    queues.add(batch(B, [3, 4], base=1))
    assert order(queues) == ["b@3", "b@4", "a@5"]


def test_positions_and_times_follow_what_was_consumed() -> None:
    queues = PartitionQueues((A,))
    queue = queues[A]
    assert (queue.position, queue.partition_time) == (None, NO_TIME)
    queues.add(batch(A, [7, 3, 5], base=10, offsets=[10, 12, 17], after=20))
    for position, time in ((11, 7), (13, 7), (20, 7)):
        run = queues.next_run(1, lambda _: True)
        assert run is not None
        queues.consume(run)
        assert (queue.position, queue.partition_time) == (position, time)
    assert queue.buffered == 0


def test_batches_without_records_only_move_the_position() -> None:
    """Markers and aborted data: not before the records ahead of them are done."""
    queues = PartitionQueues((A,))
    queues.add(batch(A, [], base=0, after=4))
    assert queues[A].position == 4
    queues.add(batch(A, [1, 2], base=4))
    queues.add(batch(A, [], base=6, after=9))
    assert queues[A].position == 4
    assert queues[A].buffered == 2
    assert order(queues, max_records=1) == ["a@1", "a@2"]
    assert queues[A].position == 9


def test_the_extremes_of_time_do_not_hang() -> None:
    largest = 2**63 - 1
    queues = PartitionQueues((A, B))
    queues.add(batch(A, [largest, largest]))
    queues.add(batch(B, [-1, largest]))
    assert order(queues) == ["b@-1", f"a@{largest}", f"a@{largest}", f"b@{largest}"]
