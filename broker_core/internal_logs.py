"""The partition logs as the coordinator sees them (``CoordinatorLogs``): a view of partitions and catalog."""

from __future__ import annotations

from broker_core.catalog import Catalog
from broker_core.decision import Marker
from broker_core.model import LeaderEpoch, Offset, TopicPartition
from broker_core.partitions import Partitions


class InternalLogs:
    """Implements ``coordinator.CoordinatorLogs``. The disk guard is not asked: what finishes work must be written."""

    def __init__(self, catalog: Catalog, partitions: Partitions) -> None:
        self._catalog = catalog
        self._partitions = partitions

    def has_topic(self, topic: str) -> bool:
        return topic in self._catalog.topics

    def append(self, topic_partition: TopicPartition, batch: bytes, now_ms: int) -> Offset:
        log = self._partitions.find(topic_partition)
        self._partitions.append(log, batch, now_ms, from_coordinator=True)
        return log.end_offset

    def append_marker(self, topic_partition: TopicPartition, marker: Marker, now_ms: int) -> Offset:
        log = self._partitions.find(topic_partition)
        self._partitions.append_marker(log, marker, now_ms)
        return log.end_offset

    def end_offset(self, topic_partition: TopicPartition) -> Offset | None:
        log = self._partitions.logs.get(topic_partition)
        return None if log is None else log.end_offset

    def synced_offset(self, topic_partition: TopicPartition) -> Offset | None:
        log = self._partitions.logs.get(topic_partition)
        return None if log is None else log.synced_offset

    def leader_epoch(self, topic_partition: TopicPartition) -> LeaderEpoch:
        return self._catalog.leader_epoch
