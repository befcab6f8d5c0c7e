"""What a log knows of its producers: epochs, the last five batches, open transactions. PURE.

``check`` decides and changes nothing, ``record`` follows what is in the log and refuses nothing: a batch is checked,
written, and only then recorded, and recovery records without checking. Rules: KIP-98, KIP-360, and Kafka's
``ProducerAppendInfo``. Bytes of snapshots are ``producer_snapshot``'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from broker_core.config import PRODUCER_WINDOW_BATCHES
from broker_core.errors import BrokerError, ErrorCode
from broker_core.log.aborted import IndexedAbort
from broker_core.model import (
    NO_OFFSET,
    NO_PRODUCER_EPOCH,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    Offset,
    ProducerEpoch,
    ProducerId,
    Sequence,
    TimestampMs,
)
from broker_core.protocol.batch import BatchHeader

MAX_SEQUENCE: Final = 2**31 - 1
NO_COORDINATOR_EPOCH: Final = -1


def sequence_after(sequence: Sequence, count: int) -> Sequence:
    """``count`` records further; after 2^31 - 1 comes 0."""
    return (sequence + count) & MAX_SEQUENCE


class AppendedBatch(NamedTuple):
    """One batch of a producer's window."""

    first_sequence: Sequence
    last_sequence: Sequence
    first_offset: Offset
    last_offset: Offset
    timestamp: TimestampMs


@dataclass(slots=True, kw_only=True)
class ProducerEntry:
    """One producer id. ``batches`` are the newest of its epoch, at most five, oldest first."""

    producer_id: ProducerId
    epoch: ProducerEpoch = NO_PRODUCER_EPOCH
    coordinator_epoch: int = NO_COORDINATOR_EPOCH
    last_timestamp: TimestampMs = NO_TIMESTAMP
    batches: tuple[AppendedBatch, ...] = ()
    transaction_first_offset: Offset = NO_OFFSET


class OpenTransaction(NamedTuple):
    """A transaction without its marker."""

    producer_id: ProducerId
    producer_epoch: ProducerEpoch
    first_offset: Offset


