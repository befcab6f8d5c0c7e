"""Which partition of an internal topic a group or a transactional id belongs to.

Owns Java's string hash, because Kafka's placement is ``Utils.abs(id.hashCode) % partitions`` and tools rely on it.
"""

from __future__ import annotations

from functools import lru_cache

from broker_core.model import CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, TopicPartition


def java_string_hash(text: str) -> int:
    """``String.hashCode()``: over UTF-16 units, as a signed 32-bit number."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


@lru_cache(maxsize=4_096)  # 5 µs a time, and a commit asks sixteen times about the same two ids
def partition_of(identifier: str, partition_count: int) -> int:
    """Kafka's ``Utils.abs``: clears the sign bit instead of negating."""
    return (java_string_hash(identifier) & 0x7FFFFFFF) % partition_count


def offsets_partition(group_id: str, partition_count: int) -> TopicPartition:
    """Where ``group_id``'s offsets live."""
    return TopicPartition(CONSUMER_OFFSETS_TOPIC, partition_of(group_id, partition_count))


def transactions_partition(transactional_id: str, partition_count: int) -> TopicPartition:
    """Where the transactions of ``transactional_id`` are logged."""
    return TopicPartition(TRANSACTION_STATE_TOPIC, partition_of(transactional_id, partition_count))
