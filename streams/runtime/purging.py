"""Giving up what repartition topics hold once it is committed, as Kafka Streams does: they are queues, not archives.

It decides when and up to where, and waits for nothing. Deleting is the broker's; which offsets are committed, the
committer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from streams.client.admin import Admin
from streams.client.pending import Pending
from streams.model import OffsetAndMetadata, TopicPartition
from streams.ports import Observer

PURGE_INTERVAL_MS: Final = 30_000
"""Kafka Streams' repartition.purge.interval.ms."""


class Purger:
    """Deletes records below committed offsets, at most once in ``PURGE_INTERVAL_MS``.

    Arguments:
        topics: the application's repartition topics; nobody else reads them.
        observer: hears of a purge that failed; the next one makes up for it.
        now_ms: the first purge comes one interval later.
    """

    def __init__(self, admin: Admin, topics: Iterable[str], observer: Observer, now_ms: int) -> None:
        self._admin = admin
        self._topics = frozenset(topics)
        self._observer = observer
        self._due_ms = now_ms + PURGE_INTERVAL_MS
        self._purged: dict[TopicPartition, int] = {}
        self._under_way: Pending[dict[TopicPartition, int]] | None = None

    def committed(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], now_ms: int) -> None:
        """A commit is through; ``offsets`` are all that stand committed now."""
        if not self._topics or now_ms < self._due_ms or not self._is_free():
            return
        self._due_ms = now_ms + PURGE_INTERVAL_MS
        wanted = {
            topic_partition: entry.offset
            for topic_partition, entry in sorted(offsets.items())
            if topic_partition.topic in self._topics and entry.offset > self._purged.get(topic_partition, 0)
        }
        if wanted:
            self._under_way = self._admin.delete_records(wanted)

    def _is_free(self) -> bool:
        """The last purge is over; what it achieved is noted."""
        pending = self._under_way
        if pending is None:
            return True
        if not pending.done:
            return False
        self._under_way = None
        if pending.error is not None:
            self._observer.event("repartition.purge_failed", reason=str(pending.error))
        else:
            self._purged.update(pending.result())
        return True