class ProducerStates:
    """All producers of one log, as of its end."""

    __slots__ = ("_entries", "_unstable")

    def __init__(self, entries: Iterable[ProducerEntry] = ()) -> None:
        self._entries = {entry.producer_id: entry for entry in entries}
        self._unstable: dict[Offset, Offset] = {}
        """First offset of every transaction that may hold back the last stable offset, ascending, to the offset of its
        marker (-1 while it has none)."""
        open_entries = [entry for entry in self._entries.values() if entry.transaction_first_offset >= 0]
        for first in sorted(entry.transaction_first_offset for entry in open_entries):
            self._unstable[first] = NO_OFFSET

    # -- decide

    def check(self, header: BatchHeader, *, from_coordinator: bool = False) -> AppendedBatch | None:
        """May this data batch be appended?

        Arguments:
            from_coordinator: sequences are the coordinators' own business; only the epoch is checked.

        Returns:
            None: yes. A batch: it is already in the log, there.

        Raises:
            BrokerError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_TXN_STATE.
        """
        entry = self._entries.get(header.producer_id)
        if entry is None:  # unknown or aged out: any sequence may start
            return None
        epoch, first = header.producer_epoch, header.base_sequence
        if not from_coordinator and epoch == entry.epoch:
            last = sequence_after(first, header.last_offset_delta)
            for batch in entry.batches:
                if batch.first_sequence == first and batch.last_sequence == last:
                    return batch
        if epoch < entry.epoch:
            raise BrokerError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"producer {entry.producer_id} has epoch {entry.epoch}; a newer instance fenced epoch {epoch}",
            )
        if not from_coordinator:
            _check_sequence(entry, epoch, first)
        if entry.transaction_first_offset >= 0 and not header.is_transactional:
            raise BrokerError(
                ErrorCode.INVALID_TXN_STATE,
                f"producer {entry.producer_id} wrote outside of its transaction that is open since offset "
                f"{entry.transaction_first_offset}",
            )
        return None

    def check_marker(self, producer_id: ProducerId, epoch: ProducerEpoch, coordinator_epoch: int) -> None:
        """May this transaction marker be appended? (A marker may raise the epoch: that is how a timeout fences.)

        Raises:
            BrokerError: INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED.
        """
        entry = self._entries.get(producer_id)
        if entry is None:
            return
        if epoch < entry.epoch:
            raise BrokerError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"marker of producer {producer_id} has epoch {epoch}, its data {entry.epoch}",
            )
        if coordinator_epoch < entry.coordinator_epoch:
            raise BrokerError(
                ErrorCode.TRANSACTION_COORDINATOR_FENCED,
                f"marker of producer {producer_id} from coordinator epoch {coordinator_epoch}, "
                f"last seen {entry.coordinator_epoch}",
            )

    # -- follow the log

    def record(self, header: BatchHeader, base_offset: Offset) -> None:
        """A data batch of a producer is in the log at ``base_offset``."""
        entry = self._entry(header.producer_id, header.producer_epoch)
        delta = header.last_offset_delta
        first = header.base_sequence
        last = sequence_after(first, delta) if first >= 0 else NO_SEQUENCE
        batch = AppendedBatch(first, last, base_offset, base_offset + delta, header.max_timestamp)
        entry.batches = (*entry.batches[1 - PRODUCER_WINDOW_BATCHES :], batch)
        entry.last_timestamp = header.max_timestamp
        if header.is_transactional and entry.transaction_first_offset < 0:
            entry.transaction_first_offset = base_offset
            self._unstable[base_offset] = NO_OFFSET

    def record_marker(
        self, header: BatchHeader, offset: Offset, *, commit: bool, coordinator_epoch: int
    ) -> IndexedAbort | None:
        """A marker is in the log at ``offset``; returns the index entry if it aborted any data."""
        entry = self._entry(header.producer_id, header.producer_epoch)
        entry.coordinator_epoch = coordinator_epoch
        entry.last_timestamp = header.max_timestamp
        first = entry.transaction_first_offset
        if first < 0:
            return None
        entry.transaction_first_offset = NO_OFFSET
        self._unstable[first] = offset
        if commit:
            return None
        others = (begin for begin, marker in self._unstable.items() if marker < 0)
        return IndexedAbort(entry.producer_id, first, offset, next(others, offset + 1))

    def record_epoch(self, header: BatchHeader) -> None:
        """A marker's batch without its marker: compaction keeps it while it alone tells its producer's epoch."""
        self._entry(header.producer_id, header.producer_epoch).last_timestamp = header.max_timestamp

    def expire(self, now_ms: TimestampMs, expiration_ms: int) -> None:
        """Forget producers that wrote nothing for ``expiration_ms`` and have no open transaction."""
        expired = [
            entry.producer_id
            for entry in self._entries.values()
            if entry.transaction_first_offset < 0 and now_ms - entry.last_timestamp > expiration_ms
        ]
        for producer_id in expired:
            del self._entries[producer_id]

    # -- look

    def stable_offset(self, high_watermark: Offset) -> Offset:
        """The last stable offset: the first offset of the oldest transaction whose marker is not below
        ``high_watermark`` (which only ever grows), or ``high_watermark``."""
        while self._unstable:
            first, marker = next(iter(self._unstable.items()))
            if marker < 0 or marker >= high_watermark:
                return min(first, high_watermark)
            del self._unstable[first]
        return high_watermark

    def open_transactions(self) -> tuple[OpenTransaction, ...]:
        """Transactions without a marker, oldest first."""
        found = [
            OpenTransaction(entry.producer_id, entry.epoch, entry.transaction_first_offset)
            for entry in self._entries.values()
            if entry.transaction_first_offset >= 0
        ]
        return tuple(sorted(found, key=lambda transaction: transaction.first_offset))

    def entries(self) -> tuple[ProducerEntry, ...]:
        """All producers, by id. Do not change them."""
        return tuple(self._entries[producer_id] for producer_id in sorted(self._entries))

    def _entry(self, producer_id: ProducerId, epoch: ProducerEpoch) -> ProducerEntry:
        entry = self._entries.get(producer_id)
        if entry is None:
            entry = self._entries[producer_id] = ProducerEntry(producer_id=producer_id, epoch=epoch)
        elif entry.epoch != epoch:
            entry.epoch = epoch
            entry.batches = ()
        return entry


def _check_sequence(entry: ProducerEntry, epoch: ProducerEpoch, first: Sequence) -> None:
    if epoch != entry.epoch:
        expected = 0
        if entry.epoch == NO_PRODUCER_EPOCH:
            return
    else:
        expected = sequence_after(entry.batches[-1].last_sequence, 1) if entry.batches else 0
    if first != expected:
        raise BrokerError(
            ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
            f"producer {entry.producer_id} epoch {epoch} sent sequence {first}, expected {expected}",
        )
