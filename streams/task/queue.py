"""The buffered input of one task: which record is next, over all its input partitions.

Owns the buffered batches, the position and the partition time of every input. Does not process anything, and does
not know how records got here.

The next record is the one with the smallest timestamp among the HEADS of the inputs (Kafka Streams'
``PartitionGroup``); the order inside an input is never changed. Equal timestamps: the input that was declared first,
so that the choice depends on the data alone. While the broker is known to have data for an input, an empty buffer
of it makes the others wait (KIP-695, ``max.task.idle.ms = 0``).

Records are handed out as runs: a slice of one batch during which no other input's head comes first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from streams.codegen.kernels import max_timestamp, run_length
from streams.model import ColumnBatch, Offset, TimestampMs, TopicPartition

CaughtUp: TypeAlias = Callable[[TopicPartition], bool]
"""Whether the broker is known to have nothing more of this input than what has been added."""

NO_TIME: Final[TimestampMs] = -1
_MAX_TIMESTAMP: Final[TimestampMs] = 2**63 - 1


class Run(NamedTuple):
    """Records ``start`` to ``stop`` (exclusive) of a batch, to be processed before any other record."""

    batch: ColumnBatch
    start: int
    stop: int


class InputQueue:
    """The buffered batches of one input partition; ``cursor`` is the next record's index in the first batch."""

    __slots__ = ("batches", "buffered", "cursor", "order", "partition_time", "position", "topic_partition")

    def __init__(self, topic_partition: TopicPartition, order: int) -> None:
        self.topic_partition = topic_partition
        self.order = order
        self.batches: deque[ColumnBatch] = deque()
        self.cursor = 0
        self.buffered = 0
        self.position: Offset | None = None
        self.partition_time: TimestampMs = NO_TIME

    def add(self, batch: ColumnBatch) -> None:
        if not batch.keys and not self.batches:
            # Control records or aborted data only: nothing to process, but the position moves over them.
            self.position = batch.next_offset
            return
        self.batches.append(batch)
        self.buffered += len(batch.keys)

    @property
    def head(self) -> TimestampMs:
        """Timestamp of the next record; the queue must not be empty."""
        return self.batches[0].timestamps[self.cursor]

    def consume(self, stop: int) -> None:
        """Records of the first batch up to ``stop`` are done."""
        batch = self.batches[0]
        self.partition_time = max_timestamp(batch.timestamps, self.cursor, stop, self.partition_time)
        self.buffered -= stop - self.cursor
        self.cursor = stop
        if stop < len(batch.keys):
            last = stop - 1
            self.position = (batch.base_offset + last if batch.offsets is None else batch.offsets[last]) + 1
            return
        self.cursor = 0
        self.position = self.batches.popleft().next_offset
        while self.batches and not self.batches[0].keys:
            self.position = self.batches.popleft().next_offset


class PartitionQueues:
    """All inputs of one task.

    Arguments:
        inputs: the partitions, in the order that decides between equal timestamps.
    """

    def __init__(self, inputs: Sequence[TopicPartition]) -> None:
        self._queues = tuple(InputQueue(topic_partition, order) for order, topic_partition in enumerate(inputs))
        self._by_partition = {queue.topic_partition: queue for queue in self._queues}

    def __iter__(self) -> Iterator[InputQueue]:
        return iter(self._queues)

    def __getitem__(self, topic_partition: TopicPartition) -> InputQueue:
        return self._by_partition[topic_partition]

    def __contains__(self, topic_partition: object) -> bool:
        return topic_partition in self._by_partition

    def add(self, batch: ColumnBatch) -> None:
        """Buffer a batch; batches of one partition come in offset order."""
        self._by_partition[batch.topic_partition].add(batch)

    def can_process(self, caught_up: CaughtUp) -> bool:
        """Whether there is a record, and none that may still have to come before it is under way."""
        some = False
        for queue in self._queues:
            if queue.batches:
                some = True
            elif not caught_up(queue.topic_partition):
                return False
        return some

    def next_run(self, max_records: int, caught_up: CaughtUp) -> Run | None:
        """The next records to process, at most ``max_records`` (>= 1); None while the task must wait."""
        first: InputQueue | None = None
        first_head = limit = _MAX_TIMESTAMP
        limit_order = len(self._queues)
        for queue in self._queues:
            if not queue.batches:
                if not caught_up(queue.topic_partition):
                    return None
                continue
            head = queue.head
            if first is None:
                first, first_head = queue, head
            elif head < first_head:
                limit, limit_order = first_head, first.order
                first, first_head = queue, head
            elif head < limit:
                limit, limit_order = head, queue.order
        if first is None:
            return None
        batch = first.batches[0]
        start = first.cursor
        stop = min(len(batch.keys), start + max_records)
        if limit_order < len(self._queues):
            stop = start + run_length(batch.timestamps, start, stop, limit, first.order < limit_order)
        return Run(batch, start, stop)

    def consume(self, run: Run) -> None:
        """``run``, the latest from ``next_run``, has been processed."""
        self._by_partition[run.batch.topic_partition].consume(run.stop)
