"""The one driver of both coordinators: decide, append, replay, release replies, write markers, arm timers.

Owns what the coordinators do to the world: internal topics' logs, transaction markers, parked replies. The decisions
are ``group``'s and ``txn``'s; nothing here reads a state table to decide for them, and nothing here knows a file.
The three sync waves of a transaction's end are told in docs/decisions/0002-sync-waves.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from broker_core.config import BrokerConfig
from broker_core.decision import Marker
from broker_core.errors import ErrorCode
from broker_core.model import ProducerEpoch, ProducerId, TopicPartition
from broker_core.ports import NullObserver, Observer


class CoordinatorLogs(Protocol):
    """The partition logs as the coordinator sees them; the broker implements it over its ``PartitionLog`` objects.

    With ``Durability.NONE`` ``synced_offset`` equals ``end_offset`` right after an append.
    """

    def has_topic(self, topic: str) -> bool:
        """Whether offsets may be committed for ``topic`` (a partition number is not checked, as in Kafka 3.5+)."""

    def append(self, topic_partition: TopicPartition, batch: bytes, now_ms: int) -> int:
        """Append one coordinator batch (``from_coordinator=True``: sequence -1); the log's new end offset.

        Raises ``BrokerError`` or ``StorageError``, with nothing left in the log.
        """

    def append_marker(self, topic_partition: TopicPartition, marker: Marker, now_ms: int) -> int:
        """Append a transaction marker and wake read_committed fetches; the log's new end offset.

        Raises ``BrokerError`` or ``StorageError``; the coordinator tries again later.
        """

    def end_offset(self, topic_partition: TopicPartition) -> int | None:
        """The log's end; ``None`` when there is no such partition (any more)."""

    def synced_offset(self, topic_partition: TopicPartition) -> int | None:
        """Everything below is on disk; ``None`` when there is no such partition (any more)."""

    def leader_epoch(self, topic_partition: TopicPartition) -> int:
        """The leader epoch of a ``__transaction_state`` partition, which markers carry as coordinator epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorReply:
    """The response body, ready to be sent."""

    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The reply waits for a sync; it comes out of ``on_synced``, ``on_failed`` or ``tick`` under this token."""

    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedReply:
    """A reply that waited and may now be sent."""

    token: int
    body: object


class Coordinator:
    """Group offsets and transactions of one broker.

    Life: construct; ``load`` every partition of both internal topics; ``recover`` once; then ``submit``. The internal
    topics exist before anything is submitted that needs them.

    Arguments:
        config: partition counts of the internal topics, transaction limits, advertised address.
        logs: the partition logs.
        allocate_producer_id: returns a producer id never returned before, durably so (a block in the catalog).
        observer: hears ``txn.*`` and ``group.*`` events.
        two_waves: append Prepare* only after the transaction's data is synced. ``False`` is WRONG and exists for one
            test, which shows that a single wave loses committed data when the power fails.
    """

    def __init__(
        self,
        config: BrokerConfig,
        logs: CoordinatorLogs,
        allocate_producer_id: Callable[[], ProducerId],
        observer: Observer | None = None,
        *,
        two_waves: bool = True,
    ) -> None:
        self._config = config
        self._logs = logs
        self._allocate_producer_id = allocate_producer_id
        self._observer = observer or NullObserver()
        self._two_waves = two_waves

    def load(self, topic_partition: TopicPartition, records: bytes) -> None:
        """Replay whole batches (markers included) of one internal partition; call in offset order, any chunking."""
        raise NotImplementedError

    def recover(
        self, open_transactions: Iterable[tuple[TopicPartition, ProducerId, ProducerEpoch]], now_ms: int
    ) -> None:
        """Finish what the last run left: markers of Prepare* transactions, aborts of orphaned open ones, timers.

        Arguments:
            open_transactions: every open transaction of every partition log (data and internal ones).
        """
        raise NotImplementedError

    def submit(self, body: object, api_version: int, now_ms: int) -> CoordinatorReply | Waiting:
        """Handle one request body.

        Takes FindCoordinator, OffsetCommit, OffsetFetch, TxnOffsetCommit, InitProducerId, AddPartitionsToTxn,
        AddOffsetsToTxn and EndTxn requests; a refusal is a reply with its error code, never an exception.
        """
        raise NotImplementedError

    def admit_produce(
        self,
        *,
        transactional_id: str,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        partitions: Sequence[TopicPartition],
        api_version: int,
        now_ms: int,
    ) -> ErrorCode:
        """Whether transactional batches may be appended (KIP-890); call before appending them.

        Below Produce 12 the partitions must have been added; from 12 on they are added here.

        Returns:
            ``NONE``, or the code for all these partitions' produce responses.
        """
        raise NotImplementedError

    def on_synced(self, now_ms: int) -> tuple[ReleasedReply, ...]:
        """Synced offsets have moved: take the next steps and return the replies that are due."""
        raise NotImplementedError

    def on_failed(self, topic_partition: TopicPartition, now_ms: int) -> tuple[ReleasedReply, ...]:
        """A log failed for good: replies that wait for it become KAFKA_STORAGE_ERROR."""
        raise NotImplementedError

    def tick(self, now_ms: int) -> tuple[ReleasedReply, ...]:
        """Abort transactions that timed out, retry markers that could not be written."""
        raise NotImplementedError

    def next_deadline(self) -> int | None:
        """When ``tick`` wants to be called next, in milliseconds; ``None`` for never."""
        raise NotImplementedError

    def topics_deleted(self, topics: Iterable[str], now_ms: int) -> None:
        """Forget the offsets committed for deleted topics (tombstones); call after the topics are gone."""
        raise NotImplementedError
