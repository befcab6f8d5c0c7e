"""What the test driver runs on: the application's real tasks over a log in memory, one step at a time.

Programs, tasks, queues, times and stores are those that run in production; what a worker does around them (fetch,
commit, restore, rebalance) is here in its shortest honest form. The face that a test sees is ``driver``.
"""

from __future__ import annotations

from typing import Final

from state.memory_directory import MemoryStateDirectory
from state.read_only import ReadOnlyRows
from state.restore import restore_plan
from state.task_stores import TaskStores
from streams.codegen import compile_subtopology
from streams.codegen.counters import DropCounters
from streams.errors import StreamsError
from streams.model import Offset, OffsetAndMetadata, TaskId, TopicPartition
from streams.runtime.plan import TaskPlan, plan_tasks
from streams.runtime.restoring import processed_part
from streams.runtime.tasks import RunningTask
from streams.task import Task
from streams.task.lifecycle import TaskEvent
from streams.testing.clock import ManualClock
from streams.testing.memory_log import MemoryLog
from streams.topology.compile import CompiledTopology

ALL: Final = 1 << 30
"""More records than a test holds."""
MAX_ROUNDS: Final = 10_000
"""Commits that one call may need until internal topics are empty; more is a topology that feeds itself for ever."""
FLUSH_EVERY_COMMITS: Final = 1_000
"""How often state is flushed, which bounds what a crash has to replay, and the memory that undoing it takes."""


