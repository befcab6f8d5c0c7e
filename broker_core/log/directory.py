"""The directory of one log: names, small files, and what is made durable together.

Operations without a decision: when a snapshot is written, and what a missing file means, is said in ``segments`` and
``recovery``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import google_crc32c

from broker_core.config import LogConfig
from broker_core.errors import StorageError
from broker_core.log.checkpoint import decode_epochs, encode_epochs
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.format import (
    LEADER_EPOCHS_NAME,
    LEFTOVER_SUFFIXES,
    LOG_SUFFIX,
    OFFSET_DIGITS,
    SEAL_SUFFIX,
    SIDE_SUFFIXES,
    SNAPSHOT_SUFFIX,
    SWAP,
    file_name,
)
from broker_core.log.index import BadIndexError
from broker_core.log.producer_snapshot import encode_snapshot
from broker_core.log.producer_state import ProducerStates
from broker_core.log.scan import BadBatchError, scan_batches
from broker_core.log.seal import Seal, decode_seal
from broker_core.log.segment import Segment
from broker_core.model import Offset, TopicPartition
from broker_core.ports import Filesystem


@dataclass(slots=True, kw_only=True)
class LogDirectory:
    """Where a log lives (``path``, relative to the filesystem's root) and what it is."""

    filesystem: Filesystem
    path: str
    topic_partition: TopicPartition
    config: LogConfig

    def segment(self, base_offset: Offset, *, extension: str = "") -> Segment:
        return Segment(self.filesystem, self.path, base_offset, self.config.index_interval_bytes, extension=extension)

    def offsets(self) -> dict[str, list[Offset]]:
        """Offsets in the names of files, ascending, by suffix: one listing, however many files there are."""
        found: dict[str, list[Offset]] = {}
        for name in self.filesystem.list_directory(self.path):
            digits, suffix = name[:OFFSET_DIGITS], name[OFFSET_DIGITS:]
            if suffix[:1] == "." and digits.isdecimal():
                found.setdefault(suffix, []).append(int(digits))
        return found

    def sync(self) -> None:
        self.filesystem.sync_directory(self.path)

    def write_snapshot(self, offset: Offset, producers: ProducerStates) -> None:
        """Write and sync the producers as of ``offset``; its directory entry is the caller's to sync."""
        file = self.filesystem.open(f"{self.path}/{file_name(offset, SNAPSHOT_SUFFIX)}", create=True)
        try:
            file.truncate(0)
            file.write_at(0, encode_snapshot(producers.entries()))
            file.sync()
        finally:
            file.close()

    def remove_snapshot(self, offset: Offset) -> None:
        self.filesystem.remove(f"{self.path}/{file_name(offset, SNAPSHOT_SUFFIX)}")

    def write_epochs(self, epochs: LeaderEpochs) -> None:
        """Durably write the leader epochs if they changed."""
        if epochs.changed:
            data = encode_epochs(epochs.entries)
            self.filesystem.replace_file(f"{self.path}/{LEADER_EPOCHS_NAME}", data)
            epochs.changed, epochs.stored_crc = False, google_crc32c.value(data)

    def seal(self, segment: Segment, epochs: LeaderEpochs) -> None:
        """Give back what is left of a reservation, then write and sync the files beside ``segment``: no sealed log has
        a file that is longer than it. ``write_epochs`` is to follow, if the epochs changed. Raises OSError."""
        if segment.file_bytes > segment.size_bytes:
            segment.file.truncate(segment.size_bytes)
            segment.file.sync()
        segment.file_bytes = 0
        for file in segment.write_side_files(epoch_checksums(epochs)):
            file.sync()

    def read_seal(self, base_offset: Offset) -> Seal | None:
        """The seal of a segment; None if it is missing. Raises BadIndexError if it is damaged."""
        try:
            return decode_seal(self.filesystem.read_file(f"{self.path}/{file_name(base_offset, SEAL_SUFFIX)}"))
        except FileNotFoundError:
            return None

    def read_epochs(self) -> LeaderEpochs | None:
        """The leader epochs on disk; None if there is no file. Raises StorageError if it is damaged."""
        path = f"{self.path}/{LEADER_EPOCHS_NAME}"
        if not self.filesystem.exists(path):
            return None
        data = self.filesystem.read_file(path)
        epochs = LeaderEpochs(decode_epochs(data, path))
        epochs.stored_crc = google_crc32c.value(data)
        return epochs

    def create(self) -> None:
        """Durably create the directory and its parents; where a crash left it created, make that durable."""
        self.filesystem.make_directory(self.path)
        parent = self.path
        while parent:
            parent = parent.rpartition("/")[0]
            self.filesystem.sync_directory(parent)

    def finish_swaps(self) -> None:
        """Let complete work of compaction take its place: what ``cleaner`` was doing when a crash came.

        Doing it twice, or crashing half-way and doing it again, comes to the same.

        Raises:
            StorageError: such a file was durable and is damaged.
            OSError: the disk fails.
        """
        for base in self.offsets().get(LOG_SUFFIX + SWAP, []):
            new = self.segment(base, extension=SWAP)
            end = base
            try:
                for scanned in scan_batches(new.file, 0, new.file.size(), base, gaps=True):
                    end = scanned.header.next_offset
            except BadBatchError as bad:
                raise StorageError(f"{new.file.path}, position {bad.position}: {bad.reason}") from bad
            finally:
                new.close()
            self._require_end(new, end)
            new.rename("", [suffix for suffix in SIDE_SUFFIXES if self.filesystem.exists(new.path(suffix))])
            for covered in self.offsets().get(LOG_SUFFIX, []):
                if base < covered < end:
                    self.segment(covered).remove()
            self.sync()
            new.rename("", [LOG_SUFFIX])
            self.sync()

    def _require_end(self, new: Segment, end: Offset) -> None:
        """Which logs ``new`` covers is told by its offsets alone, which no batch's checksum protects."""
        seal = None
        for extension in (SWAP, ""):
            path = f"{self.path}/{file_name(new.base_offset, SEAL_SUFFIX)}{extension}"
            if seal is None and self.filesystem.exists(path):
                with suppress(BadIndexError):
                    seal = decode_seal(self.filesystem.read_file(path))
        if seal is not None and seal.size_bytes == self.filesystem.size_of(new.path()) and seal.next_offset != end:
            raise StorageError(
                f"{new.path()}, position 0: it ends at offset {end}, its seal says {seal.next_offset}; restore the "
                "file from a backup"
            )

    def clear_leftovers(self) -> None:
        """Remove work that a crash cut short, and files beside a log that is gone: a new one may get its name."""
        names = self.filesystem.list_directory(self.path)
        logs = {name for name in names if name.endswith(LOG_SUFFIX)}
        for name in names:
            orphan = name[OFFSET_DIGITS:] in SIDE_SUFFIXES and name[:OFFSET_DIGITS] + LOG_SUFFIX not in logs
            if orphan or name.endswith(LEFTOVER_SUFFIXES):
                self.filesystem.remove(f"{self.path}/{name}")

    def drop_snapshots(self, bases: list[Offset], end: Offset) -> None:
        """Keep those at segments' beginnings and the newest one.

        One beyond ``end`` describes data that is gone, and other data may come to lie there: it must be durably gone
        first.
        """
        offsets = self.offsets().get(SNAPSHOT_SUFFIX, [])
        kept = {*bases, *[offset for offset in offsets if offset <= end][-1:]}
        stale = [offset for offset in offsets if offset not in kept]
        for offset in stale:
            self.remove_snapshot(offset)
        if stale:
            self.sync()


def epoch_checksums(epochs: LeaderEpochs) -> tuple[int, int]:
    """CRC-32C of the epochs' file as it is on disk, and as ``write_epochs`` would make it."""
    if not epochs.changed:
        return epochs.stored_crc, epochs.stored_crc
    return epochs.stored_crc, google_crc32c.value(encode_epochs(epochs.entries))
