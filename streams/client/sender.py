"""Batches under way: sequences, retries in order, and what a refusal means for the rest.

The machine between the accumulator and Produce requests. Idempotence is KIP-98's: per partition at most five batches
wait for their acknowledgement, and whatever is tried again keeps its sequence and its bytes. Two rules keep order
where the broker's own check is blind. The first batch of a producer id travels alone, for a broker accepts any first
sequence from a producer that it does not know. After a failure a partition sends one batch at a time until everything
that was under way is acknowledged. Whether a partition may be written to (transactions) is asked from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from broker_core.errors import ErrorCode
from broker_core.model import NO_OFFSET
from broker_core.protocol.batch import build_batch
from broker_core.protocol.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from streams.client.accumulator import Chunk
from streams.client.calls import Backoff, Call, Judge
from streams.client.errors import STALE_LEADER, error_for
from streams.client.lanes import Batch, Lane, Ledger
from streams.client.metadata import Cluster
from streams.client.pending import Pending
from streams.client.settings import ClientSettings
from streams.errors import ClientError
from streams.model import TopicPartition

PRODUCE_V1: Final = 11
PRODUCE_V2: Final = 12
"""From 12 on a produce adds its partition to the transaction by itself (KIP-890), which needs EndTxn 5."""


Written = Callable[[TopicPartition, int, int, int], None]


class Identity(NamedTuple):
    """What the broker knows a producer by."""

    producer_id: int
    epoch: int


class Sender:
    """All lanes of one producer."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ClientSettings,
        judge: Judge,
        backoff_after: Callable[[int], Backoff],
        transactional_id: str | None,
    ) -> None:
        self._cluster, self._settings, self._judge, self._backoff_after = cluster, settings, judge, backoff_after
        self._transactional_id = transactional_id
        self._lanes: dict[TopicPartition, Lane] = {}
        self._active: dict[TopicPartition, Lane] = {}
        self._ledger = Ledger()
        self.max_version = PRODUCE_V1
        self.identity: Identity | None = None
        self.in_air = 0
        self.acknowledged: dict[TopicPartition, int] = {}
        """Per partition, the offset after the last acknowledged record."""
        self.entered: dict[TopicPartition, int] = {}
        """Per partition, how many records it was ever handed."""
        self.written: Written = _nobody_asks
        """Told of every batch that the log has acknowledged: its place, position, count and first offset."""
        self.error: ClientError | None = None
        """A refusal that retrying does not help and nobody was told of; everything was dropped with it."""
        self.unresolved = False
        """Whether the broker's next expected sequence is unknown for some partition: only a new epoch helps."""

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Take chunks over; those of one partition are written in this order."""
        for chunk in chunks:
            lane = self._lanes.get(chunk.topic_partition)
            if lane is None:
                lane = self._lanes[chunk.topic_partition] = Lane(chunk.topic_partition)
            lane.queue.append((self._ledger.enter(chunk), chunk))
            lane.entered += chunk.stop - chunk.start
            self.entered[chunk.topic_partition] = lane.entered
            self._active[chunk.topic_partition] = lane

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is under way."""
        return self._ledger.is_empty and not self.in_air

    @property
    def size_bytes(self) -> int:
        return self._ledger.size_bytes

    def flush(self) -> Pending[None]:
        """Settled once everything added so far is acknowledged; failed at once while there is an ``error``."""
        if self.error is None:
            return self._ledger.flush()
        failed: Pending[None] = Pending()
        failed.fail(self.error)
        return failed

    def calls(self, now_ms: int, may_write: Callable[[TopicPartition], bool]) -> list[Call]:
        """Produce requests, each with at most one batch per partition, in the partition's order."""
        calls: list[Call] = []
        for lane in self._active.values():
            if lane.due_ms <= now_ms:
                lane.due_ms = 0  # a leader or an identity may still be looked for, which has a deadline of its own
        lanes = [lane for lane in self._active.values() if not lane.is_busy]
        while lanes and self.identity is not None and not self.unresolved:
            by_node: dict[int, list[tuple[Lane, Batch]]] = {}
            for lane in lanes:
                self._pick(lane, may_write, by_node, now_ms)
            calls += [self._call(node_id, picked, self.identity) for node_id, picked in by_node.items()]
            lanes = [lane for picked in by_node.values() for lane, _ in picked if not lane.is_busy]
        return calls

    def next_deadline(self) -> int | None:
        return min((lane.due_ms for lane in self._active.values() if lane.due_ms), default=None)

    def discard(self, error: ClientError) -> bool:
        """Drop everything; what is in the air is waited for (``in_air``) and its outcome ignored.

        Returns:
            Whether somebody was waiting for a flush and has been told ``error``.
        """
        for lane in self._active.values():
            self.unresolved |= lane.discard()
        self._active = {place: lane for place, lane in self._active.items() if not lane.is_empty}
        return self._ledger.clear(error)

    def fail(self, error: ClientError) -> None:
        """Take note of a final refusal and drop everything with it."""
        told = self.discard(error)
        if self.error is None and not (told and self._transactional_id is None):
            self.error = error

    def forgive(self) -> None:
        """Forget the refusal; sequences go on where they are."""
        self.error = None

    def renew(self, identity: Identity | None) -> None:
        """Go on under a new producer id or epoch, all sequences from 0. Nothing may be in the air."""
        assert not self.in_air, "batches of the old epoch are still under way"
        self.identity, self.unresolved = identity, False
        for lane in self._lanes.values():
            lane.restart()

    def _pick(
        self,
        lane: Lane,
        may_write: Callable[[TopicPartition], bool],
        by_node: dict[int, list[tuple[Lane, Batch]]],
        now_ms: int,
    ) -> None:
        node_id = self._leader(lane, now_ms)
        if node_id is None or not may_write(lane.topic_partition):
            return
        batch = lane.next_batch(now_ms)
        if batch is None:
            return
        if batch.deadline_ms is None:
            batch.deadline_ms = now_ms + self._settings.delivery_timeout_ms
        elif now_ms >= batch.deadline_ms:
            place = f"writing to {lane.topic_partition}"
            detail = f"tried for {self._settings.delivery_timeout_ms} ms; last: {lane.last_error}"
            self.fail(error_for(ErrorCode.REQUEST_TIMED_OUT, place, detail))
            return
        batch.in_air = True
        self.in_air += 1
        by_node.setdefault(node_id, []).append((lane, batch))

    def _leader(self, lane: Lane, now_ms: int) -> int | None:
        try:
            node_id = self._cluster.leader(lane.topic_partition)
        except ClientError as error:
            self.fail(error)
            return None
        if node_id is not None:
            lane.stuck_ms = None
        elif lane.stuck_ms is None:
            lane.stuck_ms = now_ms
        elif now_ms - lane.stuck_ms >= self._settings.delivery_timeout_ms:
            place = f"writing to {lane.topic_partition}"
            self.fail(error_for(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, place, "its leader was not found in time"))
        return node_id

    def _call(self, node_id: int, picked: list[tuple[Lane, Batch]], identity: Identity) -> Call:
        topics: dict[str, list[PartitionProduceData]] = {}
        is_transactional = self._transactional_id is not None
        for lane, batch in picked:
            topic, partition = lane.topic_partition
            records = _encoded(batch, identity, is_transactional=is_transactional, codec=self._settings.codec)
            topics.setdefault(topic, []).append(PartitionProduceData(index=partition, records=records))
        body = ProduceRequest(
            transactional_id=self._transactional_id,
            acks=-1,
            timeout_ms=self._settings.request_timeout_ms,
            topic_data=tuple(TopicProduceData(name=name, partition_data=tuple(data)) for name, data in topics.items()),
        )

        def answered(answer: ProduceResponse, answered_ms: int) -> None:
            by_partition = {
                (topic.name, partition.index): partition
                for topic in answer.responses
                for partition in topic.partition_responses
            }
            for lane, batch in picked:
                self._judge_answer(lane, batch, by_partition.get(lane.topic_partition), answered_ms)

        def lost(error: ClientError, lost_ms: int) -> None:
            for lane, batch in picked:
                if self._judge.retriable(error.code):
                    self._retry(lane, batch, error, lost_ms)
                else:  # the broker does not speak the version that this needs
                    self._refused(lane, batch, error)

        return Call(node_id, body, self.max_version, answered, lost)

    def _judge_answer(self, lane: Lane, batch: Batch, answer: PartitionProduceResponse | None, now_ms: int) -> None:
        code = ErrorCode.NETWORK_EXCEPTION if answer is None else answer.error_code
        if code in (ErrorCode.NONE, ErrorCode.DUPLICATE_SEQUENCE_NUMBER):
            lane.proven = True
            lane.backoff = None
            if answer is not None and answer.base_offset >= 0:
                end = answer.base_offset + batch.count
                self.acknowledged[lane.topic_partition] = max(end, self.acknowledged.get(lane.topic_partition, 0))
            if not batch.discarded:
                base_offset = answer.base_offset if answer is not None else NO_OFFSET
                self.written(lane.topic_partition, batch.position, batch.count, base_offset)
                self._ledger.acknowledge(batch)
            self._done(lane, batch)
            return
        error = error_for(code, f"writing to {lane.topic_partition}", answer.error_message if answer else None)
        has_earlier = lane.window[0] is not batch
        if self._judge.retriable(code) or (code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER and has_earlier):
            self._retry(lane, batch, error, now_ms)
        elif code == ErrorCode.MESSAGE_TOO_LARGE and batch.count > 1 and not batch.discarded:
            self.in_air -= 1
            lane.landed(batch)
            lane.split(batch)
            self._ledger.split(batch.number)
        else:
            self._refused(lane, batch, error)

    def _refused(self, lane: Lane, batch: Batch, error: ClientError) -> None:
        self.unresolved = True
        self._done(lane, batch)
        if not batch.discarded:
            self.fail(error)

    def _retry(self, lane: Lane, batch: Batch, error: ClientError, now_ms: int) -> None:
        if error.code in STALE_LEADER:
            self._cluster.forget_leader(lane.topic_partition)
        if batch.discarded:
            self.unresolved = True
            self._done(lane, batch)
            return
        self.in_air -= 1
        lane.landed(batch)
        lane.last_error = error
        if not any(other.in_air for other in lane.window):
            if lane.backoff is None:
                lane.backoff = self._backoff_after(error.code)
            lane.due_ms = now_ms + lane.backoff.next_ms()

    def _done(self, lane: Lane, batch: Batch) -> None:
        self.in_air -= 1
        lane.landed(batch)
        lane.done(batch)
        if lane.is_empty:
            self._active.pop(lane.topic_partition, None)


def _nobody_asks(topic_partition: TopicPartition, position: int, count: int, base_offset: int) -> None:
    """What is written is of no interest to anybody."""


def _encoded(batch: Batch, identity: Identity, *, is_transactional: bool, codec: int) -> bytes:
    """The batch's bytes, made once: what is tried again is the same to the last bit."""
    if batch.data is None:
        chunk = batch.chunk
        batch.data = build_batch(
            chunk.keys,
            chunk.values,
            chunk.timestamps,
            chunk.headers,
            start=chunk.start,
            stop=chunk.stop,
            producer_id=identity.producer_id,
            producer_epoch=identity.epoch,
            base_sequence=batch.base_sequence,
            is_transactional=is_transactional,
            codec=codec,
        )
    return batch.data
