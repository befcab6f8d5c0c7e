from __future__ import annotations

import pytest

from streams.client.accumulator import Accumulator, Chunk
from streams.client.partitioner import partition_of
from streams.model import OutputColumns, TopicPartition

PLACE = TopicPartition("t", 1)


def rows(chunks: list[Chunk]) -> list[tuple]:
    return [
        (
            chunk.topic_partition.partition,
            chunk.keys[i],
            chunk.values[i],
            chunk.timestamps[i],
            chunk.headers[i] if chunk.headers is not None else (),
        )
        for chunk in chunks
        for i in range(chunk.start, chunk.stop)
    ]


def output(values: list[bytes], keys: list[bytes | None] | None = None) -> OutputColumns:
    columns = OutputColumns("t")
    columns.values = values
    columns.keys = keys if keys is not None else [None] * len(values)
    columns.timestamps = list(range(len(values)))
    return columns


def test_nothing_leaves_before_a_batch_is_full() -> None:
    accumulator = Accumulator(1_000)
    assert accumulator.append(PLACE, [b"k"], [b"v"], [5], None) == []
    assert accumulator.size_bytes > 0
    assert rows(accumulator.close()) == [(1, b"k", b"v", 5, ())]
    assert (accumulator.size_bytes, accumulator.close()) == (0, [])


def test_a_full_partition_is_cut_at_the_limit_and_the_rest_stays() -> None:
    accumulator = Accumulator(100)
    full = accumulator.append(PLACE, [None] * 5, [b"v" * 28] * 5, [1] * 5, None)
    assert [(chunk.start, chunk.stop, chunk.size_bytes) for chunk in full] == [(0, 2, 80), (2, 4, 80)]
    assert accumulator.size_bytes == 40
    assert len(rows(accumulator.close())) == 1


def test_one_record_over_the_limit_travels_alone() -> None:
    accumulator = Accumulator(100)
    full = accumulator.append(PLACE, [None] * 3, [b"v", b"v" * 500, b"w"], [1] * 3, None)
    assert [len(rows([chunk])) for chunk in full] == [1, 1]
    assert len(rows(accumulator.close())) == 1


def test_output_goes_by_key_and_by_told_partition() -> None:
    accumulator = Accumulator(1_000)
    accumulator.append_output(output([b"1", b"2"], [b"a", None]), 3, 2)
    told = output([b"3", b"4"])
    told.partitions = [0, 1]
    accumulator.append_output(told, 3, 2)
    found = sorted(rows(accumulator.close()), key=lambda row: row[2])
    assert [(row[0], row[2]) for row in found] == [(partition_of(b"a", 3), b"1"), (2, b"2"), (0, b"3"), (1, b"4")]


@pytest.mark.parametrize("headers", [False, True])
def test_the_end_of_a_key_may_have_no_say(headers: bool) -> None:
    """All windows of a key go where the key goes; the record keeps its whole key."""
    accumulator = Accumulator(1_000)
    windows = output([b"1", b"2", b"3"], [b"a" + bytes(8), b"a" + b"\1" * 8, None])
    windows.unhashed_bytes = 8
    if headers:
        windows.headers = [(("h", b""),), (), ()]
    accumulator.append_output(windows, 3, 0)
    found = {value: (partition, key) for partition, key, value, _, _ in rows(accumulator.close())}
    place = partition_of(b"a", 3)
    assert found == {b"1": (place, b"a" + bytes(8)), b"2": (place, b"a" + b"\1" * 8), b"3": (0, None)}


def test_minus_one_leaves_a_record_to_its_key() -> None:
    """What a user's partitioner returns None for is partitioned as if there were no partitioner."""
    accumulator = Accumulator(1_000)
    mixed = output([b"1", b"2", b"3"], [b"a", b"b", None])
    mixed.partitions = [-1, 2, -1]
    accumulator.append_output(mixed, 3, 0)
    found = {value: partition for partition, _, value, _, _ in rows(accumulator.close())}
    assert found == {b"1": partition_of(b"a", 3), b"2": 2, b"3": 0}


def test_headers_appear_in_the_middle_and_stay_with_their_records() -> None:
    accumulator = Accumulator(10_000)
    accumulator.append_output(output([b"1", b"2"]), 2, 1)
    marked = output([b"3", b"4"], [None, b"abc"])
    marked.headers = [(("h", b"x"),), ()]
    accumulator.append_output(marked, 2, 1)
    accumulator.append_output(output([b"5"]), 2, 1)
    by_value = {row[2]: row[4] for row in rows(accumulator.close())}
    assert by_value == {b"1": (), b"2": (), b"3": (("h", b"x"),), b"4": (), b"5": ()}


def test_a_topic_seen_with_more_partitions_keeps_them() -> None:
    accumulator = Accumulator(1_000)
    accumulator.append(TopicPartition("t", 4), [b"k"], [b"high"], [1], None)
    accumulator.append_output(output([b"low"]), 2, 1)
    assert sorted((row[0], row[2]) for row in rows(accumulator.close())) == [(1, b"low"), (4, b"high")]


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        Accumulator(10).append(PLACE, [b"k"], [], [1], None)


def test_halves_are_the_whole_in_order() -> None:
    accumulator = Accumulator(10_000)
    accumulator.append(PLACE, [None] * 5, [b"%d" % i for i in range(5)], [1] * 5, None)
    (chunk,) = accumulator.close()
    left, right = chunk.halves()
    assert rows([left, right]) == rows([chunk])
    assert left.size_bytes + right.size_bytes == chunk.size_bytes


def test_clear_forgets_everything() -> None:
    accumulator = Accumulator(10_000)
    accumulator.append(PLACE, [b"k"], [b"v"], [1], None)
    accumulator.clear()
    assert (accumulator.size_bytes, accumulator.close()) == (0, [])
