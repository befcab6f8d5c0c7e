"""Bringing local state up to the last commit before a task runs, by the rules of architecture.md, section 4.6.

The order is the point and is kept by ``runtime.starting``: transactions are fenced and committed offsets read before
this begins. Here the changelogs' ends are listed read_uncommitted (an ended transaction may still lack its markers;
the last stable offset alone would lose the last commit) and replayed read_committed until the position is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from state.model import StoreSpec
from state.restore import DELETE_RETENTION_MS, Restore, restore_plan
from state.task_stores import TaskStores
from streams.client.admin import Admin
from streams.client.client import Client
from streams.client.consumer import Consumer
from streams.model import ColumnBatch, Isolation, Offset, OffsetAndMetadata, TopicPartition
from streams.ports import Observer
from streams.runtime.activity import Activity, wait, wait_all
from streams.runtime.tasks import RunningTask

JOINED_RECORDS: Final = 5_000
"""Rows written at once where a changelog has small batches: 1.1 us CPU per row, not 1.5 as with 100 at a time."""


@dataclass(slots=True, kw_only=True)
class RestoringStore:
    """One store that is being replayed."""

    task: RunningTask
    stores: TaskStores
    name: str
    changelog: TopicPartition
    """Or the partition of the input that stands in for it."""
    plan: Restore
    spec: StoreSpec
    records: int = 0


def restore(
    tasks: Iterable[RunningTask],
    committed: Mapping[TopicPartition, OffsetAndMetadata],
    client: Client,
    *,
    isolation: Isolation,
    now: Callable[[], int],
    observer: Observer,
) -> Activity[None]:
    """Replay what each store lacks. Afterwards ``task.changelog_next`` has every changelog's position.

    A table without a changelog is replayed from its input, up to the committed offset and no further: the records
    behind it are input still to be processed.

    A wiped or rebuilt store is announced as ``restore.started`` with its reason; every batch as ``restore.batch``.
    """
    waiting = yield from _plan(tasks, committed, client.admin, now)
    for store in waiting:
        observer.event(
            "restore.started", store=store.name, task=str(store.task.plan.id), reason=store.plan.reason,
            from_offset=store.plan.from_offset, to_offset=store.plan.to_offset, wipe=store.plan.wipe,
        )  # fmt: skip
        if store.plan.wipe:
            store.stores.wipe(store.name)
    consumer = client.consumer(isolation=isolation)
    try:
        yield from _replay({store.changelog: store for store in waiting}, consumer, now, observer)
    finally:
        client.release(consumer)
    for store in waiting:
        store.task.changelog_next[store.changelog.topic] = store.plan.to_offset
        observer.event("restore.done", store=store.name, task=str(store.task.plan.id), records=store.records)


def _plan(
    tasks: Iterable[RunningTask],
    committed: Mapping[TopicPartition, OffsetAndMetadata],
    admin: Admin,
    now: Callable[[], int],
) -> Activity[list[RestoringStore]]:
    """Which stores need a replay. The others' positions are noted at once."""
    logged = [
        (task, spec, TopicPartition(spec.restored_from, task.plan.id.partition))
        for task in tasks
        for spec in task.plan.subtopology.stores
        if spec.restored_from is not None
    ]
    logged = [
        (task, spec, place) for task, spec, place in logged if spec.source_topic is None or place in task.plan.inputs
    ]
    if not logged:
        return []
    places = [place for _, _, place in logged]
    ends, starts = yield from wait_all(
        [
            admin.list_offsets(dict.fromkeys(places, LATEST_OFFSET), Isolation.READ_UNCOMMITTED),
            admin.list_offsets(dict.fromkeys(places, EARLIEST_OFFSET), Isolation.READ_UNCOMMITTED),
        ]
    )
    kept_ms = yield from _deletions_kept_ms(admin, [spec.source_topic for _, spec, _ in logged if spec.source_topic])
    waiting = []
    for task, spec, place in logged:
        stored, start, end = task.stores.position(place.topic), starts[place] or 0, ends[place] or 0
        if spec.source_topic is not None:
            end = committed[place].offset if place in committed else start
        plan = restore_plan(
            stored, start, end, now_ms=now(), delete_retention_ms=kept_ms.get(place.topic, DELETE_RETENTION_MS)
        )
        if stored is None and spec.source_topic is not None and task.stores.has_rows(spec.name):
            plan = replace(plan, wipe=True, reason="it had a changelog before")
        task.changelog_next[place.topic] = plan.to_offset
        if plan.is_needed:
            waiting.append(
                RestoringStore(task=task, stores=task.stores, name=spec.name, changelog=place, plan=plan, spec=spec)
            )
    return waiting


