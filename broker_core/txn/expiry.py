"""Transactional ids that nobody used for long are forgotten (transactional.id.expiration.ms).

Decides what and when; the driver carries it out. An id with a transaction that is open or ending never expires. A
producer that comes back with its old producer id is told INVALID_PRODUCER_ID_MAPPING, and begins anew.
"""

from __future__ import annotations

from typing import Final

from broker_core.config import BrokerConfig
from broker_core.decision import CoordinatorRecord, Decision
from broker_core.model import TopicPartition
from broker_core.txn.records import to_tombstone
from broker_core.txn.table import TransactionTable

MAX_TOMBSTONES: Final = 1_000
"""Ids forgotten by one batch; a batch of the broker's own must fit a segment."""


class TransactionalIdExpiry:
    """Looks at all ids now and then.

    Arguments:
        config: how long an id may stay unused, and how often to look.
        table: the ids.

    Attributes:
        next_ms: when to look next; None while there is nothing to look at.
    """

    def __init__(self, config: BrokerConfig, table: TransactionTable) -> None:
        self._expiration_ms = config.transactional_id_expiration_ms
        self._interval_ms = config.transactional_id_check_interval_ms
        self._table = table
        self.next_ms: int | None = None

    def arm(self, now_ms: int) -> None:
        """There may be ids now: look at them after an interval."""
        if self.next_ms is None and self._expiration_ms >= 0 and self._table.has_any:
            self.next_ms = now_ms + self._interval_ms

    def due(self, now_ms: int) -> tuple[Decision, ...]:
        """What to forget, if it is time to look, or the clock went back so that nobody knows."""
        if self.next_ms is None or now_ms < self.next_ms <= now_ms + self._interval_ms:
            return ()
        self.next_ms = None
        return decide_expiry(self._table, now_ms, self._expiration_ms)


def decide_expiry(table: TransactionTable, now_ms: int, expiration_ms: int) -> tuple[Decision, ...]:
    """Tombstones for the ids that were not used for ``expiration_ms``."""
    expired: dict[TopicPartition, list[CoordinatorRecord]] = {}
    for transaction in table:
        name = transaction.transactional_id
        is_idle = transaction.state.is_settled and not table.is_ending(name)
        if is_idle and now_ms - transaction.updated_ms >= expiration_ms:
            expired.setdefault(table.log_partition(name), []).append(to_tombstone(name))
    return tuple(
        Decision(partition=log, records=tuple(found[start : start + MAX_TOMBSTONES]))
        for log, found in sorted(expired.items())
        for start in range(0, len(found), MAX_TOMBSTONES)
    )
