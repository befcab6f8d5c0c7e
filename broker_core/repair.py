"""Checking a data directory without a broker, and making it one that a broker opens again.

A repair destroys nothing: before anything of a log is changed its whole directory is copied to ``damaged/``. What it
gives up is told: the records behind the first damage of a log. Their offsets are not given out again, an empty batch
takes them: a group that has committed beyond the damage would otherwise pass over records that come later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from broker_core.catalog import CATALOG_PATH, CatalogState, decode_catalog
from broker_core.data_directory import CLEAN_PATH, LOCK_PATH, LOGS_PATH
from broker_core.errors import DataDirectoryError, StorageError
from broker_core.log.checkpoint import write_partition_metadata
from broker_core.log.format import LOG_SUFFIX, MAX_RELATIVE_OFFSET, SNAPSHOT_SUFFIX, file_name, parse_file_name
from broker_core.log.inspection import EVERYTHING, Inspection, Progress, inspect
from broker_core.model import LeaderEpoch, Offset, TopicPartition
from broker_core.partition_directories import directory_of
from broker_core.ports import Filesystem, Lock, NullObserver
from broker_core.protocol.batch import empty_batch
from broker_core.recovery_points import RecoveryPoints

DAMAGED_PATH: Final = "damaged"
COPY_BYTES: Final = 1024 * 1024


class DirectoryCheck:
    """One look at a data directory that no broker has open.

    Arguments:
        filesystem: the data directory.

    Attributes:
        catalog: what it says.
        in_use: a broker has the directory open; its last writes may look unfinished.

    Raises:
        StorageError: there is no catalog, or it is damaged.
        OSError: the disk fails.
    """

    def __init__(self, filesystem: Filesystem) -> None:
        if not filesystem.exists(CATALOG_PATH):
            raise StorageError(f"{CATALOG_PATH}: missing; this is no data directory, or restore it from a backup")
        self._filesystem = filesystem
        self.catalog: CatalogState = decode_catalog(filesystem.read_file(CATALOG_PATH))
        self._points = RecoveryPoints(filesystem, NullObserver())
        self._points.load()
        self._was_clean = filesystem.exists(CLEAN_PATH)
        self._lock: Lock | None = None
        with suppress(BlockingIOError):
            self._lock = filesystem.lock(LOCK_PATH)
        self.in_use = self._lock is None

    def close(self) -> None:
        """Give the directory up."""
        if self._lock is not None:
            self._lock.release()

    def partitions(self) -> list[TopicPartition]:
        """What there should be, by the catalog."""
        return [
            TopicPartition(topic.name, index)
            for _, topic in sorted(self.catalog.topics.items())
            for index in range(topic.partitions)
        ]

    def inspect(self, partition: TopicPartition, progress: Progress | None = None) -> Inspection:
        """Check the files of one log. Raises OSError."""
        known = self._points.recovery_points.get(partition, 0)
        return inspect(
            self._filesystem,
            directory_of(partition),
            has_gaps=self.catalog.topics[partition.topic].has_gaps,
            durable_end=EVERYTHING if self._was_clean and not self.in_use else known,
            start_offset=self._points.start_of(partition),
            progress=progress,
        )

    def strays(self) -> list[str]:
        """Directories that belong to no topic; the next start removes them."""
        wanted = {str(partition) for partition in self.partitions()}
        return [name for name in self._filesystem.list_directory(LOGS_PATH) if name not in wanted]

    def repair(
        self, partition: TopicPartition, inspection: Inspection, label: str, progress: Progress | None = None
    ) -> str:
        """Cut a damaged log off at its first damage, after everything of it was copied aside.

        Arguments:
            label: names the place of the copy, such as the time.
            progress: hears of copied bytes.

        Returns:
            the place of the copy, relative to the data directory.

        Raises:
            DataDirectoryError: a broker has the directory open.
            OSError: the disk fails or is full; the copy comes first, and the log is changed only once it is durable.
        """
        if self._lock is None:
            raise DataDirectoryError("the data directory is in use; stop that process, nothing was changed")
        directory, copy = directory_of(partition), f"{DAMAGED_PATH}/{label}/{partition}"
        copy_directory(self._filesystem, directory, copy, progress)
        if self._filesystem.exists(CLEAN_PATH):
            self._filesystem.remove(CLEAN_PATH)  # the next start scans
            self._filesystem.sync_directory("")
        end = self.next_offset(partition, inspection)
        points = self._points
        starts = {**points.start_offsets, partition: max(points.start_of(partition) or 0, inspection.start_offset)}
        points.write({**points.recovery_points, partition: 0}, starts, points.cleaned_offsets)
        first = next(
            (found for found in inspection.findings if found.is_damage and found.path.endswith(LOG_SUFFIX)), None
        )
        if first is not None:
            self._cut(directory, first.path, first.position, inspection.end_offset)
        self._fill(directory, inspection.end_offset, end, inspection.last_epoch)
        points.write({**points.recovery_points, partition: end}, points.start_offsets, points.cleaned_offsets)
        write_partition_metadata(self._filesystem, directory, self.catalog.topics[partition.topic].id)
        self._filesystem.sync_directory(directory)
        return copy

    def next_offset(self, partition: TopicPartition, inspection: Inspection) -> Offset:
        """The first offset that a repaired log gives out: behind everything that it held, as far as is known."""
        known = self._points.recovery_points.get(partition, 0)
        start = self._points.start_offsets.get(partition, 0)
        return max(inspection.end_offset, inspection.seen_offset, known, start)

    def _cut(self, directory: str, path: str, position: int | None, end: Offset) -> None:
        """Remove what lies behind the damage, the last first, and what is beside the damaged segment but for its
        snapshot, which tells of the log before it."""
        damaged = parse_file_name(path.rpartition("/")[2])
        assert damaged is not None
        for name in reversed(self._filesystem.list_directory(directory)):
            parsed = parse_file_name(name)
            if parsed is None or parsed[0] < damaged[0]:
                continue
            stays = (parsed[1] == LOG_SUFFIX and position != 0) or parsed[1] == SNAPSHOT_SUFFIX
            if parsed[0] > end or not stays:
                self._filesystem.remove(f"{directory}/{name}")
        if position:
            file = self._filesystem.open(path)
            try:
                file.truncate(position)
                file.sync()
            finally:
                file.close()
        self._filesystem.sync_directory(directory)

    def _fill(self, directory: str, offset: Offset, end: Offset, epoch: LeaderEpoch) -> None:
        """Let empty batches take the offsets from ``offset`` to ``end``, in segments of their own."""
        while offset < end:
            following = min(end, offset + MAX_RELATIVE_OFFSET)
            file = self._filesystem.open(f"{directory}/{file_name(offset, LOG_SUFFIX)}", create=True)
            try:
                assert not file.size(), "a segment that is kept is never written over"
                file.write_at(0, empty_batch(offset, following - 1, epoch))
                file.sync()
            finally:
                file.close()
            offset = following
        if not any(name.endswith(LOG_SUFFIX) for name in self._filesystem.list_directory(directory)):
            self._filesystem.open(f"{directory}/{file_name(end, LOG_SUFFIX)}", create=True).close()
        self._filesystem.sync_directory(directory)


class LogUsage(NamedTuple):
    """What the files of one log take up: segments' logs, and what lies beside them."""

    segments: int
    log_bytes: int
    beside_bytes: int


