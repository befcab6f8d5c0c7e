"""The logs of both coordinators: records go in, are replayed at once, and are replayed again after a restart.

Owns the way between decisions and bytes: batches of ``__consumer_offsets`` and ``__transaction_state``, and markers.
Decides nothing and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from broker_core.decision import CoordinatorRecord, Decision, Marker, Need, RecordOrigin
from broker_core.errors import ProtocolError, StorageError
from broker_core.group.membership import MembershipTable
from broker_core.group.table import OffsetTable
from broker_core.model import (
    CONSUMER_OFFSETS_TOPIC,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    Offset,
    TopicPartition,
)
from broker_core.protocol.batch import build_batch, decode_batch, iterate_batches, read_control
from broker_core.txn.table import TransactionTable


class CoordinatorLogs(Protocol):
    """The partition logs as the coordinator sees them; the broker implements it over its ``PartitionLog`` objects.

    With ``Durability.NONE`` ``synced_offset`` equals ``end_offset`` right after an append.
    """

    def has_topic(self, topic: str) -> bool:
        """Whether offsets may be committed for ``topic`` (a partition number is not checked, as in Kafka 3.5+)."""

    def append(self, topic_partition: TopicPartition, batch: bytes, now_ms: int) -> Offset:
        """Append one coordinator batch (``from_coordinator=True``: sequence -1); the log's new end offset.

        Raises ``BrokerError`` or ``StorageError``, with nothing left in the log.
        """

    def append_marker(self, topic_partition: TopicPartition, marker: Marker, now_ms: int) -> Offset:
        """Append a transaction marker and wake read_committed fetches; the log's new end offset.

        Raises ``BrokerError`` or ``StorageError``; the coordinator tries again later.
        """

    def end_offset(self, topic_partition: TopicPartition) -> Offset | None:
        """The log's end; ``None`` when there is no such partition (any more)."""

    def synced_offset(self, topic_partition: TopicPartition) -> Offset | None:
        """Everything below is on disk; ``None`` when there is no such partition (any more)."""

    def leader_epoch(self, topic_partition: TopicPartition) -> int:
        """The leader epoch of a ``__transaction_state`` partition, which markers carry as coordinator epoch."""


class Journal:
    """Appends and replays; the tables change here and nowhere else."""

    def __init__(
        self,
        logs: CoordinatorLogs,
        transactions: TransactionTable,
        offsets: OffsetTable,
        memberships: MembershipTable,
    ) -> None:
        self._logs = logs
        self._transactions = transactions
        self._offsets = offsets
        self._memberships = memberships

    def write(self, decision: Decision, now_ms: int) -> None:
        """Append the decision's records as one batch and replay them.

        Raises ``BrokerError`` or ``StorageError``; then nothing has changed.
        """
        if not decision.records:
            return
        assert decision.partition is not None
        is_transactional = decision.producer_id != NO_PRODUCER_ID
        batch = build_batch(
            [record.key for record in decision.records],
            [record.value for record in decision.records],
            [now_ms] * len(decision.records),
            None,
            producer_id=decision.producer_id,
            producer_epoch=decision.producer_epoch,
            base_sequence=NO_SEQUENCE,
            is_transactional=is_transactional,
        )
        end = self._logs.append(decision.partition, batch, now_ms)
        first = end - len(decision.records)
        self._replay(decision.partition, decision.records, first, decision.producer_id)

    def write_marker(self, log: TopicPartition, marker: Marker, now_ms: int) -> Need:
        """End a transaction in one log; what has to be synced for that to last.

        Raises ``BrokerError`` or ``StorageError``.
        """
        end = self._logs.append_marker(log, marker, now_ms)
        if log.topic == CONSUMER_OFFSETS_TOPIC:
            self._offsets.replay_marker(log.partition, marker.producer_id, commit=marker.commit)
        return Need(log, end)

    def resolve(self, needs: Iterable[Need]) -> dict[TopicPartition, Offset]:
        """Offsets that have to be synced, the present ends put in; logs that are gone are left out."""
        resolved: dict[TopicPartition, Offset] = {}
        for log, offset in needs:
            end = self._logs.end_offset(log) if offset is None else offset
            if end is not None:
                resolved[log] = max(end, resolved.get(log, 0))
        return resolved

    def load(self, log: TopicPartition, data: bytes) -> None:
        """Replay whole batches as they stand in an internal partition.

        Raises ``StorageError``, naming partition and offset, for a record that cannot be read.
        """
        for position, header in iterate_batches(data):
            offset = header.base_offset
            try:
                if header.is_control:
                    if not header.record_count:  # compaction kept it for its producer's epoch only
                        continue
                    control = read_control(data[position : position + header.size_bytes])
                    if log.topic == CONSUMER_OFFSETS_TOPIC:
                        self._offsets.replay_marker(log.partition, header.producer_id, commit=control.commit)
                    continue
                producer_id = header.producer_id if header.is_transactional else NO_PRODUCER_ID
                base, _next, keys, values, _timestamps, _headers, offsets = decode_batch(data, position, header)
                for index, (key, value) in enumerate(zip(keys, values, strict=True)):
                    offset = base + index if offsets is None else offsets[index]
                    if key is None:
                        raise ProtocolError("record without a key")
                    self._replay(log, (CoordinatorRecord(key, value),), offset, producer_id)
            except (ProtocolError, ValueError) as error:
                raise StorageError(f"{log}: the record at offset {offset} cannot be read: {error}") from error

    def _replay(
        self, log: TopicPartition, records: Iterable[CoordinatorRecord], first: Offset, producer_id: int
    ) -> None:
        holds_groups = log.topic == CONSUMER_OFFSETS_TOPIC
        table = self._offsets if holds_groups else self._transactions
        for index, (key, value) in enumerate(records):
            if not (holds_groups and self._memberships.replay(key, value)):
                table.replay(key, value, RecordOrigin(log.partition, first + index, producer_id))
