"""Records on their way from an application's threads to the producer core, and what became of each.

A ``Consignment`` is what one topic got between two collections: columns, and one outcome for all of them. The outbox is
a core of the client: it collects consignments when they are due (linger), gives every record its partition, and knows
afterwards at which offset each was written. Threads and locks are the shell's, which hands consignments in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from streams.client.calls import Call
from streams.client.partitioner import split_by_partition
from streams.client.pending import Pending
from streams.client.producer import Producer
from streams.errors import ClientError
from streams.model import OutputColumns, TopicPartition

UNPLACED: Final = -1
"""In a column of explicit partitions: the key decides."""


class Consignment:
    """Records of one topic that are written, or fail, together."""

    __slots__ = ("_offsets", "_spans", "_starts", "columns", "done", "partitions", "size_bytes")

    def __init__(self, topic: str) -> None:
        self.columns = OutputColumns(topic)
        self.size_bytes = 0
        self.done: Pending[Consignment] = Pending()
        """Settled with itself once all is acknowledged, or with the refusal."""
        self.partitions: list[int] = []
        """Where each record went, once it is known."""
        self._starts: dict[int, int] = {}
        self._spans: dict[int, list[tuple[int, int, int]]] = {}
        self._offsets: list[int] | None = None

    def __len__(self) -> int:
        return len(self.columns.keys)

    @property
    def offsets(self) -> list[int]:
        """The offset of every record, once ``done``; -1 where the broker did not say."""
        if self._offsets is None:
            self._offsets = self._resolved()
        return self._offsets

    def _resolved(self) -> list[int]:
        seen: dict[int, int] = dict(self._starts)
        offsets: list[int] = []
        for partition in self.partitions:
            position = seen[partition]
            seen[partition] = position + 1
            offsets.append(_offset_at(position, self._spans.get(partition, ())))
        return offsets

    def place(self, partitions: list[int], producer: Producer) -> None:
        """Every record has its partition; remember where in each partition's row of records ours begin."""
        self.partitions = self.columns.partitions = partitions
        topic = self.columns.topic
        self._starts = {partition: producer.position(TopicPartition(topic, partition)) for partition in set(partitions)}

    def take_spans(self, written: dict[TopicPartition, list[tuple[int, int, int]]]) -> None:
        """Keep what was written of ours, and drop what is of no more use to those that come after."""
        for partition in self._starts:
            place = TopicPartition(self.columns.topic, partition)
            spans = written.get(place, [])
            self._spans[partition] = list(spans)
            end = self._starts[partition] + self.partitions.count(partition)
            written[place] = [span for span in spans if span[0] + span[1] > end]


class Outbox:
    """All consignments of one producer, in the order in which they were handed in.

    Arguments:
        producer: the core that writes.
        linger_ms: how long records may wait for company.
        collect: gives what the application has made up to now, in order; nobody adds to it any more.
    """

    def __init__(self, producer: Producer, linger_ms: int, collect: Callable[[], Sequence[Consignment]]) -> None:
        self._producer, self._linger_ms, self._collect = producer, linger_ms, collect
        self._due_ms: int | None = None
        self._waiting: deque[Consignment] = deque()
        self._under_way: deque[Consignment] = deque()
        self._written: dict[TopicPartition, list[tuple[int, int, int]]] = {}
        self._rotation = 0
        self._trouble: Exception | None = None
        producer.on_written(self._note)

    def announce(self, now_ms: int) -> None:
        """There is something to collect, if not at once."""
        if self._due_ms is None:
            self._due_ms = now_ms + self._linger_ms

    def gather(self) -> None:
        """Collect what there is, without waiting for company."""
        self._due_ms = None
        self._waiting.extend(self._collect())

    def flush(self) -> Pending[None]:
        """Settled once everything handed in is written; fails with the first refusal since the last flush."""
        self.gather()
        flushed: Pending[None] = Pending()
        last = self._waiting[-1] if self._waiting else (self._under_way[-1] if self._under_way else None)
        if last is None:
            self._settle(flushed)
        else:
            last.done.then(lambda _: self._settle(flushed))
        return flushed

    def drop(self, error: ClientError) -> None:
        """Give up what the producer has not got yet."""
        self.gather()
        waiting, self._waiting = self._waiting, deque()
        for consignment in waiting:
            consignment.done.fail(error)

    def forgive(self) -> None:
        """The application knows of what went wrong up to now."""
        self._trouble = None

    @property
    def is_empty(self) -> bool:
        """Nothing waits and nothing is under way."""
        return not self._waiting and not self._under_way

    def calls(self, now_ms: int) -> list[Call]:
        """For the pump: gives the producer what is due. Sends nothing itself."""
        if self._due_ms is not None and now_ms >= self._due_ms:
            self.gather()
        while self._waiting:
            consignment = self._waiting[0]
            try:
                count = self._producer.partition_count(consignment.columns.topic)
                if count is None:
                    break
                self._append(consignment, count)
            except (ClientError, RuntimeError, ValueError) as error:
                self._waiting.popleft()
                self._end(consignment, error)
                continue
            self._waiting.popleft()
            self._under_way.append(consignment)
            flushed = self._producer.flush()
            flushed.then(lambda settled, consignment=consignment: self._done(consignment, settled))  # type: ignore[misc]
        return []

    def next_deadline(self) -> int | None:
        """For the pump."""
        return self._due_ms

    def _append(self, consignment: Consignment, count: int) -> None:
        columns = consignment.columns
        self._rotation += 1
        null_partition = self._rotation % count
        partitions = columns.partitions
        if partitions is None:
            partitions = split_by_partition(columns.keys, count, null_partition)
        elif UNPLACED in partitions:
            hashed = split_by_partition(columns.keys, count, null_partition)
            partitions = [own if own >= 0 else other for own, other in zip(partitions, hashed, strict=True)]
        consignment.place(partitions, self._producer)
        self._producer.append_output(columns, count)

    def _note(self, topic_partition: TopicPartition, position: int, count: int, base_offset: int) -> None:
        self._written.setdefault(topic_partition, []).append((position, count, base_offset))

    def _done(self, consignment: Consignment, settled: Pending[None]) -> None:
        self._under_way.remove(consignment)
        if settled.error is None:
            consignment.take_spans(self._written)
        self._end(consignment, settled.error)

    def _end(self, consignment: Consignment, error: Exception | None) -> None:
        if error is None:
            consignment.done.resolve(consignment)
            return
        if self._trouble is None:
            self._trouble = error
        consignment.done.fail(error)

    def _settle(self, flushed: Pending[None]) -> None:
        trouble, self._trouble = self._trouble, None
        if trouble is None:
            flushed.resolve(None)
        else:
            flushed.fail(trouble)


def _offset_at(position: int, spans: Sequence[tuple[int, int, int]]) -> int:
    for start, count, base_offset in spans:
        if start <= position < start + count:
            return base_offset + position - start if base_offset >= 0 else base_offset
    return -1
