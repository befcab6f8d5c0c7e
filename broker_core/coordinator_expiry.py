"""What the coordinators forget by time: offsets and transactional ids; the inside of ``coordinator``.

Decides nothing: ``group.expiry`` and ``txn.expiry`` do.
"""

from __future__ import annotations

from collections.abc import Iterator

from broker_core.config import BrokerConfig
from broker_core.decision import Decision
from broker_core.group.expiry import OffsetExpiry
from broker_core.group.groups import Groups
from broker_core.group.table import OffsetTable
from broker_core.ports import Observer
from broker_core.txn.expiry import TransactionalIdExpiry
from broker_core.txn.table import TransactionTable


class Expiry:
    """Both expiries; ``observer`` hears what is forgotten."""

    def __init__(
        self,
        config: BrokerConfig,
        offsets: OffsetTable,
        transactions: TransactionTable,
        groups: Groups,
        observer: Observer,
    ) -> None:
        self._offsets = OffsetExpiry(config, offsets, groups)
        self._ids = TransactionalIdExpiry(config, transactions)
        self._observer = observer

    def arm(self, now_ms: int) -> None:
        """There may be something now."""
        self._offsets.arm(now_ms)
        self._ids.arm(now_ms)

    def due(self, now_ms: int) -> Iterator[Decision]:
        """Tombstones for what expired, where it is time to look."""
        for decision in self._offsets.due(now_ms):
            self._observer.event("offsets.expired", partition=decision.partition, offsets=len(decision.records))
            yield decision
        for decision in self._ids.due(now_ms):
            self._observer.event("txn.ids_expired", partition=decision.partition, ids=len(decision.records))
            yield decision

    @property
    def next_ms(self) -> int | None:
        """When to look next; None while there is nothing to look at."""
        return min(filter(None, (self._offsets.next_ms, self._ids.next_ms)), default=None)
