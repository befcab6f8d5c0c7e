"""The offsets that groups have committed, and those that wait for their transaction's marker.

All of it is durable state, changed by replay only. Owns the overtaking rule; decides nothing. Groups' members are a
table of their own, ``membership``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from broker_core.decision import RecordOrigin
from broker_core.group.records import CommittedOffset, read_key, read_value
from broker_core.model import NO_PRODUCER_ID, ProducerId, TopicPartition
from broker_core.placement import offsets_partition

NO_OFFSETS: Final[Mapping[TopicPartition, CommittedOffset]] = {}


class GroupTarget(NamedTuple):
    """One partition in one group's eyes."""

    group_id: str
    target: TopicPartition


class OffsetTable:
    """Committed and pending offsets of all groups.

    Arguments:
        partition_count: partitions of ``__consumer_offsets``.
    """

    def __init__(self, partition_count: int) -> None:
        self.partition_count = partition_count
        self._committed: dict[str, dict[TopicPartition, CommittedOffset]] = {}
        self._pending: dict[tuple[int, ProducerId], dict[GroupTarget, CommittedOffset]] = {}

    def __iter__(self) -> Iterator[GroupTarget]:
        """Every target that has an offset, committed or pending; some may come twice."""
        for group_id, offsets in self._committed.items():
            for target in offsets:
                yield GroupTarget(group_id, target)
        for pending in self._pending.values():
            yield from pending

    def log_partition(self, group_id: str) -> TopicPartition:
        """Where the group's records are."""
        return offsets_partition(group_id, self.partition_count)

    @property
    def has_any(self) -> bool:
        """Whether any group has committed anything."""
        return bool(self._committed)

    def group_ids(self) -> list[str]:
        """Groups that have anything committed or pending, sorted."""
        pending = (each.group_id for offsets in self._pending.values() for each in offsets)
        return sorted({*self._committed, *pending})

    def committed(self, group_id: str) -> Mapping[TopicPartition, CommittedOffset]:
        return self._committed.get(group_id, NO_OFFSETS)

    def pending(self) -> Mapping[tuple[int, ProducerId], Mapping[GroupTarget, CommittedOffset]]:
        """Offsets of open transactions, by partition of ``__consumer_offsets`` and producer."""
        return self._pending

    def unstable(self, group_id: str) -> frozenset[TopicPartition]:
        """Targets of the group that an open transaction may yet move."""
        return frozenset(
            each.target for pending in self._pending.values() for each in pending if each.group_id == group_id
        )

    def knows(self, group_id: str) -> bool:
        """Whether the group has anything committed or pending."""
        return group_id in self._committed or bool(self.unstable(group_id))

    def replay(self, key: bytes, value: bytes | None, origin: RecordOrigin) -> None:
        """Apply one data record of ``__consumer_offsets``. Raises ``ProtocolError`` for one that cannot be read."""
        found = read_key(key)
        if found is None:
            return
        where = GroupTarget(*found)
        if value is None:
            self._forget(where)
        elif origin.producer_id != NO_PRODUCER_ID:
            transaction = self._pending.setdefault((origin.partition, origin.producer_id), {})
            transaction[where] = read_value(value, origin.offset)
        else:
            self._commit(where, read_value(value, origin.offset))

    def replay_marker(self, partition: int, producer_id: ProducerId, *, commit: bool) -> None:
        """Apply the end of a transaction, as its marker in one partition of ``__consumer_offsets`` tells it."""
        for where, pending in self._pending.pop((partition, producer_id), {}).items():
            if commit:
                self._commit(where, pending)

    def _commit(self, where: GroupTarget, committed: CommittedOffset) -> None:
        """A plain commit that came after a pending one wins over it, whenever the marker comes (KAFKA-5545)."""
        offsets = self._committed.setdefault(where.group_id, {})
        present = offsets.get(where.target)
        if present is None or present.position < committed.position:
            offsets[where.target] = committed

    def _forget(self, where: GroupTarget) -> None:
        offsets = self._committed.get(where.group_id)
        if offsets is not None and offsets.pop(where.target, None) is not None and not offsets:
            del self._committed[where.group_id]
        for transaction in [key for key, pending in self._pending.items() if where in pending]:
            pending = self._pending[transaction]
            del pending[where]
            if not pending:
                del self._pending[transaction]
