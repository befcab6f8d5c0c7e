"""One task: a sub-topology on one partition of its inputs.

Ties the input queues, the compiled program and the times together, and says what there is to commit. Fetches,
produces and commits nothing, and does not restore its stores: that is the runtime's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from state.model import TaskId
from streams.codegen import BoundProgram, RetryLater
from streams.model import ColumnBatch, Offset, OffsetAndMetadata, OutputColumns, TimestampMs, TopicPartition
from streams.task.lifecycle import IllegalTransitionError, TaskEvent, TaskState, next_state
from streams.task.queue import NO_TIME, CaughtUp, PartitionQueues, Run
from streams.task.times import Times, decode_times, encode_times

if TYPE_CHECKING:
    from streams.topology.compile import SubTopology


def _nothing_more(_: TopicPartition) -> bool:
    return True


class Task:
    """Processes the records of its inputs in the order that their timestamps give.

    Arguments:
        task_id: sub-topology and partition.
        sub: the sub-topology; its source topics in order are the inputs.
        program: the compiled sub-topology, bound to this task's stores.
        stores: this task's ``TaskStores``; the task only holds them for its owner.
        inputs: the input partitions where they are not simply this partition of every source topic.
    """

    def __init__(
        self,
        task_id: TaskId,
        sub: SubTopology,
        program: BoundProgram,
        stores: object = None,
        inputs: Sequence[TopicPartition] | None = None,
    ) -> None:
        self.task_id = task_id
        self.sub = sub
        self.program = program
        self.stores = stores
        self.state = TaskState.CREATED
        self.inputs: tuple[TopicPartition, ...] = tuple(
            inputs if inputs is not None else (TopicPartition(topic, task_id.partition) for topic in program.process)
        )
        self._queues = PartitionQueues(self.inputs)
        self._held: Run | None = None
        self.resumes_at_ms: int | None = None
        """When a record that waits for a retry is due; until then this task processes nothing."""

    def move(self, event: TaskEvent) -> None:
        """Go to the next state; ``IllegalTransitionError`` where the lifecycle table has none."""
        self.state = next_state(self.state, event)

    def restore(self, committed: Mapping[TopicPartition, OffsetAndMetadata | None]) -> None:
        """Take up positions, partition times and stream times from committed offsets, before the first record."""
        for topic_partition in self.inputs:
            entry = committed.get(topic_partition)
            if entry is None:
                continue
            queue = self._queues[topic_partition]
            times = decode_times(entry.metadata)
            queue.position = entry.offset
            queue.partition_time = max(queue.partition_time, times.partition_time)
            for operator, stream_time in times.operator_times.items():
                known = self.program.stream_times.get(operator, NO_TIME)
                self.program.stream_times[operator] = max(known, stream_time)

    def add(self, batch: ColumnBatch) -> None:
        """Buffer a fetched batch of one of the inputs; batches of one partition come in offset order."""
        self._queues.add(self.program.prepare(batch))

    def buffered(self, topic_partition: TopicPartition) -> int:
        """Records of this input that wait to be processed."""
        return self._queues[topic_partition].buffered

    def can_process(self, caught_up: CaughtUp) -> bool:
        """Whether ``process`` would process anything: every input has a buffered record or is caught up.

        Arguments:
            caught_up: whether the broker is known to have no record of this input beyond those added so far.
        """
        return self.state is TaskState.RUNNING and self._queues.can_process(caught_up)

    def is_waiting(self, now_ms: int) -> bool:
        """Whether a record waits for its retry, so that nothing is processed before it."""
        return self.resumes_at_ms is not None and self.resumes_at_ms > now_ms

    def process(self, max_records: int, caught_up: CaughtUp = _nothing_more, now_ms: int = 0) -> int:
        """Process up to ``max_records`` records, lowest timestamp first; 0 when the task must wait.

        A record that has to be retried later keeps its place: the task stops before it, with everything that it has
        caused undone, and goes on with it once it is due, whatever has come in by then.

        Arguments:
            max_records: at least 1.
            caught_up: as in ``can_process``; asked whenever an input's buffer is empty.
            now_ms: the time now; retries are due by it.

        Raises:
            ProcessingError: a record failed. Its run's position has not moved; nothing of the task may be committed.
        """
        if self.state is not TaskState.RUNNING:
            raise IllegalTransitionError(f"a {self.state.value} task cannot process records")
        process = self.program.process
        queues = self._queues
        self.program.set_time(now_ms)
        done = 0
        while done < max_records and not self.is_waiting(now_ms):
            run = self._held or queues.next_run(max_records - done, caught_up)
            if run is None:
                break
            self._held = self.resumes_at_ms = None
            try:
                process[run.batch.topic_partition.topic](run.batch, run.start, run.stop)
            except RetryLater as later:
                self._held, self.resumes_at_ms = Run(run.batch, later.index, later.index + 1), later.due_ms
                run = Run(run.batch, run.start, later.index)
                if run.start == run.stop:
                    continue
            queues.consume(run)
            done += run.stop - run.start
        return done

    def flush(self) -> None:
        """Empty the record caches into stores and outputs; before every commit."""
        self.program.flush_caches()

    def drain_outputs(self) -> list[OutputColumns]:
        """Records for each output topic since the last call."""
        return self.program.drain_outputs()

    def positions(self) -> dict[TopicPartition, Offset]:
        """The next offset to process, per input whose position is known."""
        return {queue.topic_partition: queue.position for queue in self._queues if queue.position is not None}

    def partition_times(self) -> dict[TopicPartition, TimestampMs]:
        """The largest timestamp processed, per input that has seen a record."""
        return {
            queue.topic_partition: queue.partition_time for queue in self._queues if queue.partition_time != NO_TIME
        }

    def offsets(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """What to commit: positions, with partition time and stream times as metadata."""
        stream_times = self.program.stream_times
        return {
            queue.topic_partition: OffsetAndMetadata(
                queue.position,
                encode_times(Times(partition_time=queue.partition_time, operator_times=stream_times)),
            )
            for queue in self._queues
            if queue.position is not None
        }
