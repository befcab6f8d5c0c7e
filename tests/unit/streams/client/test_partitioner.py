from __future__ import annotations

import pytest

from streams.client.partitioner import cut, distribute, measure, murmur2, partition_of, split_by_partition

JAVA_VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""org.apache.kafka.common.utils.UtilsTest.testMurmur2"""


@pytest.mark.parametrize(("key", "java"), JAVA_VECTORS.items())
def test_murmur2_is_javas(key: bytes, java: int) -> None:
    assert murmur2(key) == java & 0xFFFFFFFF


def test_partition_of_drops_the_sign_before_the_remainder() -> None:
    assert partition_of(b"21", 1000) == (-973932308 & 0x7FFFFFFF) % 1000


def test_null_keys_go_where_the_caller_says() -> None:
    assert split_by_partition([None, b"abc", None], 7, 5) == [5, partition_of(b"abc", 7), 5]


def columns(count: int) -> list[list]:
    return [[] for _ in range(count)]


def test_distribute_keeps_order_within_each_partition() -> None:
    keys = [b"a", None, b"b", b"a"]
    targets = columns(3), columns(3), columns(3)
    distribute(keys, [b"1", b"2", None, b"4"], [1, 2, 3, 4], None, 2, *targets)
    found = [list(zip(*(target[partition] for target in targets), strict=True)) for partition in range(3)]
    rows = list(zip(keys, [b"1", b"2", None, b"4"], [1, 2, 3, 4], strict=True))
    places = split_by_partition(keys, 3, 2)
    assert found == [[row for row, place in zip(rows, places, strict=True) if place == p] for p in range(3)]


def test_distribute_takes_partitions_as_told() -> None:
    targets = columns(2), columns(2), columns(2)
    distribute([b"a", b"a"], [b"1", b"2"], [1, 2], [1, 0], 0, *targets)
    assert targets[1] == [[b"2"], [b"1"]]


@pytest.mark.parametrize("partition", [-1, 2])
def test_distribute_refuses_a_partition_that_is_not_there(partition: int) -> None:
    with pytest.raises(ValueError, match="that has 2"):
        distribute([b"a"], [b"1"], [1], [partition], 0, columns(2), columns(2), columns(2))


def test_distribute_refuses_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        distribute([b"a"], [], [1], None, 0, columns(2), columns(2), columns(2))


def test_measure_counts_bytes_and_a_fixed_part_per_record() -> None:
    assert measure([b"abc", None, b"x"], [b"1", None, b"22"], 0, 3) == 7 + 3 * 12
    assert measure([b"abc", None, b"x"], [b"1", None, b"22"], 1, 2) == 12


def test_cut_stays_within_the_limit_but_always_takes_one() -> None:
    keys, values = [b"k"] * 4, [b"v" * 7] * 4
    assert cut(keys, values, 0, 40) == 2
    assert cut(keys, values, 3, 40) == 4
    assert cut(keys, values, 1, 5) == 2
