"""Executing a commit plan for all tasks of a worker: one transaction, then one atomic batch per task.

The plan (``streams.commit``) says which steps and in which order; here is what each one does. Every step is announced
to the observer before and after, which is where tests crash the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from streams.client.admin import Admin
from streams.client.pending import Pending
from streams.client.producer import Producer
from streams.commit import Step, StepKind
from streams.config import Guarantee, StreamsConfig
from streams.model import OffsetAndMetadata, OutputColumns, TopicPartition
from streams.ports import Observer
from streams.runtime.activity import Activity, wait, wait_all
from streams.runtime.feeding import Feeder, feeds_group
from streams.runtime.tasks import RunningTask

OFFSETS_REFRESH_MS: Final = 86_400_000
"""A cluster forgets offsets that were not committed for ``offsets.retention.minutes`` (a week by default), even of a
partition that is merely idle: the application is no member whose presence keeps them. The log in the process keeps all.
"""


class Committer:
    """Commits what tasks and feeds have done since the last commit.

    Arguments:
        emit: hands a task's output columns to the producer (the worker knows the partition counts).
        now: the time of the worker's current turn.
    """

    def __init__(
        self,
        *,
        config: StreamsConfig,
        producer: Producer,
        admin: Admin,
        tasks: Sequence[RunningTask],
        feeds: Sequence[Feeder],
        emit: Callable[[Sequence[OutputColumns]], Activity[None]],
        observer: Observer,
        now: Callable[[], int],
    ) -> None:
        self._config = config
        self._producer = producer
        self._admin = admin
        self._tasks = tasks
        self._feeds = feeds
        self._emit = emit
        self._observer = observer
        self._now = now
        self._committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self._under_way: list[Pending[None]] = []
        self._last_flush_ms = now()
        self._refreshed_ms: int | None = None
        self._steps: Mapping[StepKind, Callable[[], Activity[None]]] = {
            StepKind.FLUSH_CACHES: self._flush_caches,
            StepKind.FLUSH_PRODUCER: self._flush_producer,
            StepKind.SEND_OFFSETS: self._send_offsets,
            StepKind.END_TRANSACTION: self._end_transaction,
            StepKind.COMMIT_OFFSETS: self._commit_offsets,
            StepKind.APPLY: self._apply,
        }

    def commit(self, plan: Sequence[Step]) -> Activity[None]:
        """Run the plan. Any error leaves the transaction open; the worker aborts it."""
        for step in plan:
            self._observer.event("commit.step", step=step.kind.value, at="before")
            yield from self._steps[step.kind]()
            self._observer.event("commit.step", step=step.kind.value, at="after")

    def begin(self) -> None:
        """Open the transaction that the records from here on belong to."""
        if self._config.guarantee is Guarantee.EXACTLY_ONCE:
            self._producer.begin()

    @property
    def committed(self) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """What stands committed of the tasks' inputs."""
        return self._committed

    @property
    def offsets_are_old(self) -> bool:
        """Whether all offsets are to be committed anew, for a cluster to keep them."""
        if self._config.broker is None:
            return False
        return self._refreshed_ms is None or self._now() - self._refreshed_ms >= OFFSETS_REFRESH_MS

    def note_committed(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Offsets that the last run committed: they need no commit before they change."""
        self._committed.update(offsets)

    def _flush_caches(self) -> Activity[None]:
        for running in self._tasks:
            running.task.flush()
            yield from self._emit(running.task.drain_outputs())
            for columns in running.stores.changelogs().values():
                if columns.keys:
                    batch = columns.drain()
                    self._producer.append(
                        batch.topic, running.plan.id.partition, batch.keys, batch.values, batch.timestamps
                    )
            running.stores.transaction.prepare()

    def _flush_producer(self) -> Activity[None]:
        """In a transaction flush and offsets are only begun: they share one wave of syncs, which its end waits for."""
        flushed = self._producer.flush()
        if self._config.guarantee is Guarantee.EXACTLY_ONCE:
            self._under_way.append(flushed)
        else:
            yield from wait(flushed)

    def _send_offsets(self) -> Activity[None]:
        for group, offsets in self._changed_offsets().items():
            self._under_way.append(self._producer.send_offsets(group, offsets))
            self._committed.update(offsets if group == self._config.application_id else {})
        return
        yield  # an activity, though this one never waits

    def _commit_offsets(self) -> Activity[None]:
        for group, offsets in self._changed_offsets().items():
            yield from wait(self._admin.commit_offsets(group, offsets))
            self._committed.update(offsets if group == self._config.application_id else {})

    def _end_transaction(self) -> Activity[None]:
        yield from wait(self._producer.commit())
        under_way, self._under_way = self._under_way, []
        yield from wait_all(under_way)

    def _apply(self) -> Activity[None]:
        now_ms = self._now()
        flush_all = now_ms - self._last_flush_ms >= self._config.state_flush_interval_ms
        for running in self._tasks:
            for changelog in running.changelog_next:
                acknowledged = self._producer.acknowledged(TopicPartition(changelog, running.plan.id.partition))
                if acknowledged is not None:
                    running.changelog_next[changelog] = max(running.changelog_next[changelog], acknowledged)
            for place in running.reused_inputs():
                if place in self._committed:
                    running.changelog_next[place.topic] = self._committed[place].offset
            running.stores.apply(running.changelog_next, now_ms)
            self._observer.event("commit.applied", task=str(running.plan.id))
            if flush_all or running.stores.records_since_flush >= self._config.state_flush_records:
                running.stores.flush_backend()
        if flush_all:
            self._last_flush_ms = now_ms
        for feed in self._feeds:
            feed.dirty = False
        if self.offsets_are_old:
            self._refreshed_ms = now_ms
        return
        yield  # an activity, though this one never waits

    def _changed_offsets(self) -> dict[str, dict[TopicPartition, OffsetAndMetadata]]:
        """What moved since the last commit, by group: the tasks' inputs, and the feeds' positions."""
        everything = self.offsets_are_old
        inputs = {
            topic_partition: offset
            for running in self._tasks
            for topic_partition, offset in running.task.offsets().items()
            if everything or self._committed.get(topic_partition) != offset
        }
        feeds = {feed.slot: feed.offset() for feed in self._feeds if feed.dirty or (everything and feed.count)}
        changed = {self._config.application_id: inputs, feeds_group(self._config.application_id): feeds}
        return {group: offsets for group, offsets in changed.items() if offsets}
