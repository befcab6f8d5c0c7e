"""Columns waiting to become batches: one set per partition, cut where a batch is full.

Knows sizes and nothing of sequences, retries or requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from streams.client.partitioner import cut, distribute, measure, split_by_partition
from streams.model import Headers, OutputColumns, TopicPartition


class Chunk(NamedTuple):
    """Records of one partition that make one batch: ``start`` to ``stop`` of columns that nobody changes any more."""

    topic_partition: TopicPartition
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps: list[int]
    headers: list[Headers] | None
    start: int
    stop: int
    size_bytes: int

    def halves(self) -> tuple[Chunk, Chunk]:
        """Two chunks of the same records in the same order."""
        middle = (self.start + self.stop) // 2
        size = self.size_bytes // 2
        return (
            self._replace(stop=middle, size_bytes=size),
            self._replace(start=middle, size_bytes=self.size_bytes - size),
        )


class TopicBuffer:
    """The open columns of one topic, by partition."""

    __slots__ = ("headers", "keys", "measured", "sizes", "timestamps", "topic", "values")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.keys: list[list[bytes | None]] = []
        self.values: list[list[bytes | None]] = []
        self.timestamps: list[list[int]] = []
        self.headers: list[list[Headers] | None] = []
        self.sizes: list[int] = []
        self.measured: list[int] = []

    def grow(self, partition_count: int) -> None:
        """Make room for partitions below ``partition_count``."""
        while len(self.keys) < partition_count:
            self.keys.append([])
            self.values.append([])
            self.timestamps.append([])
            self.headers.append(None)
            self.sizes.append(0)
            self.measured.append(0)

    def extend_headers(self, partition: int, headers: Sequence[Headers] | None, before: int) -> None:
        """Keep the headers column as long as the others, and absent while no record has any.

        Arguments:
            headers: of the records just appended; None if they have none.
            before: how many records the partition had before them.
        """
        column = self.headers[partition]
        if headers is None:
            if column is not None:
                column.extend([()] * (len(self.keys[partition]) - before))
            return
        if column is None:
            column = self.headers[partition] = [()] * before
        column.extend(headers)


class Accumulator:
    """All open columns of one producer.

    Arguments:
        batch_bytes: where a batch is full; only a single record may be larger.
    """

    def __init__(self, batch_bytes: int) -> None:
        self._batch_bytes = batch_bytes
        self._topics: dict[str, TopicBuffer] = {}
        self.size_bytes = 0

    def append(
        self,
        topic_partition: TopicPartition,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps: Sequence[int],
        headers: Sequence[Headers] | None,
    ) -> list[Chunk]:
        """Take records of one partition; returns the chunks that became full."""
        if not len(keys) == len(values) == len(timestamps):
            raise ValueError("columns of different lengths")
        buffer = self._buffer(topic_partition.topic)
        partition = topic_partition.partition
        buffer.grow(partition + 1)
        before = len(buffer.keys[partition])
        buffer.keys[partition].extend(keys)
        buffer.values[partition].extend(values)
        buffer.timestamps[partition].extend(timestamps)
        buffer.extend_headers(partition, headers, before)
        return self._grown(buffer, partition)

    def append_output(self, columns: OutputColumns, partition_count: int, null_partition: int) -> list[Chunk]:
        """Take the columns of one topic, each record to its partition; returns the chunks that became full."""
        buffer = self._buffer(columns.topic)
        buffer.grow(partition_count)
        partitions = columns.partitions
        if partitions is not None and -1 in partitions:  # a user's partitioner left these to the key's hash
            hashed = split_by_partition(columns.keys, partition_count, null_partition)
            partitions = [own if own >= 0 else other for own, other in zip(partitions, hashed, strict=True)]
        if partitions is None and columns.unhashed_bytes:
            end = -columns.unhashed_bytes
            hashed_keys = [None if key is None else key[:end] for key in columns.keys]
            partitions = split_by_partition(hashed_keys, partition_count, null_partition)
        before: list[int] = []
        if columns.headers is not None:
            before = [len(column) for column in buffer.keys]
            if partitions is None:
                partitions = split_by_partition(columns.keys, partition_count, null_partition)
        whole = len(buffer.keys) == partition_count
        distribute(
            columns.keys,
            columns.values,
            columns.timestamps,
            partitions,
            null_partition,
            buffer.keys if whole else buffer.keys[:partition_count],
            buffer.values if whole else buffer.values[:partition_count],
            buffer.timestamps if whole else buffer.timestamps[:partition_count],
        )
        if columns.headers is not None and partitions is not None:
            split: list[list[Headers]] = [[] for _ in range(partition_count)]
            for partition, headers in zip(partitions, columns.headers, strict=True):
                split[partition].append(headers)
            for partition in range(partition_count):
                buffer.extend_headers(partition, split[partition], before[partition])
        full: list[Chunk] = []
        for partition in range(partition_count):
            if len(buffer.keys[partition]) > buffer.measured[partition]:
                if columns.headers is None:
                    buffer.extend_headers(partition, None, buffer.measured[partition])
                full += self._grown(buffer, partition)
        return full

    def open_records(self, topic_partition: TopicPartition) -> int:
        """How many records of a partition wait here."""
        buffer = self._topics.get(topic_partition.topic)
        partition = topic_partition.partition
        return 0 if buffer is None or partition >= len(buffer.keys) else len(buffer.keys[partition])

    def close(self) -> list[Chunk]:
        """Everything that is open, as chunks; nothing is left."""
        chunks = [
            chunk
            for buffer in self._topics.values()
            for partition in range(len(buffer.keys))
            if buffer.keys[partition]
            for chunk in self._take(buffer, partition, everything=True)
        ]
        self.size_bytes = 0
        return chunks

    def clear(self) -> None:
        """Forget everything that is open."""
        self._topics.clear()
        self.size_bytes = 0

    def _buffer(self, topic: str) -> TopicBuffer:
        buffer = self._topics.get(topic)
        if buffer is None:
            buffer = self._topics[topic] = TopicBuffer(topic)
        return buffer

    def _grown(self, buffer: TopicBuffer, partition: int) -> list[Chunk]:
        keys = buffer.keys[partition]
        grown_bytes = measure(keys, buffer.values[partition], buffer.measured[partition], len(keys))
        if (headers := buffer.headers[partition]) is not None:
            grown_bytes += headers_bytes(headers, buffer.measured[partition], len(headers))
        buffer.measured[partition] = len(keys)
        buffer.sizes[partition] += grown_bytes
        self.size_bytes += grown_bytes
        if buffer.sizes[partition] < self._batch_bytes:
            return []
        return self._take(buffer, partition, everything=False)

    def _take(self, buffer: TopicBuffer, partition: int, *, everything: bool) -> list[Chunk]:
        keys, values = buffer.keys[partition], buffer.values[partition]
        timestamps, headers = buffer.timestamps[partition], buffer.headers[partition]
        topic_partition = TopicPartition(buffer.topic, partition)
        chunks: list[Chunk] = []
        start, left_bytes = 0, buffer.sizes[partition]
        while start < len(keys):
            if left_bytes <= self._batch_bytes:
                stop, size = len(keys), left_bytes
            else:
                limit = self._batch_bytes if headers is None else self._batch_bytes // 2
                stop = cut(keys, values, start, limit)
                size = measure(keys, values, start, stop)
                if headers is not None:
                    size += headers_bytes(headers, start, stop)
            if stop == len(keys) and not everything and size < self._batch_bytes:
                break
            chunks.append(Chunk(topic_partition, keys, values, timestamps, headers, start, stop, size))
            start, left_bytes = stop, left_bytes - size
        buffer.keys[partition], buffer.values[partition] = keys[start:], values[start:]
        buffer.timestamps[partition] = timestamps[start:]
        buffer.headers[partition] = None if headers is None or start == len(keys) else headers[start:]
        buffer.sizes[partition], buffer.measured[partition] = left_bytes, len(keys) - start
        self.size_bytes -= sum(chunk.size_bytes for chunk in chunks)
        return chunks


def headers_bytes(headers: Sequence[Headers], start: int, stop: int) -> int:
    """What the headers of the records from ``start`` to ``stop`` take in a batch, at most; often all are one object."""
    total = size = 0
    last: Headers | None = None
    for record_headers in islice(headers, start, stop):
        if record_headers is not last:
            last = record_headers
            size = sum(len(name) * 4 + (len(value) if value is not None else 0) + 10 for name, value in record_headers)
        total += size
    return total
