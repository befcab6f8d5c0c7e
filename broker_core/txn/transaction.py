"""The durable state of one transactional id, as a value.

Owns the arithmetic of producer epochs. Who may change the state, and to what, is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from broker_core.config import MAX_PRODUCER_EPOCH
from broker_core.model import NO_PRODUCER_ID, NO_TIMESTAMP, ProducerEpoch, ProducerId, TimestampMs, TopicPartition
from broker_core.txn.states import NEXT_STATES, TransactionState

LAST_CLIENT_EPOCH: Final = MAX_PRODUCER_EPOCH - 1
"""The last epoch a client may hold; the one above it is kept for fencing that client."""

EPOCH_BUMPING_CLIENT: Final = 2
"""``transaction.version`` of a client whose epoch is bumped by every transaction's end (KIP-890 part 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What ``__transaction_state`` says about a transactional id.

    Attributes:
        producer_id, producer_epoch: of the current owner. In Prepare* they are those the markers carry.
        previous_producer_id: the one before, once epochs of it were used up.
        next_producer_id: in Prepare* of an epoch-bumping client, the one that takes over because epochs ran out.
        timeout_ms: after which an open transaction is aborted.
        partitions: that take part; empty unless Ongoing or Prepare*.
        started_ms: when the first partition was added.
        client_version: 0, or ``EPOCH_BUMPING_CLIENT``.
    """

    transactional_id: str
    producer_id: ProducerId
    producer_epoch: ProducerEpoch
    previous_producer_id: ProducerId = NO_PRODUCER_ID
    next_producer_id: ProducerId = NO_PRODUCER_ID
    timeout_ms: int
    state: TransactionState = TransactionState.EMPTY
    partitions: frozenset[TopicPartition] = frozenset()
    started_ms: TimestampMs = NO_TIMESTAMP
    updated_ms: TimestampMs = NO_TIMESTAMP
    client_version: int = 0

    @property
    def is_epoch_exhausted(self) -> bool:
        """Whether the next owner needs a new producer id."""
        return self.producer_epoch >= LAST_CLIENT_EPOCH

    @property
    def fencing_epoch(self) -> ProducerEpoch:
        """The epoch that shuts out the present owner; 32767 at most, which no client ever holds."""
        return min(self.producer_epoch + 1, MAX_PRODUCER_EPOCH)

    def moved(self, state: TransactionState, now_ms: int, **changes: Any) -> Transaction:
        """The transaction after a legal step to ``state``."""
        assert state in NEXT_STATES[self.state], f"{self.transactional_id}: {self.state.name} to {state.name}"
        return replace(self, state=state, updated_ms=now_ms, **changes)