def usage(filesystem: Filesystem) -> dict[str, LogUsage]:
    """By directory name, strays too; sizes of files only. Files that go meanwhile are left out. Raises OSError."""
    found = {}
    for directory in filesystem.list_directory(LOGS_PATH):
        segments = log_bytes = beside_bytes = 0
        for name in filesystem.list_directory(f"{LOGS_PATH}/{directory}"):
            with suppress(FileNotFoundError):
                size = filesystem.size_of(f"{LOGS_PATH}/{directory}/{name}")
                if name.endswith(LOG_SUFFIX):
                    segments, log_bytes = segments + 1, log_bytes + size
                else:
                    beside_bytes += size
        found[directory] = LogUsage(segments, log_bytes, beside_bytes)
    return found


def copy_directory(filesystem: Filesystem, source: str, target: str, progress: Progress | None = None) -> None:
    """Copy the files of ``source`` durably. Raises OSError."""
    filesystem.make_directory(target)
    for name in filesystem.list_directory(source):
        copied = filesystem.open(f"{target}/{name}", create=True)
        try:
            for position, data in _chunks(filesystem, f"{source}/{name}"):
                copied.write_at(position, data)
                if progress is not None:
                    progress(len(data))
            copied.sync()
        finally:
            copied.close()
    while target:
        filesystem.sync_directory(target)
        target = target.rpartition("/")[0]
    filesystem.sync_directory("")


def _chunks(filesystem: Filesystem, path: str) -> Iterator[tuple[int, bytes]]:
    file = filesystem.open(path)
    try:
        position = 0
        while data := file.read_at(position, COPY_BYTES):
            yield position, data
            position += len(data)
    finally:
        file.close()
