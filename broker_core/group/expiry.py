"""Offsets that nobody uses are forgotten after some time (offsets.retention.minutes), and then their groups.

Decides what and when; the driver carries it out.
"""

from __future__ import annotations

from typing import Final

from broker_core.config import BrokerConfig
from broker_core.decision import CoordinatorRecord, Decision
from broker_core.group.groups import Groups
from broker_core.group.membership import to_group_tombstone
from broker_core.group.records import CommittedOffset, to_tombstone
from broker_core.group.session import ClassicGroup
from broker_core.group.states import GroupState
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
        groups: who may still use them.

    Attributes:
        next_ms: when to look next; None while there is nothing to look at.
    """

    def __init__(self, config: BrokerConfig, table: OffsetTable, groups: Groups) -> None:
        self._retention_ms = config.offsets_retention_minutes * MINUTE_MS
        self._interval_ms = config.offsets_retention_check_interval_ms
        self._table = table
        self._groups = groups
        self.next_ms: int | None = None

    def arm(self, now_ms: int) -> None:
        """There may be offsets now: look at them after an interval."""
        if self.next_ms is None and self._retention_ms >= 0 and (self._table.has_any or self._groups.memberships):
            self.next_ms = now_ms + self._interval_ms

    def due(self, now_ms: int) -> tuple[Decision, ...]:
        """What to forget, if it is time to look, or the clock went back so that nobody knows."""
        if self.next_ms is None or now_ms < self.next_ms <= now_ms + self._interval_ms:
            return ()
        self.next_ms = None
        return decide_expiry(self._table, self._groups, now_ms, self._retention_ms)


def decide_expiry(table: OffsetTable, groups: Groups, now_ms: int, retention_ms: int) -> tuple[Decision, ...]:
    """Tombstones for offsets that are too old, unless an open transaction is about to move them; and for groups that
    are left with nothing.
    """
    expired: dict[TopicPartition, list[CoordinatorRecord]] = {}
    stored = (group_id for group_id, _ in groups.memberships)
    for group_id in sorted({*table.group_ids(), *stored}):
        group = groups.find(group_id)
        unstable = table.unstable(group_id)
        committed = table.committed(group_id)
        old = [
            target
            for target, offset in committed.items()
            if target not in unstable and _is_expired(group, target, offset, now_ms - retention_ms)
        ]
        records = [to_tombstone(group_id, target) for target in old]
        if group is not None and group.is_idle and len(old) == len(committed) and not unstable:
            records.append(to_group_tombstone(group_id))
        if records:
            expired.setdefault(offsets_partition(group_id, table.partition_count), []).extend(records)
    return tuple(
        Decision(partition=log, records=tuple(found[start : start + MAX_TOMBSTONES]))
        for log, found in sorted(expired.items())
        for start in range(0, len(found), MAX_TOMBSTONES)
    )


def _is_expired(group: ClassicGroup | None, target: TopicPartition, offset: CommittedOffset, before_ms: int) -> bool:
    """Whether nobody has used the offset since ``before_ms`` (KIP-211).

    A group that never had members: since it was committed. An empty one: since it lost its members, too. A stable group
    of consumers: since it was committed, if they no longer subscribe to the topic. Others keep theirs.
    """
    if offset.committed_ms > before_ms:
        return False
    if group is None:
        return True
    if group.state is GroupState.EMPTY:
        return group.state_ms <= before_ms
    subscribed = group.subscribed_topics()
    return group.state is GroupState.STABLE and subscribed is not None and target.topic not in subscribed
