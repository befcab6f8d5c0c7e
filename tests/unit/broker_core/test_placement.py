"""Placement must agree with Java's, or tools look for offsets in the wrong partition."""

import pytest

from broker_core.model import TopicPartition
from broker_core.placement import java_string_hash, offsets_partition, partition_of, transactions_partition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("a", 97),
        ("Aa", 2112),
        ("BB", 2112),
        ("hello", 99162322),
        ("hello world", 1794106052),
        ("polygenelubricants", -(2**31)),
        ("\U0001d11e", 1772394),  # one code point, two UTF-16 units: 31 * 0xD834 + 0xDD1E
    ],
)
def test_hash_is_java_s(text: str, expected: int) -> None:
    assert java_string_hash(text) == expected


def test_the_smallest_hash_is_no_negative_partition() -> None:
    """``Utils.abs`` clears the sign bit; negating the smallest int would stay negative."""
    assert partition_of("polygenelubricants", 50) == 0


def test_internal_partitions() -> None:
    assert offsets_partition("hello", 50) == TopicPartition("__consumer_offsets", 22)
    assert transactions_partition("hello", 50) == TopicPartition("__transaction_state", 22)
