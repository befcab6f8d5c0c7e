"""What runs between two commits: input to tasks, tasks to outputs, feeds to topics.

Owns the data path of a started worker. Starting, committing and stopping are the worker's; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from streams.client.admin import Admin
from streams.client.producer import Producer
from streams.config import StreamsConfig
from streams.model import OutputColumns
from streams.runtime.activity import Activity, Running
from streams.runtime.flow import InputFlow
from streams.runtime.starting import Started
from streams.runtime.topics import learn_topics

PROCESS_BUDGET_RECORDS: Final = 5_000
"""Records per task and turn: about 5 ms, so that a commit is never late by more."""
FEED_BUDGET_RECORDS: Final = 2_000


class Turn(NamedTuple):
    """What one turn did, in records; ``received`` says whether anything came from the broker."""

    received: bool
    fed: int
    processed: int

    @property
    def moved(self) -> bool:
        return self.received or bool(self.fed or self.processed)

    @property
    def made_dirty(self) -> bool:
        return bool(self.fed or self.processed)


class Engine:
    """Tasks and feeds of a started worker.

    Arguments:
        started: what the start gave.
        producer: takes outputs; what it takes belongs to the open transaction.
        admin: asked for topics that a sink's function names.
    """

    def __init__(self, started: Started, *, config: StreamsConfig, producer: Producer, admin: Admin) -> None:
        self.tasks = started.tasks
        self.feeds = started.feeds
        self.consumer = started.consumer
        self.flow = InputFlow(consumer=started.consumer, tasks=started.tasks, buffered_records=config.buffered_records)
        self._counts = started.counts
        self._create_with = config.partitions if config.broker is None else None
        self._producer = producer
        self._admin = admin
        self.unsent: Running[None] | None = None
        """Outputs that wait for a topic's partition count; no turn may be taken until they are sent."""

    def turn(self, now_ms: int, *, feeding: bool) -> Turn:
        """Receive, feed, process, and hand outputs on.

        Arguments:
            feeding: False once the worker is to stop.

        Raises:
            ProcessingError: a record failed; nothing of this transaction may be committed.
        """
        assert self.unsent is None, "outputs of the last turn are not sent yet"
        received = self.flow.receive()
        fed = self._feed(now_ms) if feeding else 0
        processed = 0
        for running in self.tasks:
            processed += running.task.process(PROCESS_BUDGET_RECORDS, self.flow.is_caught_up, now_ms)
        if processed:
            sending = Running(self.emit([out for running in self.tasks for out in running.task.drain_outputs()]))
            sending.advance()
            self.unsent = None if sending.done else sending
        return Turn(received, fed, processed)

    def emit(self, columns: Sequence[OutputColumns]) -> Activity[None]:
        """Hand columns to the producer; topics of unknown size are looked up first."""
        unknown = [out.topic for out in columns if out.topic not in self._counts]
        if unknown:
            self._counts.update((yield from learn_topics(self._admin, unknown, create_with=self._create_with)))
        for out in columns:
            self._producer.append_output(out, self._counts[out.topic])

    def next_deadline(self) -> int | None:
        """When the first record that waits for a retry is due."""
        waiting = [running.task.resumes_at_ms for running in self.tasks]
        return min((due_ms for due_ms in waiting if due_ms is not None), default=None)

    @property
    def feeds_are_done(self) -> bool:
        return all(feed.exhausted for feed in self.feeds)

    @property
    def staged_bytes(self) -> int:
        """Bytes of the open transaction's writes, over all tasks."""
        return sum(running.stores.transaction.staged_bytes for running in self.tasks)

    def _feed(self, now_ms: int) -> int:
        """Feed no further ahead than the tasks can follow; the log is not a place to hide a slow topology in."""
        if not self.feeds or self.flow.is_behind():
            return 0
        return sum(feed.feed(FEED_BUDGET_RECORDS, now_ms) for feed in self.feeds)
