"""Input on its way from the consumer to the tasks: who gets a batch, who is paused, how far behind all are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from broker_core.model import LATEST_OFFSET
from streams.client.admin import Admin
from streams.client.consumer import Consumer
from streams.model import Isolation, TopicPartition
from streams.runtime.activity import Activity, wait
from streams.runtime.tasks import RunningTask

FEED_AHEAD_RECORDS: Final = 100_000
"""How many records of input may wait, on the broker and in buffers, before feeds hold back."""


class InputFlow:
    """Hands fetched batches to the task that reads the partition, and keeps buffers bounded.

    Arguments:
        consumer: assigned to all inputs of the tasks.
        buffered_records: per partition; above it the partition is paused until half is processed.
    """

    def __init__(self, *, consumer: Consumer, tasks: Sequence[RunningTask], buffered_records: int) -> None:
        self._consumer = consumer
        self._tasks = {topic_partition: running.task for running in tasks for topic_partition in running.plan.inputs}
        self._buffered_records = buffered_records
        self._paused: set[TopicPartition] = set()

    def receive(self) -> bool:
        """Take what the consumer has; True if anything came."""
        batches = self._consumer.poll_batches()
        for batch in batches:
            self._tasks[batch.topic_partition].add(batch)
            if self._tasks[batch.topic_partition].buffered(batch.topic_partition) > self._buffered_records:
                self._paused.add(batch.topic_partition)
                self._consumer.pause([batch.topic_partition])
        for topic_partition in sorted(self._paused):
            if self._tasks[topic_partition].buffered(topic_partition) * 2 <= self._buffered_records:
                self._paused.remove(topic_partition)
                self._consumer.resume([topic_partition])
        return bool(batches)

    def stop(self) -> None:
        """Read nothing any more."""
        self._consumer.assign({})

    def is_caught_up(self, topic_partition: TopicPartition) -> bool:
        return self._consumer.is_caught_up(topic_partition)

    def lag(self) -> int:
        """Records known to be on the broker or buffered, and not processed yet."""
        total = 0
        for topic_partition, task in self._tasks.items():
            end = self._consumer.end_offset(topic_partition)
            position = self._consumer.position(topic_partition)
            unread = 0 if end is None or position < 0 else max(0, end - position)
            total += unread + task.buffered(topic_partition)
        return total

    def is_behind(self) -> bool:
        return self.lag() > FEED_AHEAD_RECORDS

    def is_at_end(self, admin: Admin) -> Activity[bool]:
        """Whether every input was read to the end of its log, open and ended transactions included."""
        if any(task.buffered(topic_partition) for topic_partition, task in self._tasks.items()):
            return False
        wanted = dict.fromkeys(self._tasks, LATEST_OFFSET)
        ends = yield from wait(admin.list_offsets(wanted, Isolation.READ_UNCOMMITTED))
        return all(self._consumer.position(topic_partition) == ends[topic_partition] for topic_partition in self._tasks)
