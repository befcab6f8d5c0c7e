"""A log in memory for the test driver: topics, partitions, and what a reader of committed data sees of them.

Columns of bytes with offsets, open records and aborted ones; no protocol, no batches on disk, no clock. Who writes
and when a transaction ends is the engine's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from state.changelog import ChangelogBatch
from streams.client.partitioner import partition_of
from streams.model import ColumnBatch, Headers, Offset, OutputColumns, TimestampMs, TopicPartition

NULL_KEY_PARTITION = 0
"""Where a record without a key goes. A real producer spreads them; a test wants to know."""


class LoggedRecord(NamedTuple):
    """One record as bytes."""

    key: bytes | None
    value: bytes | None
    timestamp: TimestampMs
    headers: Headers = ()


@dataclass(slots=True)
class LogPartition:
    """The records of one partition; ``open`` are those of a transaction that has not ended, in order."""

    topic_partition: TopicPartition
    records: list[LoggedRecord] = field(default_factory=list)
    open: list[Offset] = field(default_factory=list)
    aborted: set[Offset] = field(default_factory=set)

    @property
    def stable_end(self) -> Offset:
        """The last stable offset: where a reader of committed data has to stop."""
        return self.open[0] if self.open else len(self.records)

    def append(self, record: LoggedRecord, *, is_open: bool) -> Offset:
        offset = len(self.records)
        self.records.append(record)
        if is_open:
            self.open.append(offset)
        return offset

    def batch(self, from_offset: Offset) -> ColumnBatch | None:
        """What a reader finds from ``from_offset`` on; None where that is nothing, not even an aborted record."""
        end = self.stable_end
        if from_offset >= end:
            return None
        offsets = [offset for offset in range(from_offset, end) if offset not in self.aborted]
        records = [self.records[offset] for offset in offsets]
        return ColumnBatch(
            self.topic_partition,
            from_offset,
            end,
            [record.key for record in records],
            [record.value for record in records],
            [record.timestamp for record in records],
            [record.headers for record in records] if any(record.headers for record in records) else None,
            None if len(offsets) == end - from_offset else offsets,
        )


class MemoryLog:
    """All topics of one test.

    Arguments:
        partition_count: says how many partitions a topic has, when it is first used.
        transactional: whether what the application writes stays unseen until ``end_transaction``.
    """

    def __init__(self, partition_count: Callable[[str], int], *, transactional: bool) -> None:
        self._partition_count = partition_count
        self._transactional = transactional
        self._topics: dict[str, tuple[LogPartition, ...]] = {}
        self._output: dict[str, list[tuple[int, Offset]]] = {}
        self._open_output: list[tuple[str, int, Offset]] = []

    def topic(self, name: str) -> tuple[LogPartition, ...]:
        """The partitions of a topic, which exists from now on."""
        found = self._topics.get(name)
        if found is None:
            count = self._partition_count(name)
            found = self._topics[name] = tuple(LogPartition(TopicPartition(name, index)) for index in range(count))
        return found

    def partition(self, topic_partition: TopicPartition) -> LogPartition:
        return self.topic(topic_partition.topic)[topic_partition.partition]

    def send(self, topic: str, record: LoggedRecord, partition: int | None) -> TopicPartition:
        """Append what the test itself writes: committed at once."""
        partitions = self.topic(topic)
        index = self._place(record.key, len(partitions)) if partition is None else partition
        partitions[index].append(record, is_open=False)
        return partitions[index].topic_partition

    def write(self, columns: OutputColumns) -> None:
        """Append what the application writes to one topic; open until the transaction ends, where there is one."""
        partitions = self.topic(columns.topic)
        for index, (key, value, timestamp) in enumerate(
            zip(columns.keys, columns.values, columns.timestamps, strict=True)
        ):
            given = -1 if columns.partitions is None else columns.partitions[index]
            hashed = key[: -columns.unhashed_bytes] if key is not None and columns.unhashed_bytes else key
            target = self._place(hashed, len(partitions)) if given < 0 else given
            headers = () if columns.headers is None else columns.headers[index]
            self._append_output(partitions[target], LoggedRecord(key, value, timestamp, headers))

    def write_changelog(self, batch: ChangelogBatch, partition: int) -> None:
        """Append a store's writes to its task's partition."""
        target = self.partition(TopicPartition(batch.topic, partition))
        for key, value, timestamp in zip(batch.keys, batch.values, batch.timestamps, strict=True):
            self._append_output(target, LoggedRecord(key, value, timestamp))

    def end_transaction(self, *, commit: bool) -> None:
        """Let readers see what was written since the last call, or never."""
        for topic, index, offset in self._open_output:
            if commit:
                self._output.setdefault(topic, []).append((index, offset))
            else:
                self._topics[topic][index].aborted.add(offset)
        for topic, index, _ in self._open_output:
            self._topics[topic][index].open.clear()
        self._open_output.clear()

    def output(self, topic: str, start: int) -> Iterator[tuple[int, Offset, LoggedRecord]]:
        """What the application has written to a topic and readers may see: partition, offset and record, in the order
        of writing over all partitions, from number ``start`` on."""
        for index, offset in self._output.get(topic, ())[start:]:
            yield index, offset, self._topics[topic][index].records[offset]

    def output_counts(self) -> dict[str, int]:
        """How many records readers may see in each topic that the application has written to."""
        return {topic: len(entries) for topic, entries in self._output.items()}

    def _append_output(self, partition: LogPartition, record: LoggedRecord) -> None:
        offset = partition.append(record, is_open=self._transactional)
        topic, index = partition.topic_partition
        if self._transactional:
            self._open_output.append((topic, index, offset))
        else:
            self._output.setdefault(topic, []).append((index, offset))

    @staticmethod
    def _place(key: bytes | None, partition_count: int) -> int:
        return NULL_KEY_PARTITION if key is None else partition_of(key, partition_count)
