"""When what was appended is to be synced: before it counts, after an interval, or whenever. PURE.

The broker's durability is the rule, and a topic's ``flush.messages`` and ``flush.ms`` may ask for more. What a sync is,
and who waits for it, is ``partitions``' and the shell's.
"""

from __future__ import annotations

from broker_core.config import LONG_MAX, Durability, LogConfig
from broker_core.model import TopicPartition


class SyncSchedule:
    """The partitions with appends that count already and are not synced yet.

    Arguments:
        durability: the rule.
        interval_ms: for ``Durability.INTERVAL``.

    Attributes:
        next_ms: when ``due`` has something, ``LONG_MAX`` for never.
    """

    def __init__(self, durability: Durability, interval_ms: int) -> None:
        self._waits = durability is Durability.SYNCED
        self._after_ms = interval_ms if durability is Durability.INTERVAL else LONG_MAX
        self._due_ms: dict[TopicPartition, int] = {}
        self.next_ms = LONG_MAX

    @property
    def syncs_everything(self) -> bool:
        """Whether every append is synced before it counts."""
        return self._waits

    def waits(self, config: LogConfig) -> bool:
        """Whether appends to a log with these settings count only once they are synced."""
        return self._waits or config.flush_messages == 1

    def appended(self, partition: TopicPartition, unsynced: int, config: LogConfig, now_ms: int) -> bool:
        """Records that count already were appended.

        Arguments:
            unsynced: how many records of the log are not synced.

        Returns:
            whether there are so many that they are to be synced now.
        """
        if unsynced >= config.flush_messages:
            return True
        after_ms = min(self._after_ms, config.flush_ms)
        if after_ms < LONG_MAX and partition not in self._due_ms:
            due_ms = self._due_ms[partition] = now_ms + after_ms
            self.next_ms = min(self.next_ms, due_ms)
        return False

    def taken(self, partition: TopicPartition) -> None:
        """The log is being synced, or gone: its time begins with the next append."""
        self._due_ms.pop(partition, None)

    def due(self, now_ms: int) -> list[TopicPartition]:
        """Partitions that have waited long enough; each is told once."""
        if now_ms < self.next_ms:
            return []
        found = [partition for partition, due_ms in self._due_ms.items() if due_ms <= now_ms]
        for partition in found:
            del self._due_ms[partition]
        self.next_ms = min(self._due_ms.values(), default=LONG_MAX)
        return found
