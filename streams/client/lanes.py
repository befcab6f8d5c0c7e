"""One partition's batches under way, and the count of what is not acknowledged yet.

Order within a partition is decided here: which batch may go next, and under which sequence. No request is known here.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from broker_core.config import PRODUCER_WINDOW_BATCHES
from streams.client.accumulator import Chunk
from streams.client.calls import Backoff
from streams.client.pending import Pending
from streams.errors import ClientError
from streams.model import TopicPartition

SEQUENCE_MODULUS: Final = 1 << 31


class Batch:
    """A chunk with its place in the partition's sequence; bytes are made when it is first sent."""

    __slots__ = (
        "base_sequence",
        "chunk",
        "data",
        "deadline_ms",
        "discarded",
        "in_air",
        "is_done",
        "number",
        "position",
    )

    def __init__(self, chunk: Chunk, number: int, base_sequence: int, position: int) -> None:
        self.chunk, self.number, self.base_sequence = chunk, number, base_sequence
        self.position = position
        """How many records the partition was handed before this batch's."""
        self.data: bytes | None = None
        self.in_air = False
        self.is_done = False
        self.discarded = False
        self.deadline_ms: int | None = None

    @property
    def count(self) -> int:
        return self.chunk.stop - self.chunk.start


class Lane:
    """One partition: chunks that wait, and batches that have a sequence and are under way."""

    __slots__ = (
        "backoff",
        "due_ms",
        "entered",
        "last_error",
        "next_sequence",
        "proven",
        "queue",
        "stuck_ms",
        "taken",
        "topic_partition",
        "window",
    )

    def __init__(self, topic_partition: TopicPartition) -> None:
        self.topic_partition = topic_partition
        self.queue: deque[tuple[int, Chunk]] = deque()
        self.window: list[Batch] = []
        """From the oldest batch without acknowledgement on: the broker recognises repeats among the last five only."""
        self.next_sequence = 0
        self.entered = 0
        """How many records it was ever handed, dropped ones included."""
        self.taken = 0
        """How many of them are in batches, or gone."""
        self.proven = False
        """Whether the broker has acknowledged a batch of the present producer id and epoch."""
        self.due_ms = 0
        self.stuck_ms: int | None = None
        """Since when its leader is unknown."""
        self.backoff: Backoff | None = None
        """Of the tries since the last acknowledgement; chosen by the first refusal."""
        self.last_error: ClientError | None = None

    def next_batch(self, now_ms: int) -> Batch | None:
        """What may be sent now; a new batch gets its sequence here."""
        if now_ms < self.due_ms:
            return None
        waiting = next((batch for batch in self.window if not batch.in_air and not batch.is_done), None)
        if waiting is not None:
            return None if any(batch.in_air for batch in self.window) else waiting
        if not self.queue or len(self.window) >= (PRODUCER_WINDOW_BATCHES if self.proven else 1):
            return None
        number, chunk = self.queue.popleft()
        batch = Batch(chunk, number, self.next_sequence, self.taken)
        self.taken += batch.count
        self.next_sequence = (self.next_sequence + batch.count) % SEQUENCE_MODULUS
        self.window.append(batch)
        return batch

    def split(self, batch: Batch) -> None:
        """Replace a batch that the broker found too large by two that fill the same sequence numbers."""
        first, second = batch.chunk.halves()
        left = Batch(first, batch.number, batch.base_sequence, batch.position)
        next_sequence = (batch.base_sequence + left.count) % SEQUENCE_MODULUS
        right = Batch(second, batch.number, next_sequence, batch.position + left.count)
        left.deadline_ms = right.deadline_ms = batch.deadline_ms
        place = self.window.index(batch)
        self.window[place : place + 1] = [left, right]

    def landed(self, batch: Batch) -> None:
        """The batch's answer came, or never will."""
        assert batch.in_air, f"two answers for one batch to {self.topic_partition}"
        batch.in_air = False

    def done(self, batch: Batch) -> None:
        """The batch is out of the way, written or not; it leaves the window after all before it."""
        batch.is_done = True
        while self.window and self.window[0].is_done:
            self.window.pop(0)

    def discard(self) -> bool:
        """Drop everything but what is in the air; True if a dropped batch may have been written."""
        self.queue.clear()
        self.taken = self.entered
        for batch in self.window:
            batch.discarded = True
        lost = any(not batch.in_air and not batch.is_done for batch in self.window)
        self.window = [batch for batch in self.window if batch.in_air]
        return lost

    def restart(self) -> None:
        """Begin again at sequence 0, under a new producer id or epoch."""
        assert not self.window, "batches of the old epoch are still to be sent"
        self.next_sequence, self.proven, self.due_ms = 0, False, 0

    @property
    def is_empty(self) -> bool:
        return not self.queue and not self.window

    @property
    def is_busy(self) -> bool:
        """Nothing to send before an answer comes; what most lanes are most of the time."""
        return not self.queue and all(batch.in_air or batch.is_done for batch in self.window)


class Ledger:
    """What was handed over and is not acknowledged, and who waits for it."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._last = 0
        self._flushes: list[tuple[Pending[None], int]] = []
        self.size_bytes = 0

    @property
    def is_empty(self) -> bool:
        return not self._open

    def enter(self, chunk: Chunk) -> int:
        """A chunk is handed over; returns its number."""
        self._last += 1
        self._open[self._last] = 1
        self.size_bytes += chunk.size_bytes
        return self._last

    def split(self, number: int) -> None:
        """The chunk of this number now is one batch more."""
        self._open[number] += 1

    def acknowledge(self, batch: Batch) -> None:
        """One batch is written; settles the flushes that waited for it last."""
        self.size_bytes -= batch.chunk.size_bytes
        if self._open[batch.number] > 1:
            self._open[batch.number] -= 1
            return
        del self._open[batch.number]
        first_open = next(iter(self._open), self._last + 1)
        while self._flushes and self._flushes[0][1] < first_open:
            self._flushes.pop(0)[0].resolve(None)

    def flush(self) -> Pending[None]:
        """Settled once everything handed over so far is acknowledged."""
        pending: Pending[None] = Pending()
        if self._open:
            self._flushes.append((pending, self._last))
        else:
            pending.resolve(None)
        return pending

    def clear(self, error: ClientError) -> bool:
        """Forget everything; True if somebody waited and so has been told."""
        self._open.clear()
        self.size_bytes = 0
        flushes, self._flushes = self._flushes, []
        for pending, _ in flushes:
            pending.fail(error)
        return bool(flushes)
