"""One segment: a ``.log`` file and the columns that index it.

It owns positions, and what is written beside the log when the segment is sealed. Offsets are assigned, batches checked
and producers followed elsewhere. While a segment is active its indexes live in memory only: an unclean stop rebuilds
them anyway, and an append is then a single write. docs/formats/segment.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker_core.log.aborted import IndexedAbort, decode_aborts, encode_aborts
from broker_core.log.format import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    MAX_RELATIVE_OFFSET,
    SIDE_SUFFIXES,
    TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    file_name,
)
from broker_core.log.index import OFFSET_ENTRY_BYTES, TIME_ENTRY, BadIndexError, OffsetIndex, TimeIndex, last_entry
from broker_core.log.results import SegmentFacts
from broker_core.log.scan import scan_batches
from broker_core.model import NO_OFFSET, NO_TIMESTAMP, Offset, TimestampMs
from broker_core.ports import File, Filesystem


class Segment:
    """A run of batches from ``base_offset`` on, in one file.

    Attributes:
        next_offset: behind the last batch (the next segment's base for a sealed one).
        size_bytes: length of the log.
        aborted: aborted transactions whose marker lies here.
        index_interval_bytes: one index entry for so many bytes.
        max_timestamp, max_timestamp_offset: the largest timestamp, and the last offset of the batch that holds it.
        extension: what compaction appends to the files' names while they are not in force.
    """

    __slots__ = (
        "_bytes_since_index", "_columns", "_directory", "_file", "_filesystem", "aborted", "base_offset", "extension",
        "first_timestamp", "index_interval_bytes", "max_timestamp", "max_timestamp_offset", "next_offset", "size_bytes",
    )  # fmt: skip

    def __init__(
        self,
        filesystem: Filesystem,
        directory: str,
        base_offset: Offset,
        index_interval_bytes: int,
        *,
        extension: str = "",
    ) -> None:
        self._filesystem = filesystem
        self._directory = directory
        self.index_interval_bytes = index_interval_bytes
        self._file: File | None = None
        self._columns: tuple[OffsetIndex, TimeIndex] | None = None
        self.base_offset = base_offset
        self.extension = extension
        self.size_bytes = 0
        self.aborted: list[IndexedAbort] = []
        self.reset()

    def path(self, suffix: str = LOG_SUFFIX) -> str:
        return f"{self._directory}/{file_name(self.base_offset, suffix)}{self.extension}"

    @property
    def file(self) -> File:
        """The log file, opened when first needed. Raises OSError."""
        if self._file is None:
            self._file = self._filesystem.open(self.path())
        return self._file

    def create(self) -> None:
        """Create the empty log file; durable after ``sync_directory``. Raises OSError."""
        self._file = self._filesystem.open(self.path(), create=True)
        self._file.truncate(0)
        self._columns = (OffsetIndex(), TimeIndex())

    def reset(self) -> None:
        """Forget what is known of the content, before a scan notes it again."""
        self._columns = (OffsetIndex(), TimeIndex())
        self._bytes_since_index = 0
        self.aborted = []
        self.size_bytes = 0
        self.next_offset = self.base_offset
        self.first_timestamp = self.max_timestamp = NO_TIMESTAMP
        self.max_timestamp_offset = NO_OFFSET

    # -- growing

    def note(self, size: int, last_offset: Offset, max_timestamp: TimestampMs) -> None:
        """A batch of ``size`` bytes is at the end of the file: count it, and index it where Kafka would."""
        if max_timestamp > self.max_timestamp:
            self.max_timestamp = max_timestamp
            self.max_timestamp_offset = last_offset
        if self.size_bytes == 0:
            self.first_timestamp = max_timestamp
        if self._bytes_since_index > self.index_interval_bytes:
            offsets, times = self.columns()
            base = self.base_offset
            offsets.append(last_offset - base, self.size_bytes)
            times.append_larger(self.max_timestamp, self.max_timestamp_offset - base)
            self._bytes_since_index = 0
        self._bytes_since_index += size
        self.size_bytes += size
        self.next_offset = last_offset + 1

    def is_full(self, size: int, last_offset: Offset, segment_bytes: int, index_bytes: int) -> bool:
        """Would a batch of ``size`` bytes up to ``last_offset`` exceed a limit of this segment?"""
        if self.size_bytes + size > segment_bytes or last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return True
        offsets, times = self.columns()
        return len(offsets) * OFFSET_ENTRY_BYTES >= index_bytes or (len(times) + 1) * TIME_ENTRY.size >= index_bytes

    def seal(self) -> None:
        """Write and sync the files beside the log; their directory entries are the caller's to sync. Raises OSError."""
        for file in self.write_side_files():
            file.sync()

    def write_side_files(self) -> Iterator[File]:
        """Write the files beside the log, one after the other; each is to be synced before the next is asked for.

        Raises OSError.
        """
        offsets, times = self.columns()
        if self.max_timestamp >= 0:
            times.append_larger(self.max_timestamp, self.max_timestamp_offset - self.base_offset)
        contents = (offsets.encode(), times.encode(), encode_aborts(self.aborted))
        for suffix, data in zip(SIDE_SUFFIXES, contents, strict=True):
            file = self._filesystem.open(self.path(suffix), create=True)
            try:
                file.truncate(0)
                file.write_at(0, data)
                yield file
            finally:
                file.close()

    # -- opening

    def trust(self, next_offset: Offset) -> None:
        """Take the files beside the log as they are; offsets and times are read when first needed.

        Arguments:
            next_offset: base offset of the next segment.

        Raises:
            BadIndexError: the transaction index is damaged; the segment must be scanned.
            OSError: also if a file is missing.
        """
        self.size_bytes = self.file.size()
        self.next_offset = next_offset
        data = self._filesystem.read_file(self.path(TRANSACTION_INDEX_SUFFIX))
        self.aborted = decode_aborts(data, self.base_offset, next_offset)
        self._columns = None

    def columns(self) -> tuple[OffsetIndex, TimeIndex]:
        """Both indexes, loaded (or, when damaged, rebuilt) if they are not in memory.

        Raises:
            BadBatchError: the segment is damaged.
            OSError: it cannot be read.
        """
        if self._columns is None:
            try:
                offsets = OffsetIndex.decode(self._filesystem.read_file(self.path(INDEX_SUFFIX)), self.size_bytes)
                times = TimeIndex.decode(self._filesystem.read_file(self.path(TIME_INDEX_SUFFIX)))
                self._columns = (offsets, times)
                self.max_timestamp, relative = times.last
                self.max_timestamp_offset = self.base_offset + relative
            except (BadIndexError, FileNotFoundError):
                self.rebuild()
        assert self._columns is not None
        return self._columns

    def unload(self) -> None:
        """Drop the indexes of a sealed segment from memory."""
        self._columns = None

    def rebuild(self) -> None:
        """Make both indexes anew from a sealed log. Raises BadBatchError if the log is damaged, OSError."""
        fresh = Segment(self._filesystem, self._directory, self.base_offset, self.index_interval_bytes)
        for _, header, _, _ in scan_batches(self.file, 0, self.size_bytes, self.base_offset, gaps=True):
            fresh.note(header.size_bytes, header.last_offset, header.newest_timestamp)
        self._columns = fresh._columns
        self.max_timestamp, self.max_timestamp_offset = fresh.max_timestamp, fresh.max_timestamp_offset

    def facts(self) -> SegmentFacts:
        """What retention and compaction go by; the time index is read at most once for it. Raises OSError."""
        if self.max_timestamp < 0 and self.size_bytes and self._columns is None:
            file = self._filesystem.open(self.path(TIME_INDEX_SUFFIX))
            try:
                self.max_timestamp, relative = last_entry(file)
                self.max_timestamp_offset = self.base_offset + relative
            finally:
                file.close()
        return SegmentFacts(self.base_offset, self.next_offset, self.size_bytes, self.max_timestamp)

    # -- ending

    def rename(self, extension: str, suffixes: Iterable[str] = (LOG_SUFFIX, *SIDE_SUFFIXES)) -> None:
        """Give some files another extension; the caller syncs the directory, and sets ``extension`` when all have it.

        Raises OSError.
        """
        for suffix in suffixes:
            plain = f"{self._directory}/{file_name(self.base_offset, suffix)}"
            self._filesystem.rename(self.path(suffix), plain + extension)

    def remove(self) -> None:
        """Close the segment and remove its files, the log first: what is left without a log is cleared at open."""
        self.close()
        for suffix in (LOG_SUFFIX, *SIDE_SUFFIXES):
            self._filesystem.remove(self.path(suffix))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
