"""Offsets of groups without members are forgotten some time after they were committed (offsets.retention.minutes).

Decides what and when; the driver carries it out.
"""

from __future__ import annotations

from typing import Final

from broker_core.config import BrokerConfig
from broker_core.decision import Decision
from broker_core.group.records import to_tombstone
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.placement import offsets_partition

MINUTE_MS: Final = 60_000
MAX_TOMBSTONES: Final = 1_000
"""Expired offsets forgotten by one batch; a batch of the broker's own must fit a segment."""


class OffsetExpiry:
    """Looks at all offsets now and then.

    Arguments:
        config: how old offsets grow, and how often to look.
        table: the offsets.

    Attributes:
        next_ms: when to look next; None while there is nothing to look at.
    """

    def __init__(self, config: BrokerConfig, table: OffsetTable) -> None:
        self._retention_ms = config.offsets_retention_minutes * MINUTE_MS
        self._interval_ms = config.offsets_retention_check_interval_ms
        self._table = table
        self.next_ms: int | None = None

    def arm(self, now_ms: int) -> None:
        """There may be offsets now: look at them after an interval."""
        if self.next_ms is None and self._retention_ms >= 0 and self._table.has_any:
            self.next_ms = now_ms + self._interval_ms

    def due(self, now_ms: int) -> tuple[Decision, ...]:
        """What to forget, if it is time to look, or the clock went back so that nobody knows."""
        if self.next_ms is None or now_ms < self.next_ms <= now_ms + self._interval_ms:
            return ()
        self.next_ms = None
        return decide_expiry(self._table, now_ms, self._retention_ms)


def decide_expiry(table: OffsetTable, now_ms: int, retention_ms: int) -> tuple[Decision, ...]:
    """Tombstones for offsets that were committed too long ago, unless an open transaction is about to move them.

    Kafka counts from the moment when a group lost its last member; a group of offsets never had one, so that each
    offset counts from its own commit (KIP-211, simple consumers).
    """
    expired: dict[TopicPartition, list[tuple[str, TopicPartition]]] = {}
    for group_id in table.group_ids():
        unstable = table.unstable(group_id)
        old = [
            (group_id, target)
            for target, committed in table.committed(group_id).items()
            if now_ms - committed.committed_ms >= retention_ms and target not in unstable
        ]
        if old:
            expired.setdefault(offsets_partition(group_id, table.partition_count), []).extend(old)
    return tuple(
        Decision(
            partition=log,
            records=tuple(to_tombstone(group_id, target) for group_id, target in found[start : start + MAX_TOMBSTONES]),
        )
        for log, found in sorted(expired.items())
        for start in range(0, len(found), MAX_TOMBSTONES)
    )