class DriverEngine:
    """All tasks of one application.

    Arguments:
        topology: compiled.
        counts: partitions of every topic that the application reads or keeps.
        log: where everything is read from and written to.
        transactional: exactly once; otherwise outputs are seen before the commit and stay after a crash.
        cache: whether record caches are used.
        clock: gives the time of commits.
    """

    def __init__(
        self, topology: CompiledTopology, counts: dict[str, int], log: MemoryLog, *, transactional: bool, cache: bool,
        cache_max_bytes: int, clock: ManualClock,
    ) -> None:  # fmt: skip
        self._topology = topology
        self._programs = {sub.id: compile_subtopology(sub, cache=cache) for sub in topology.subtopologies}
        self._plans = plan_tasks(topology, counts)
        self._log = log
        self._transactional = transactional
        self._clock = clock
        self._internal = frozenset(topic.name for topic in topology.internal_topics)
        self._cache_share = cache_max_bytes // max(1, sum(bool(plan.subtopology.stores) for plan in self._plans))
        self._state = MemoryStateDirectory()
        self._tasks: list[RunningTask] = []
        self._delivered: dict[TopicPartition, Offset] = {}
        self._committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self._commits = 0
        self._touched: dict[TaskId, RunningTask] = {}
        self.counters = DropCounters()
        """Records dropped so far, crashes and all."""
        self._start()

    def deliver(self) -> None:
        """Hand every record that a reader may see to the task that reads it; nothing is processed."""
        for running in self._tasks:
            for topic_partition in running.plan.inputs:
                batch = self._log.partition(topic_partition).batch(self._delivered[topic_partition])
                if batch is not None:
                    running.task.add(batch)
                    self._delivered[topic_partition] = batch.next_offset

    def process(self, max_records: int = ALL) -> int:
        """Process up to so many buffered records, task by task; returns how many."""
        processed = 0
        for running in self._tasks:
            if processed < max_records:
                processed += self._process(running, max_records - processed)
        return processed

    def commit(self) -> None:
        """Commit what was done since the last commit: outputs, positions and times, state."""
        touched, self._touched = list(self._touched.values()), {}
        for running in touched:
            running.task.flush()
            self._emit(running)
            for columns in running.stores.changelogs().values():
                if columns.keys:
                    self._log.write_changelog(columns.drain(), running.plan.id.partition)
            running.stores.transaction.prepare()
            self._committed.update(running.task.offsets())
        self._log.end_transaction(commit=True)
        self._commits += 1
        for running in touched:
            changelogs = [columns.topic for columns in running.stores.changelogs().values()]
            partition = running.plan.id.partition
            ends = {topic: len(self._log.partition(TopicPartition(topic, partition)).records) for topic in changelogs}
            reused = [place for place in running.reused_inputs() if place in self._committed]
            ends |= {place.topic: self._committed[place].offset for place in reused}
            running.stores.apply(ends, self._clock.now_ms)
        if self._commits % FLUSH_EVERY_COMMITS == 0:
            for running in self._tasks:
                running.stores.flush_backend()

    def resume(self) -> int:
        """Go on in the tasks whose retries are due; returns how many records were processed."""
        now_ms = self._clock.now_ms
        waited = [running for running in self._tasks if running.task.resumes_at_ms is not None]
        due = [running for running in waited if not running.task.is_waiting(now_ms)]
        return sum(self._process(running, ALL) for running in due)

    def finish(self) -> None:
        """Commit, and process what that brings through internal topics, until there is nothing more of it."""
        for _ in range(MAX_ROUNDS):
            if self._touched:
                self.commit()
            self.deliver()
            waiting = [
                running
                for running in self._tasks
                if self._buffered(running, internal=True) and not running.task.is_waiting(self._clock.now_ms)
            ]
            if not waiting:
                return
            for running in waiting:
                while self._buffered(running, internal=True):
                    # Beside records that the test has only enqueued, one at a time: those can wait.
                    if not self._process(running, 1 if self._buffered(running, internal=False) else ALL):
                        break  # for a retry
        raise StreamsError(
            f"{MAX_ROUNDS} commits did not empty the internal topics: does the topology write to a topic that it reads?"
        )

    def crash(self) -> None:
        """Kill the process and start it again: only what was committed is left.

        Local state falls back to its last flush, as RocksDB's does without a write-ahead log, and is brought up to
        the last commit from its changelogs.
        """
        self.stop()
        self._state.crash(self._state.unflushed_batches())
        self._start()

    def stop(self) -> None:
        """Drop the tasks and everything uncommitted."""
        self._log.end_transaction(commit=False)
        self._tasks = []
        self._touched.clear()

    def rebalance(self) -> None:
        """Give every task to a worker that has no local state: closed here, opened there, rebuilt from changelogs."""
        for running in self._tasks:
            running.task.move(TaskEvent.CLOSE)
            self._state.close_task(running.plan.id)
        self._state = MemoryStateDirectory()
        self._start()

    def rows(self, store: str) -> list[ReadOnlyRows]:
        """A store's rows of the last commit, partition by partition."""
        owner = self._topology.stores[store].subtopology
        return [task.stores.read_only(store) for task in self._tasks if task.plan.id.subtopology == owner]

    def _start(self) -> None:
        self._tasks = [self._open(plan) for plan in self._plans]
        self._delivered = {
            topic_partition: self._committed[topic_partition].offset if topic_partition in self._committed else 0
            for plan in self._plans
            for topic_partition in plan.inputs
        }
        self.deliver()

    def _open(self, plan: TaskPlan) -> RunningTask:
        stores = self._state.open_task(plan.id, plan.subtopology.stores, cache_max_bytes=self._cache_share)
        program = self._programs[plan.subtopology.id].bind(
            stores,
            counters=self.counters,
            partition_count=lambda topic: len(self._log.topic(topic)),
            application_id=self._topology.application_id,
        )
        task = Task(plan.id, plan.subtopology, program, stores, plan.inputs)
        task.move(TaskEvent.RESTORE)
        self._restore(plan, stores)
        task.restore(self._committed)
        task.move(TaskEvent.RUN)
        return RunningTask(plan=plan, task=task, stores=stores)

    def _restore(self, plan: TaskPlan, stores: TaskStores) -> None:
        for spec in plan.subtopology.stores:
            assert spec.restored_from is not None, "a topology's stores are all logged"
            place = TopicPartition(spec.restored_from, plan.id.partition)
            if spec.source_topic is None:
                end = self._log.partition(place).stable_end
            elif place in self._committed:
                end = self._committed[place].offset
            else:
                continue
            needed = restore_plan(stores.position(place.topic), 0, end, now_ms=self._clock.now_ms)
            if needed.wipe:
                stores.wipe(spec.name)
            batch = self._log.partition(place).batch(needed.from_offset) if needed.is_needed else None
            if batch is not None:
                rows = batch if spec.source_topic is None else processed_part(batch, end)
                stores.restore_batch(spec.name, rows, rows.next_offset, self._clock.now_ms)

    def _process(self, running: RunningTask, max_records: int) -> int:
        processed = running.task.process(max_records, now_ms=self._clock.now_ms)
        if processed:
            self._touched[running.plan.id] = running
            self._emit(running)
            if not self._transactional:
                self.deliver()
        return processed

    def _emit(self, running: RunningTask) -> None:
        for columns in running.task.drain_outputs():
            self._log.write(columns)

    def _buffered(self, running: RunningTask, *, internal: bool) -> int:
        """Records that wait in a task's queues, of its internal or of its other inputs."""
        return sum(
            running.task.buffered(topic_partition)
            for topic_partition in running.plan.inputs
            if (topic_partition.topic in self._internal) is internal
        )
