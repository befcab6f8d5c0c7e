"""From nothing to tasks that may run: the start of a worker, in the order that exactly-once needs.

First the transactional id is claimed (which ends what a dead process left open), then the committed offsets are read
with require_stable, then state is restored up to the changelogs' ends, and only then is input read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from broker_core.model import EARLIEST_OFFSET
from state.backends.memory import MemoryBackend
from state.task_stores import TaskStores
from streams.client.client import Client
from streams.client.consumer import Consumer
from streams.client.producer import Producer
from streams.codegen import Program
from streams.codegen.counters import DropCounters
from streams.config import Guarantee, StreamsConfig
from streams.model import Isolation, OffsetAndMetadata, TopicPartition
from streams.on_error import ErrorContext, ErrorPolicy
from streams.ports import Observer, TaskStateOpener
from streams.runtime.activity import Activity, wait
from streams.runtime.feeding import Feeder, feeds_group
from streams.runtime.plan import TaskPlan, plan_tasks
from streams.runtime.restoring import restore
from streams.runtime.row_check import check_rows
from streams.runtime.tasks import RunningTask
from streams.runtime.topics import prepare_topics
from streams.task import Task
from streams.task.lifecycle import TaskEvent
from streams.topology.compile import CompiledTopology
from streams.topology.feed import Feed


@dataclass(slots=True, kw_only=True)
class Started:
    """What a worker runs with after its start."""

    tasks: list[RunningTask]
    feeds: list[Feeder]
    consumer: Consumer
    counts: dict[str, int]
    committed: dict[TopicPartition, OffsetAndMetadata]


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What a start needs; a value, so that a worker can start again after an abort."""

    topology: CompiledTopology
    programs: Mapping[int, Program]
    config: StreamsConfig
    client: Client
    producer: Producer
    state: TaskStateOpener
    feeds: Sequence[Feed]
    observer: Observer
    counters: DropCounters
    now: Callable[[], int]

    @property
    def isolation(self) -> Isolation:
        exactly_once = self.config.guarantee is Guarantee.EXACTLY_ONCE
        return Isolation.READ_COMMITTED if exactly_once else Isolation.READ_UNCOMMITTED

    def start(self) -> Activity[Started]:
        """Claim, look up, restore, assign."""
        admin = self.client.admin
        counts = yield from prepare_topics(
            self.topology,
            admin,
            fed_topics=[feed.topic for feed in self.feeds],
            create_with=self.config.partitions if self.config.broker is None else None,
        )
        if self.config.guarantee is Guarantee.EXACTLY_ONCE:
            yield from wait(self.producer.init_transactions())
        plans = plan_tasks(self.topology, counts)
        inputs = [topic_partition for plan in plans for topic_partition in plan.inputs]
        found = yield from wait(admin.committed(self.config.application_id, inputs, require_stable=True))
        committed = {topic_partition: entry for topic_partition, entry in found.items() if entry is not None}
        feeds = yield from self._open_feeds(counts)
        if committed or any(feed.count for feed in feeds):
            fed = ", ".join(f"{feed.count:,} items into {feed.slot.topic}" for feed in feeds)
            self.observer.event("worker.resumed", after=f"; fed so far: {fed}" if fed else "")
        tasks: list[RunningTask] = []
        stateful = sum(bool(plan.subtopology.stores) for plan in plans)
        cache_share = self.config.cache_max_bytes // max(1, stateful)
        try:
            for plan in plans:
                stores = self._open_stores(plan, cache_share)
                program = self.programs[plan.subtopology.id].bind(
                    stores,
                    counters=self.counters,
                    partition_count=lambda topic: counts[topic],
                    application_id=self.config.application_id,
                    on_handled=self._tell,
                )
                task = Task(plan.id, plan.subtopology, program, stores, plan.inputs)
                tasks.append(RunningTask(plan=plan, task=task, stores=stores))
                task.move(TaskEvent.RESTORE)
            yield from restore(
                tasks, committed, self.client, isolation=self.isolation, now=self.now, observer=self.observer
            )
            check_rows(tasks, self.topology.stores)
        except BaseException:
            for plan in plans:
                self.state.close_task(plan.id)
            raise
        for running in tasks:
            running.task.restore(committed)
            running.task.move(TaskEvent.RUN)
        consumer = self.client.consumer(isolation=self.isolation, offset_reset="earliest")
        consumer.assign(
            {
                topic_partition: committed[topic_partition].offset if topic_partition in committed else EARLIEST_OFFSET
                for topic_partition in inputs
            }
        )
        return Started(tasks=tasks, feeds=feeds, consumer=consumer, counts=counts, committed=committed)

    def _open_stores(self, plan: TaskPlan, cache_max_bytes: int) -> TaskStores:
        """The task's database; none is made for a task without stores."""
        if not plan.subtopology.stores:
            return TaskStores(MemoryBackend(()), ())
        return self.state.open_task(plan.id, plan.subtopology.stores, cache_max_bytes=cache_max_bytes)

    def _tell(self, context: ErrorContext, error: Exception, policy: ErrorPolicy) -> None:
        self.observer.event(
            "record.failed",
            operator=context.operator,
            topic=context.topic,
            partition=context.partition,
            offset=context.offset,
            attempt=context.attempt,
            error=error,
            policy=policy,
        )

    def _open_feeds(self, counts: Mapping[str, int]) -> Activity[list[Feeder]]:
        """Feeds, each from where its last commit left it."""
        if not self.feeds:
            return []
        group = feeds_group(self.config.application_id)
        slots = [TopicPartition(feed.topic, 0) for feed in self.feeds]
        committed = yield from wait(self.client.admin.committed(group, slots, require_stable=True))
        return [
            Feeder(feed, self.producer, partitions=counts[feed.topic], committed=committed.get(slot))
            for feed, slot in zip(self.feeds, slots, strict=True)
        ]
