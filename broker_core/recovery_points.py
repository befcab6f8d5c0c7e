"""What a data directory knows about its logs between runs: recovery points, start offsets, and how far compaction came.

Kafka's three files. A recovery point is an offset below which a log was durable once. It may lag, but must never lead:
opening trusts it and refuses a log with less. Who knows what is durable, and when to write, is ``partitions``.
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
CLEANED_OFFSETS_PATH: Final = "cleaner-offset-checkpoint"
"""Keys below these offsets have displaced older records; a lower one, or none, costs a pass that changes nothing."""


class RecoveryPoints:
    """The checkpoint files; writes only those that have changed.

    Arguments:
        filesystem: the data directory.
        observer: hears of a damaged file, which only costs a scan or a pass (and brings deleted records back).
    """

    def __init__(self, filesystem: Filesystem, observer: Observer) -> None:
        self._filesystem = filesystem
        self._observer = observer
        self.recovery_points: Mapping[TopicPartition, Offset] = {}
        self.start_offsets: Mapping[TopicPartition, Offset] = {}
        self.cleaned_offsets: Mapping[TopicPartition, Offset] = {}

    def load(self) -> None:
        """Read the files. Raises OSError."""
        self.recovery_points = self._read(RECOVERY_POINTS_PATH)
        self.start_offsets = self._read(START_OFFSETS_PATH)
        self.cleaned_offsets = self._read(CLEANED_OFFSETS_PATH)

    def write(
        self,
        recovery_points: Mapping[TopicPartition, Offset],
        start_offsets: Mapping[TopicPartition, Offset],
        cleaned_offsets: Mapping[TopicPartition, Offset],
    ) -> None:
        """Replace the files durably. Raises OSError: each is the old or the new one then.

        Recovery points go first: a log that starts at an offset must be durable up to there.
        """
        if recovery_points != self.recovery_points:
            write_checkpoint(self._filesystem, RECOVERY_POINTS_PATH, recovery_points)
            self.recovery_points = dict(recovery_points)
        if start_offsets != self.start_offsets:
            write_checkpoint(self._filesystem, START_OFFSETS_PATH, start_offsets)
            self.start_offsets = dict(start_offsets)
        if cleaned_offsets != self.cleaned_offsets:
            write_checkpoint(self._filesystem, CLEANED_OFFSETS_PATH, cleaned_offsets)
            self.cleaned_offsets = dict(cleaned_offsets)

    def retain(self, keep: Mapping[TopicPartition, object]) -> None:
        """Forget all partitions but those of ``keep``: a topic of the same name begins at 0 again. Raises OSError."""

        def kept(offsets: Mapping[TopicPartition, Offset]) -> dict[TopicPartition, Offset]:
            return {partition: offset for partition, offset in offsets.items() if partition in keep}

        self.write(kept(self.recovery_points), kept(self.start_offsets), kept(self.cleaned_offsets))

    def _read(self, path: str) -> Mapping[TopicPartition, Offset]:
        try:
            return read_checkpoint(self._filesystem, path)
        except StorageError as error:
            self._observer.event("broker.checkpoint_damaged", path=path, reason=str(error))
            return {}
