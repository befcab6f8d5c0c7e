"""What a data directory knows about its logs between runs: recovery points and start offsets, in Kafka's two files.

A recovery point is an offset below which a log was durable once. It may lag, but must never lead: opening trusts it and
refuses a log with less. Who knows what is durable, and when to write, is ``partitions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker_core.errors import StorageError
from broker_core.log.checkpoint import read_checkpoint, write_checkpoint
from broker_core.model import Offset, TopicPartition
from broker_core.ports import Filesystem, Observer

RECOVERY_POINTS_PATH: Final = "recovery-point-offset-checkpoint"
START_OFFSETS_PATH: Final = "log-start-offset-checkpoint"


class RecoveryPoints:
    """The two checkpoint files; writes only what has changed.

    Arguments:
        filesystem: the data directory.
        observer: hears of a damaged file, which only costs a scan (and brings deleted records back).
    """

    def __init__(self, filesystem: Filesystem, observer: Observer) -> None:
        self._filesystem = filesystem
        self._observer = observer
        self.recovery_points: Mapping[TopicPartition, Offset] = {}
        self.start_offsets: Mapping[TopicPartition, Offset] = {}

    def load(self) -> None:
        """Read both files. Raises OSError."""
        self.recovery_points = self._read(RECOVERY_POINTS_PATH)
        self.start_offsets = self._read(START_OFFSETS_PATH)

    def write(
        self, recovery_points: Mapping[TopicPartition, Offset], start_offsets: Mapping[TopicPartition, Offset]
    ) -> None:
        """Replace both files durably. Raises OSError: each is the old or the new one then.

        Recovery points go first: a log that starts at an offset must be durable up to there.
        """
        if recovery_points != self.recovery_points:
            write_checkpoint(self._filesystem, RECOVERY_POINTS_PATH, recovery_points)
            self.recovery_points = dict(recovery_points)
        if start_offsets != self.start_offsets:
            write_checkpoint(self._filesystem, START_OFFSETS_PATH, start_offsets)
            self.start_offsets = dict(start_offsets)

    def retain(self, keep: Mapping[TopicPartition, object]) -> None:
        """Forget all partitions but those of ``keep``: a topic of the same name begins at 0 again. Raises OSError."""
        self.write(
            {partition: offset for partition, offset in self.recovery_points.items() if partition in keep},
            {partition: offset for partition, offset in self.start_offsets.items() if partition in keep},
        )

    def _read(self, path: str) -> Mapping[TopicPartition, Offset]:
        try:
            return read_checkpoint(self._filesystem, path)
        except StorageError as error:
            self._observer.event("broker.checkpoint_damaged", path=path, reason=str(error))
            return {}
