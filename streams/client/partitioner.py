# cython: annotation_typing=False
"""Which partition a record goes to, and the loops over whole columns that go with it: split, measure, cut.

Plain Python that also compiles: ``partitioner.pxd`` has the C types, and without a compiler the same lines run
interpreted. Partitioning is that of Kafka's Java client (``Utils.murmur2``, ``BuiltInPartitioner``): positive murmur2
of the key's bytes modulo the number of partitions. No state and no message lives here.
"""

from __future__ import annotations


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, as an unsigned number (Java shows the same bits with a sign)."""
    length = len(data)
    pointer = data
    mask = 0xFFFFFFFF
    m = 0x5BD1E995
    h = 0x9747B28C
    h = (h ^ length) & mask
    i = 0
    while length - i >= 4:
        k = pointer[i] | (pointer[i + 1] << 8) | (pointer[i + 2] << 16) | (pointer[i + 3] << 24)
        k = (k * m) & mask
        k ^= k >> 24
        k = (k * m) & mask
        h = ((h * m) & mask) ^ k
        i += 4
    if length - i == 3:
        h ^= pointer[i + 2] << 16
    if length - i >= 2:
        h ^= pointer[i + 1] << 8
    if length - i >= 1:
        h ^= pointer[i]
        h = (h * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    h ^= h >> 15
    return h


def partition_of(key: bytes, partition_count: int) -> int:
    """The partition of a key that is not null."""
    return (murmur2(key) & 0x7FFFFFFF) % partition_count


def split_by_partition(keys: list[bytes | None], partition_count: int, null_partition: int) -> list[int]:
    """The partition of every key; null keys all go to ``null_partition``."""
    partitions = []
    for key in keys:
        if key is None:
            partitions.append(null_partition)
        else:
            partitions.append((murmur2(key) & 0x7FFFFFFF) % partition_count)
    return partitions


def distribute(
    keys: list[bytes | None],
    values: list[bytes | None],
    timestamps: list[int],
    partitions: list[int] | None,
    null_partition: int,
    target_keys: list[list[bytes | None]],
    target_values: list[list[bytes | None]],
    target_timestamps: list[list[int]],
) -> None:
    """Append every record to the columns of its partition.

    Arguments:
        keys, values, timestamps: columns of one length.
        partitions: where each record goes; None lets the key decide.
        null_partition: where records without key go if the key decides.
        target_keys, target_values, target_timestamps: one column per partition each, appended to.
    """
    count = len(keys)
    partition_count = len(target_keys)
    if len(values) != count or len(timestamps) != count or (partitions is not None and len(partitions) != count):
        raise ValueError("columns of different lengths")
    for i in range(count):
        key = keys[i]
        if partitions is not None:
            partition = partitions[i]
            if partition < 0 or partition >= partition_count:
                raise ValueError(f"partition {partition} of a topic that has {partition_count}")
        elif key is None:
            partition = null_partition
        else:
            partition = (murmur2(key) & 0x7FFFFFFF) % partition_count
        key_column = target_keys[partition]
        key_column.append(key)
        value_column = target_values[partition]
        value_column.append(values[i])
        timestamp_column = target_timestamps[partition]
        timestamp_column.append(timestamps[i])


def measure(keys: list[bytes | None], values: list[bytes | None], start: int, stop: int) -> int:
    """Bytes that the records from ``start`` to ``stop`` take in a batch, 12 for lengths and deltas of each."""
    total = 0
    for i in range(start, stop):
        key = keys[i]
        value = values[i]
        if key is not None:
            total += len(key)
        if value is not None:
            total += len(value)
    return total + (stop - start) * 12


def cut(keys: list[bytes | None], values: list[bytes | None], start: int, max_bytes: int) -> int:
    """Where a batch that begins at ``start`` must end to stay within ``max_bytes``; at least one record further."""
    total = 0
    count = len(keys)
    for i in range(start, count):
        key = keys[i]
        value = values[i]
        total += 12
        if key is not None:
            total += len(key)
        if value is not None:
            total += len(value)
        if total > max_bytes and i > start:
            return i
    return count
