"""Leader epochs of one log: which epoch began at which offset (KIP-101). PURE.

Kept as Kafka's ``leader-epoch-checkpoint``; batches carry their epoch too, so the part above the last sealed segment
is rebuilt from them after an unclean stop.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from broker_core.model import NO_LEADER_EPOCH, NO_OFFSET, LeaderEpoch, Offset

UNBOUNDED: Offset = 2**63 - 1


class LeaderEpochs:
    """The epochs that wrote anything, in order.

    Attributes:
        changed: not yet written to disk; the owner clears it.
        stored_crc: CRC-32C of the file on disk, kept by the owner; 0 while there is none.
    """

    __slots__ = ("_epochs", "_starts", "changed", "stored_crc")

    def __init__(self, entries: Iterable[tuple[LeaderEpoch, Offset]] = ()) -> None:
        pairs = list(entries)
        self._epochs = [epoch for epoch, _ in pairs]
        self._starts = [start for _, start in pairs]
        self.changed = False
        self.stored_crc = 0

    @property
    def entries(self) -> list[tuple[LeaderEpoch, Offset]]:
        return list(zip(self._epochs, self._starts, strict=True))

    @property
    def latest(self) -> LeaderEpoch:
        """The newest epoch; -1 if nothing was ever written."""
        return self._epochs[-1] if self._epochs else NO_LEADER_EPOCH

    def assign(self, epoch: LeaderEpoch, start: Offset) -> None:
        """A batch of ``epoch`` begins at ``start``; remembered if the epoch is new."""
        if epoch > self.latest:
            if self._starts and self._starts[-1] == start:  # the former epoch wrote nothing that is still there
                self._epochs.pop()
                self._starts.pop()
            self._epochs.append(epoch)
            self._starts.append(start)
            self.changed = True

    def at(self, offset: Offset) -> tuple[LeaderEpoch, Offset]:
        """The epoch that wrote ``offset``, and the offset at which the next one begins."""
        index = bisect_right(self._starts, offset)
        stop = self._starts[index] if index < len(self._starts) else UNBOUNDED
        return (self._epochs[index - 1] if index else NO_LEADER_EPOCH), stop

    def end_offset(self, epoch: LeaderEpoch, current: LeaderEpoch, log_end: Offset) -> tuple[LeaderEpoch, Offset]:
        """Kafka's ``endOffsetFor``: the largest epoch not above ``epoch`` and where it ends; ``(-1, -1)`` if unknown.

        Arguments:
            current: the leader's epoch now, which may not have written anything yet.
        """
        if epoch == current:
            return epoch, log_end
        index = bisect_right(self._epochs, epoch)
        if epoch < 0 or epoch > current:
            return NO_LEADER_EPOCH, NO_OFFSET
        end = self._starts[index] if index < len(self._starts) else log_end
        return (self._epochs[index - 1] if index else epoch), end

    def truncate_to(self, offset: Offset) -> None:
        """Forget epochs that began at or above ``offset``."""
        while self._starts and self._starts[-1] >= offset:
            self._starts.pop()
            self._epochs.pop()
            self.changed = True

    def start_at(self, offset: Offset) -> None:
        """The first segment now begins at ``offset``: forget epochs that ended before it."""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0 and (index > 0 or self._starts[0] < offset):
            del self._starts[:index], self._epochs[:index]
            self._starts[0] = offset
            self.changed = True