def _deletions_kept_ms(admin: Admin, topics: Sequence[str]) -> Activity[dict[str, int]]:
    """``delete.retention.ms`` of input topics, which are the user's to set."""
    found = yield from wait(admin.describe_configs(list(dict.fromkeys(topics))))
    return {topic: int(configs.get("delete.retention.ms") or DELETE_RETENTION_MS) for topic, configs in found.items()}


def _replay(
    waiting: dict[TopicPartition, RestoringStore], consumer: Consumer, now: Callable[[], int], observer: Observer
) -> Activity[None]:
    """Read until every position is at its end; one consumer for all of them."""
    remaining = {
        changelog: store for changelog, store in waiting.items() if store.plan.from_offset < store.plan.to_offset
    }
    consumer.assign({changelog: store.plan.from_offset for changelog, store in remaining.items()})
    while remaining:
        batches = consumer.poll_batches()
        inputs = {place: store.plan.to_offset for place, store in remaining.items() if store.spec.source_topic}
        for batch in joined(_cut(batches, inputs)):
            store = remaining[batch.topic_partition]
            store.records += store.stores.restore_batch(store.name, batch, batch.next_offset, now())
            observer.event(
                "restore.batch", store=store.name, position=batch.next_offset, to_offset=store.plan.to_offset
            )
        done = [
            changelog for changelog, store in remaining.items() if consumer.position(changelog) >= store.plan.to_offset
        ]
        for changelog in done:
            del remaining[changelog]
        if done:
            consumer.assign({changelog: consumer.position(changelog) for changelog in remaining})
        elif not batches:
            yield None


def _cut(batches: Iterable[ColumnBatch], ends: Mapping[TopicPartition, Offset]) -> Iterator[ColumnBatch]:
    for batch in batches:
        if batch.topic_partition in ends:
            yield processed_part(batch, ends[batch.topic_partition])
        else:
            yield batch


def processed_part(batch: ColumnBatch, end: Offset) -> ColumnBatch:
    """What a table has taken of its input's batch: records before the committed offset ``end``, but for those with a
    negative timestamp, which a source drops."""
    offsets = batch.offsets or range(batch.base_offset, batch.base_offset + len(batch.keys))
    taken = [index for index, offset in enumerate(offsets) if offset < end and batch.timestamps[index] >= 0]
    return batch._replace(
        next_offset=min(batch.next_offset, end),
        keys=[batch.keys[index] for index in taken],
        values=[batch.values[index] for index in taken],
        timestamps=[batch.timestamps[index] for index in taken],
        headers=None,
        offsets=None,
    )


def joined(batches: Iterable[ColumnBatch]) -> Iterator[ColumnBatch]:
    """Batches that follow each other in one partition as larger ones: a commit leaves one of its own for each store.

    Only keys, values, timestamps and the offset after all of them mean anything in what is returned.
    """
    last: ColumnBatch | None = None
    for batch in batches:
        if last is not None and last.topic_partition == batch.topic_partition and len(last.keys) < JOINED_RECORDS:
            last.keys.extend(batch.keys)
            last.values.extend(batch.values)
            last.timestamps.extend(batch.timestamps)
            last = last._replace(next_offset=batch.next_offset, headers=None, offsets=None)
        else:
            if last is not None:
                yield last
            last = batch
    if last is not None:
        yield last
