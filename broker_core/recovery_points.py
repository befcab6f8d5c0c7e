"""What a data directory knows about its logs between runs: recovery points, start offsets, and how far compaction came.

One file of ours with a checksum holds all three; three in Kafka's format beside it say the same to Kafka's tools. If
one is damaged or missing, the other side knows. A recovery point is an offset below which a log was durable once. It
may lag, but must never lead: opening trusts it and refuses a log with less. Who knows what is durable, and when to
write, is ``partitions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import google_crc32c

from broker_core.errors import StorageError
from broker_core.log.checkpoint import encode_offsets, read_checkpoint
from broker_core.model import Offset, TopicPartition
from broker_core.ports import Filesystem, Observer

LOG_OFFSETS_PATH: Final = "log-offsets"
RECOVERY_POINTS_PATH: Final = "recovery-point-offset-checkpoint"
START_OFFSETS_PATH: Final = "log-start-offset-checkpoint"
CLEANED_OFFSETS_PATH: Final = "cleaner-offset-checkpoint"
"""Keys below these offsets have displaced older records; a lower one, or none, costs a pass that changes nothing."""
_PATHS: Final = (RECOVERY_POINTS_PATH, START_OFFSETS_PATH, CLEANED_OFFSETS_PATH)
_MAGIC: Final = "log-offsets"
_VERSION: Final = 1

Offsets = Mapping[TopicPartition, Offset]


class RecoveryPoints:
    """The checkpoint files; writes only what has changed.

    Arguments:
        filesystem: the data directory.
        observer: hears of a damaged file.
    """

    def __init__(self, filesystem: Filesystem, observer: Observer) -> None:
        self._filesystem = filesystem
        self._observer = observer
        self._offsets: tuple[Offsets, Offsets, Offsets] = ({}, {}, {})
        self._copies: dict[str, bytes] = {}
        self._is_complete = True

    @property
    def recovery_points(self) -> Offsets:
        return self._offsets[0]

    @property
    def start_offsets(self) -> Offsets:
        return self._offsets[1]

    @property
    def cleaned_offsets(self) -> Offsets:
        return self._offsets[2]

    def start_of(self, partition: TopicPartition) -> Offset | None:
        """Where the log of ``partition`` begins; None if both sides were damaged, so that nobody knows."""
        return self.start_offsets.get(partition, 0 if self._is_complete else None)

    def load(self) -> None:
        """Read our file, or Kafka's three where it is damaged or missing, and write anew what does not agree.

        With both sides damaged a recovery point costs a scan, and deleted records come back. Raises OSError.
        """
        self._copies = {path: self._filesystem.read_file(path) for path in _PATHS if self._filesystem.exists(path)}
        own = self._read_own()
        if own is not None:
            self._offsets = own
            self._write_copies(own)
        elif self._copies:
            self._is_complete = START_OFFSETS_PATH in self._copies
            first, second, third = map(self._read_copy, _PATHS)
            self._offsets = first, second, third
            self._store(self._offsets)

    def write(self, recovery_points: Offsets, start_offsets: Offsets, cleaned_offsets: Offsets) -> None:
        """Durably replace all of it at once. Raises OSError: it is the old or the new one then."""
        offsets = recovery_points, start_offsets, cleaned_offsets
        if offsets != self._offsets:
            self._store(offsets)

    def retain(self, keep: Mapping[TopicPartition, object]) -> None:
        """Forget all partitions but those of ``keep``: a topic of the same name begins at 0 again. Raises OSError."""

        def kept(offsets: Offsets) -> dict[TopicPartition, Offset]:
            return {partition: offset for partition, offset in offsets.items() if partition in keep}

        self.write(*map(kept, self._offsets))

    def _store(self, offsets: tuple[Offsets, Offsets, Offsets]) -> None:
        self._filesystem.replace_file(LOG_OFFSETS_PATH, encode_log_offsets(*offsets))
        recovery_points, start_offsets, cleaned_offsets = offsets
        self._offsets = dict(recovery_points), dict(start_offsets), dict(cleaned_offsets)
        self._write_copies(offsets)

    def _write_copies(self, offsets: tuple[Offsets, Offsets, Offsets]) -> None:
        """Kafka's files are copies, and need not be durable."""
        for path, values in zip(_PATHS, offsets, strict=True):
            data = encode_offsets(values)
            if self._copies.get(path) == data:
                continue
            file = self._filesystem.open(f"{path}.tmp", create=True)
            try:
                file.truncate(0)
                file.write_at(0, data)
            finally:
                file.close()
            self._filesystem.rename(f"{path}.tmp", path)
            self._copies[path] = data

    def _read_own(self) -> tuple[Offsets, Offsets, Offsets] | None:
        if not self._filesystem.exists(LOG_OFFSETS_PATH):
            return None
        try:
            return decode_log_offsets(self._filesystem.read_file(LOG_OFFSETS_PATH))
        except StorageError as error:
            self._observer.event("broker.checkpoint_damaged", path=LOG_OFFSETS_PATH, reason=str(error))
            return None

    def _read_copy(self, path: str) -> Offsets:
        try:
            return read_checkpoint(self._filesystem, path)
        except StorageError as error:
            self._observer.event("broker.checkpoint_damaged", path=path, reason=str(error))
            self._is_complete = False
            return {}


def encode_log_offsets(recovery_points: Offsets, start_offsets: Offsets, cleaned_offsets: Offsets) -> bytes:
    """The file's bytes: a head with a checksum, and a line for each partition."""
    maps = recovery_points, start_offsets, cleaned_offsets
    lines = (
        f"{key.topic} {key.partition} {' '.join(str(offsets.get(key, '-')) for offsets in maps)}\n"
        for key in sorted({key for offsets in maps for key in offsets})
    )
    body = "".join(lines).encode()
    return f"{_MAGIC} {_VERSION} {google_crc32c.value(body):08x} {len(body)}\n".encode() + body


def decode_log_offsets(data: bytes) -> tuple[Offsets, Offsets, Offsets]:
    """The inverse of ``encode_log_offsets``; StorageError if it is damaged, or of a newer version."""
    head, _, body = data.partition(b"\n")
    expected = f"{_MAGIC} {_VERSION} {google_crc32c.value(body):08x} {len(body)}"
    if head.decode("ascii", "replace") != expected:
        raise StorageError(f"{LOG_OFFSETS_PATH}: it begins with {head[:60]!r} where {expected!r} would be right")
    maps: tuple[dict[TopicPartition, Offset], ...] = ({}, {}, {})
    for line in body.decode().splitlines():
        topic, partition, *offsets = line.split(" ")
        for found, offset in zip(maps, offsets, strict=True):
            if offset != "-":
                found[TopicPartition(topic, int(partition))] = int(offset)
    first, second, third = maps
    return first, second, third
