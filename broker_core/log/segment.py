"""One segment: a ``.log`` file and the columns that index it.

It owns positions, and what is written beside the log when the segment is sealed. Offsets are assigned, batches checked
and producers followed elsewhere. While a segment is active its indexes live in memory only: an unclean stop rebuilds
them anyway, and an append is then a single write. docs/formats/segment.md.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from typing import Final

import google_crc32c

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
from broker_core.log.index import OFFSET_ENTRY_BYTES, TIME_ENTRY, BadIndexError, OffsetIndex, TimeIndex
from broker_core.log.results import SegmentFacts
from broker_core.log.scan import BadBatchError, scan_batches, walk_headers
from broker_core.log.seal import NO_ABORTS_CRC, Seal, encode_seal, extend_places
from broker_core.model import NO_OFFSET, NO_TIMESTAMP, Offset, TimestampMs
from broker_core.ports import File, Filesystem

_NO_RESERVE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EOPNOTSUPP, errno.EINVAL})
"""Failures to reserve that leave a file which can grow as it is written."""


class Segment:
    """A run of batches from ``base_offset`` on, in one file.

    Attributes:
        next_offset: behind the last batch (the next segment's base for a sealed one).
        size_bytes: length of the log.
        file_bytes: what was reserved for it, while the file may be longer than the log; otherwise 0.
        aborted: aborted transactions whose marker lies here.
        index_interval_bytes: one index entry for so many bytes.
        max_timestamp, max_timestamp_offset: the largest timestamp, and the last offset of the batch that holds it.
        places_crc: over the places of all batches; see ``seal``.
        extension: what compaction appends to the files' names while they are not in force.
    """

    __slots__ = (
        "_bytes_since_index", "_checksums", "_columns", "_directory", "_file", "_filesystem", "_proof", "aborted",
        "base_offset", "extension", "file_bytes", "first_timestamp", "index_interval_bytes", "max_timestamp",
        "max_timestamp_offset", "next_offset", "places_crc", "size_bytes",
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
        self.size_bytes = self.file_bytes = 0
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

    def create(self, reserve_bytes: int = 0) -> None:
        """Create the empty log file; durable after ``sync_directory``. Raises OSError.

        Where ``reserve_bytes`` are not to be had, it grows as it is written: a full disk is the appends' to tell.
        """
        self._file = self._filesystem.open(self.path(), create=True)
        self._file.truncate(0)
        if reserve_bytes:
            try:
                self._file.reserve(reserve_bytes)
                self.file_bytes = reserve_bytes
            except OSError as error:
                if error.errno not in _NO_RESERVE:
                    raise
                self._file.truncate(0)
        self._columns = (OffsetIndex(), TimeIndex())

    def reset(self) -> None:
        """Forget what is known of the content, before a scan notes it again."""
        self._columns = (OffsetIndex(), TimeIndex())
        self._checksums: tuple[int, int] | None = None
        self._proof: tuple[int, int] | None = None
        self._bytes_since_index = 0
        self.places_crc = 0
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
        self.places_crc = extend_places(self.places_crc, last_offset, size)
        self.next_offset = last_offset + 1

    def is_full(self, size: int, last_offset: Offset, segment_bytes: int, index_bytes: int) -> bool:
        """Would a batch of ``size`` bytes up to ``last_offset`` exceed a limit of this segment?"""
        if self.size_bytes + size > segment_bytes or last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return True
        offsets, times = self.columns()
        return len(offsets) * OFFSET_ENTRY_BYTES >= index_bytes or (len(times) + 1) * TIME_ENTRY.size >= index_bytes

    def write_side_files(self, epoch_checksums: tuple[int, int]) -> Iterator[File]:
        """Write the files beside the log, one after the other; each is to be synced before the next is asked for, and
        their directory entries in the end.

        Arguments:
            epoch_checksums: of the epochs' file, for the seal.

        Raises OSError.
        """
        offsets, times = self.columns()
        if self.max_timestamp >= 0:
            times.append_larger(self.max_timestamp, self.max_timestamp_offset - self.base_offset)
        indexes = (offsets.encode(), times.encode(), encode_aborts(self.aborted))
        seal = _seal_of(self, indexes, epoch_checksums)
        self._checksums = (seal.index_crc, seal.time_index_crc)
        contents = (*indexes, encode_seal(seal))
        for suffix, data in zip(SIDE_SUFFIXES, contents, strict=True):
            file = self._filesystem.open(self.path(suffix), create=True)
            try:
                file.truncate(0)
                file.write_at(0, data)
                yield file
            finally:
                file.close()

    # -- opening

    def trust(self, seal: Seal) -> None:
        """Take the files beside the log as they were sealed; offsets and times are read when first needed, the log too.

        Raises:
            BadIndexError: the log's length or the transaction index is not what was sealed; the segment is to be
                scanned.
            OSError: also if a file is missing.
        """
        size = self._filesystem.size_of(self.path())
        if size != seal.size_bytes:
            raise BadIndexError(f"the log has {size} bytes, {seal.size_bytes} were sealed")
        if seal.transaction_index_crc != NO_ABORTS_CRC:
            data = self._filesystem.read_file(self.path(TRANSACTION_INDEX_SUFFIX))
            if google_crc32c.value(data) != seal.transaction_index_crc:
                raise BadIndexError("the transaction index has a wrong checksum")
            self.aborted = decode_aborts(data, self.base_offset, seal.next_offset)
        self.size_bytes, self.next_offset = size, seal.next_offset
        self.first_timestamp = seal.first_timestamp
        self.max_timestamp, self.max_timestamp_offset = seal.max_timestamp, seal.max_timestamp_offset
        self.places_crc = seal.places_crc
        self._proof = (size, seal.places_crc)
        self._checksums = (seal.index_crc, seal.time_index_crc)
        self._columns = None

    def prove(self) -> None:
        """Where offsets may be missing, batches that follow each other prove nothing: compare their places with the
        seal, once, before any is served.

        Raises:
            BadBatchError: some batch's offset or length is not what was written.
            OSError: the log cannot be read.
        """
        if self._proof is None:
            return
        size, sealed_crc = self._proof
        crc = 0
        for last_offset, batch_size in walk_headers(self.file, size):
            crc = extend_places(crc, last_offset, batch_size)
        if crc != sealed_crc:
            raise BadBatchError(0, f"the offsets in these {size} bytes are not those that were written (by the seal)")
        self._proof = None

    def columns(self) -> tuple[OffsetIndex, TimeIndex]:
        """Both indexes, loaded (or, when damaged, rebuilt) if they are not in memory.

        Raises:
            BadBatchError: the segment is damaged.
            OSError: it cannot be read.
        """
        if self._columns is None:
            try:
                paths = self.path(INDEX_SUFFIX), self.path(TIME_INDEX_SUFFIX)
                contents = [self._filesystem.read_file(path) for path in paths]
                if self._checksums is not None and tuple(map(google_crc32c.value, contents)) != self._checksums:
                    raise BadIndexError("wrong checksum")
                self._columns = OffsetIndex.decode(contents[0], self.size_bytes), TimeIndex.decode(contents[1])
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
        if self._columns is not None and fresh.max_timestamp >= 0:  # as it is sealed
            self._columns[1].append_larger(fresh.max_timestamp, fresh.max_timestamp_offset - self.base_offset)

    def facts(self) -> SegmentFacts:
        """What retention and compaction go by."""
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


def _seal_of(segment: Segment, indexes: tuple[bytes, bytes, bytes], epoch_checksums: tuple[int, int]) -> Seal:
    index_crc, time_index_crc, aborts_crc = map(google_crc32c.value, indexes)
    return Seal(
        size_bytes=segment.size_bytes,
        next_offset=segment.next_offset,
        first_timestamp=segment.first_timestamp,
        max_timestamp=segment.max_timestamp,
        max_timestamp_offset=segment.max_timestamp_offset,
        places_crc=segment.places_crc,
        index_crc=index_crc,
        time_index_crc=time_index_crc,
        transaction_index_crc=aborts_crc,
        epochs_before_crc=epoch_checksums[0],
        epochs_crc=epoch_checksums[1],
    )
