"""All transactional ids of the broker: durable state changed by replay only, session state beside it.

Owns lookups, and the question when an id's last transaction is settled on disk. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from broker_core.decision import Need, RecordOrigin, RetryEpoch
from broker_core.model import Offset, ProducerEpoch, TopicPartition
from broker_core.placement import transactions_partition
from broker_core.txn.records import read_key, read_value
from broker_core.txn.states import TransactionState
from broker_core.txn.transaction import Transaction


class TransactionTable:
    """Transactions by transactional id.

    Arguments:
        partition_count: partitions of ``__transaction_state``.
    """

    def __init__(self, partition_count: int) -> None:
        self._partition_count = partition_count
        self._transactions: dict[str, Transaction] = {}
        self._settled: dict[str, Offset] = {}
        self._ongoing: dict[str, None] = {}
        # Session state: not in the log, gone after a restart.
        self._ending: set[str] = set()
        self._retry_epochs: dict[str, ProducerEpoch] = {}

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._transactions.values())

    def get(self, transactional_id: str) -> Transaction | None:
        return self._transactions.get(transactional_id)

    def log_partition(self, transactional_id: str) -> TopicPartition:
        return transactions_partition(transactional_id, self._partition_count)

    def settled(self, transactional_id: str) -> Need:
        """The end of the last record that is not of an open transaction.

        A new transaction's data may be written only once this is on disk: should the power fail while Complete* of
        the last transaction is lost, its markers would be written again, into the middle of the new one.
        """
        return Need(self.log_partition(transactional_id), self._settled.get(transactional_id, 0))

    def replay(self, key: bytes, value: bytes | None, origin: RecordOrigin) -> None:
        """Apply one record of ``__transaction_state``. Raises ``ProtocolError`` for one that cannot be read."""
        transactional_id = read_key(key)
        self._ongoing.pop(transactional_id, None)
        if value is None:
            self._transactions.pop(transactional_id, None)
            self._retry_epochs.pop(transactional_id, None)
            self._settled[transactional_id] = origin.offset + 1
            return
        transaction = read_value(transactional_id, value)
        before = self._transactions.get(transactional_id)
        if before is not None and before.producer_epoch != transaction.producer_epoch:
            self._retry_epochs.pop(transactional_id, None)
        self._transactions[transactional_id] = transaction
        if transaction.state is TransactionState.ONGOING:
            self._ongoing[transactional_id] = None
        else:
            self._settled[transactional_id] = origin.offset + 1
            self._ending.discard(transactional_id)

    def ongoing(self) -> tuple[Transaction, ...]:
        """Open transactions that nobody is ending."""
        return tuple(self._transactions[name] for name in self._ongoing if name not in self._ending)

    @property
    def has_any(self) -> bool:
        return bool(self._transactions)

    @property
    def has_ongoing(self) -> bool:
        return bool(self._ongoing)

    def hold(self, transactional_id: str) -> None:
        """The transaction is being ended: it waits for its data's sync, and everything else about it waits too."""
        self._ending.add(transactional_id)

    def release(self, transactional_id: str) -> None:
        """The end could not be prepared after all."""
        self._ending.discard(transactional_id)

    def is_ending(self, transactional_id: str) -> bool:
        return transactional_id in self._ending

    def retry_epoch(self, transactional_id: str) -> ProducerEpoch | None:
        """The epoch that the owner named when it was given its present one; it may ask again with it."""
        return self._retry_epochs.get(transactional_id)

    def remember(self, retry: RetryEpoch) -> None:
        """Keep the epoch until the id's epoch changes again."""
        self._retry_epochs[retry.transactional_id] = retry.epoch
