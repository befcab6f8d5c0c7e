"""Opening a log: what is on disk becomes segments, producers and epochs, whatever the last process did to it.

It decides what to trust, what to scan, and where to cut. Rules (architecture.md, section 6):

- After a clean close everything beside the log is trusted.
- Otherwise every segment that reaches beyond the recovery point is scanned, and the last one always; the log is cut at
  the first bad batch, everything behind it is removed, and what was scanned is synced.
- Bytes below the recovery point were durable. If they are bad or missing the disk lost them, and no cut may hide that:
  opening fails and names the file and the position.
- Zeros up to the end of a file are room that was reserved for the log; they are given back. A clean close has done so.

Doing it twice, or crashing half-way and doing it again, comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from broker_core.errors import CorruptBatch, StorageError
from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.format import (
    INDEX_SUFFIX,
    LEADER_EPOCHS_NAME,
    LOG_SUFFIX,
    SEAL_SUFFIX,
    SIDE_SUFFIXES,
    SNAPSHOT_SUFFIX,
    file_name,
)
from broker_core.log.index import BadIndexError
from broker_core.log.producer_snapshot import BadSnapshotError, decode_snapshot
from broker_core.log.producer_state import ProducerStates
from broker_core.log.scan import BadBatchError, ScannedBatch, scan_batches, written_end
from broker_core.log.seal import Seal
from broker_core.log.segment import Segment
from broker_core.model import LeaderEpoch, Offset, TimestampMs
from broker_core.ports import Observer
from broker_core.protocol.batch import read_control

MAX_LEADER_EPOCH: Final[LeaderEpoch] = 2**31 - 1
EVERYTHING: Final[Offset] = 2**63 - 1
ROOM_WINDOW_BYTES: Final = 1024 * 1024
"""Looked at behind a bad batch to tell room from a torn write. It is cut off either way, with all that follows: a start
after a crash need not read the 128 MiB that each partition may have reserved."""


@dataclass(slots=True, kw_only=True)
class RecoveredLog:
    """What opening found; the last segment is the active one."""

    segments: list[Segment]
    producers: ProducerStates
    epochs: LeaderEpochs
    start_offset: Offset
    truncated_bytes: int = 0
    is_sealed: bool = False
    """Everything on disk is as a clean close left it: closing again without an append writes nothing."""


def follow(producers: ProducerStates, scanned: ScannedBatch, segment: Segment | None) -> None:
    """Let ``producers`` follow one batch; an abort that it completes goes to the index of ``segment``."""
    header = scanned.header
    if header.producer_id < 0:
        return
    if not header.is_control:
        producers.record(header, header.base_offset)
        return
    if not header.record_count:  # compaction took the marker out and kept the batch for the producer's epoch
        producers.record_epoch(header)
        return
    control = read_control(scanned.data[scanned.start : scanned.start + header.size_bytes])
    abort = producers.record_marker(
        header, header.base_offset, commit=control.commit, coordinator_epoch=control.coordinator_epoch
    )
    if abort is not None and segment is not None:
        segment.aborted.append(abort)


@dataclass(slots=True, kw_only=True)
class Recovery:
    """One opening of one log; made and used by ``recover``."""

    directory: LogDirectory
    observer: Observer
    clean: bool
    recovery_point: Offset
    leader_epoch: LeaderEpoch
    offsets: dict[str, list[Offset]] = field(default_factory=dict)
    """In the names of the log's files, by suffix."""
    reached: Offset = 0
    """Where the scan is. What follows a gap proves nothing of itself: no checksum covers an offset."""
    segments: list[Segment] = field(default_factory=list)
    producers: ProducerStates = field(default_factory=ProducerStates)
    epochs: LeaderEpochs = field(default_factory=LeaderEpochs)
    truncated_bytes: int = 0
    is_sealed: bool = False

    def run(self, now_ms: TimestampMs) -> None:
        self.directory.finish_swaps()
        self.offsets = self.directory.offsets()
        bases = self.offsets.get(LOG_SUFFIX, [])
        self._require_logs(bases)
        self.directory.clear_leftovers()
        if not bases:
            self._start_empty()
            return
        first = self._load_trusted(bases) if self._load_epochs(bases) else 0
        if first < len(bases):
            self._load_producers(bases[first])
            self.epochs.truncate_to(bases[first])
            self._scan(bases[first:])
        else:
            self._load_producers(self.segments[-1].next_offset)
            self.is_sealed = self.clean
        self.producers.expire(now_ms, self.directory.config.producer_id_expiration_ms)
        self._require_undurable(self.segments[-1], "the log ends there")
        self.directory.drop_snapshots([segment.base_offset for segment in self.segments], self.segments[-1].next_offset)

    @property
    def durable_end(self) -> Offset:
        """Below it a bad batch is damage, not a write that a crash cut short."""
        return EVERYTHING if self.clean else self.recovery_point

    # -- steps

    def _require_logs(self, bases: list[Offset]) -> None:
        """Files beside a log that is gone are a removal that a crash cut short: of the oldest segments, of the newest
        ones, or of merged ones where there are gaps. Anything else is a log that the disk lost."""
        for base in sorted({*self.offsets.get(INDEX_SUFFIX, [])} - {*bases}):
            inside = bases and bases[0] < base < min(bases[-1], self.recovery_point)
            if self.clean or (inside and not self.directory.config.may_have_gaps):
                raise StorageError(
                    f"{self.directory.path}/{file_name(base, LOG_SUFFIX)} is missing, the files beside it are there; "
                    "restore it from a backup"
                )

    def _start_empty(self) -> None:
        if self.recovery_point > 0:
            raise StorageError(
                f"{self.directory.path} holds no segment, but offsets up to {self.recovery_point} of "
                f"{self.directory.topic_partition} were durable; restore the directory from a backup"
            )
        for offset in self.offsets.get(SNAPSHOT_SUFFIX, []):
            self.directory.remove_snapshot(offset)
        self.directory.create()
        self.segments = [first_segment(self.directory)]

    def _load_epochs(self, bases: list[Offset]) -> bool:
        """False if the file is damaged or missing: the batches know their epochs, so every segment is scanned.

        It has no checksum; the newest seal knows it. That is one of the last two segments'.
        """
        try:
            epochs = self.directory.read_epochs()
            seal = next(filter(None, map(self._read_seal, reversed(bases[-2:]))), None)
            if epochs is not None and seal and epochs.stored_crc not in (seal.epochs_before_crc, seal.epochs_crc):
                raise StorageError(f"{self.directory.path}/{LEADER_EPOCHS_NAME} is not what was sealed")
        except StorageError as error:
            self.observer.event("log.epochs_damaged", path=self.directory.path, reason=str(error))
            epochs = None
        if epochs is not None:
            self.epochs = epochs
        return epochs is not None

    def _load_trusted(self, bases: list[Offset]) -> int:
        """Open segments whose side files can be trusted; returns the index of the first one to scan."""
        complete = set(bases).intersection(*(self.offsets.get(suffix, []) for suffix in SIDE_SUFFIXES))
        for index, base in enumerate(bases):
            last = index == len(bases) - 1
            following = base if last else bases[index + 1]
            if not self.clean and (last or following > self.recovery_point):
                return index
            segment, seal = self.directory.segment(base), self._read_seal(base)
            if seal is None or base not in complete:
                self.observer.event("log.index_missing", path=segment.path())
                return index
            try:
                segment.trust(seal)
                if not last and seal.next_offset != following:
                    raise BadIndexError(f"offset {seal.next_offset} should follow, the next segment has {following}")
            except BadIndexError as error:
                self.observer.event("log.index_damaged", path=segment.path(), reason=str(error))
                return index
            self.segments.append(segment)
        return len(bases)

    def _read_seal(self, base: Offset) -> Seal | None:
        """The seal of a segment; None if it is missing, or damaged: then it is written anew after a scan."""
        try:
            return self.directory.read_seal(base)
        except BadIndexError as error:
            self.observer.event(
                "log.seal_damaged", path=f"{self.directory.path}/{file_name(base, SEAL_SUFFIX)}", reason=str(error)
            )
            return None

    def _batches(self, segment: Segment, position: int, expected: Offset) -> Iterator[ScannedBatch]:
        gaps = self.directory.config.may_have_gaps
        return scan_batches(segment.file, position, segment.size_bytes, expected, gaps=gaps)

    def _load_producers(self, offset: Offset) -> None:
        """Producers as of ``offset``: the newest good snapshot at or below it, and replay of the trusted log behind."""
        start = 0
        for candidate in reversed(self.offsets.get(SNAPSHOT_SUFFIX, [])):
            if candidate > offset:
                continue
            path = f"{self.directory.path}/{file_name(candidate, SNAPSHOT_SUFFIX)}"
            try:
                self.producers = ProducerStates(decode_snapshot(self.directory.filesystem.read_file(path)))
                start = candidate
                break
            except BadSnapshotError as error:
                self.observer.event("log.snapshot_damaged", path=path, reason=str(error))
                self.directory.filesystem.remove(path)
        for segment in self.segments:
            if segment.next_offset <= start:
                continue
            try:
                for scanned in self._batches(segment, 0, segment.base_offset):
                    if start <= scanned.header.base_offset < offset:
                        follow(self.producers, scanned, None)
            except BadBatchError as error:
                raise damaged(segment, error) from error

    def _scan(self, bases: list[Offset]) -> None:
        """Scan the segments from ``bases[0]`` on, cut at the first bad batch, and sync what remains."""
        for index, base in enumerate(bases):
            if self.segments and self._is_gap(base):
                self._require_undurable(self.segments[-1], "the segment that follows begins at offset " + str(base))
                self._remove_from(bases[index:])
                break
            segment = self.directory.segment(base)
            self.segments.append(segment)
            bad = self._scan_segment(segment, is_last=index == len(bases) - 1)
            is_followed = not self.clean and [segment.next_offset] == bases[index + 1 : index + 2]
            if bad is not None and (self.reached >= self.durable_end or is_followed):
                bad = _without_room(segment, bad, self.observer)
            if bad is not None:
                if self.reached < self.durable_end:
                    raise damaged(segment, bad) from bad
                self._cut(segment, bad)
                self._remove_from(bases[index + 1 :])
                break
        for segment in self.segments:
            if segment.base_offset >= bases[0]:
                segment.file.sync()
        for segment in self.segments[:-1]:
            if segment.base_offset >= bases[0]:
                self.directory.seal(segment, self.epochs)
        self.directory.sync()

    def _require_undurable(self, segment: Segment, reason: str) -> None:
        """Nothing durable may be missing behind ``segment``."""
        if segment.next_offset < self.recovery_point:
            raise StorageError(
                f"{segment.file.path} ends at offset {segment.next_offset} ({reason}), but offsets up to "
                f"{self.recovery_point} were durable: data of {self.directory.topic_partition} is missing; restore "
                "the file from a backup"
            )

    def _is_gap(self, base: Offset) -> bool:
        """Does offset ``base`` not follow the log so far? Then the end of the segment before it was lost."""
        previous = self.segments[-1]
        if previous.next_offset == base:
            return False
        seal = self._read_seal(previous.base_offset)
        if seal is not None and previous.size_bytes < seal.size_bytes:
            return True  # its end was lost
        if seal is not None and seal.size_bytes == previous.size_bytes and seal.next_offset < base:
            return True  # another segment lay between
        if base > previous.next_offset and self.directory.config.may_have_gaps and base <= self.recovery_point:
            previous.next_offset = base  # compaction took the last batches
            return False
        return True

    def _scan_segment(self, segment: Segment, *, is_last: bool) -> BadBatchError | None:
        end = segment.file.size()
        segment.size_bytes = 0
        gaps = self.directory.config.may_have_gaps
        seal = self._read_seal(segment.base_offset)
        self.reached = segment.next_offset
        try:
            for scanned in scan_batches(segment.file, 0, end, segment.base_offset, gaps=gaps):
                header = scanned.header
                is_gap = segment.next_offset < header.base_offset
                if is_gap:
                    self.reached = segment.next_offset
                is_new = is_last and (seal is None or scanned.position >= seal.size_bytes)  # never compacted
                if is_gap and is_new and header.next_offset > self.recovery_point:
                    return BadBatchError(
                        scanned.position, f"offset {header.base_offset} where {segment.next_offset} should follow"
                    )
                if not self._is_next_epoch(header.partition_leader_epoch):
                    return BadBatchError(
                        scanned.position, f"leader epoch {header.partition_leader_epoch} is out of order"
                    )
                self.epochs.assign(header.partition_leader_epoch, header.base_offset)
                follow(self.producers, scanned, segment)
                segment.note(header.size_bytes, header.last_offset, header.newest_timestamp)
                if not is_gap:
                    self.reached = header.next_offset
                if seal is not None and segment.size_bytes == seal.size_bytes and segment.places_crc != seal.places_crc:
                    raise damaged(segment, BadBatchError(0, "its offsets are not those that were sealed"))
        except BadBatchError as bad:
            return bad
        except CorruptBatch as error:  # a control batch that is no transaction marker
            return BadBatchError(segment.size_bytes, error.message)
        return None

    def _is_next_epoch(self, epoch: LeaderEpoch) -> bool:
        """Epochs never fall, and none lies ahead of this run's: no checksum covers them."""
        return max(self.epochs.latest, 0) <= epoch <= self.leader_epoch

    def _cut(self, segment: Segment, bad: BadBatchError) -> None:
        lost = written_end(segment.file, bad.position, ROOM_WINDOW_BYTES) - bad.position
        self.truncated_bytes += lost
        self.observer.event(
            "log.truncated", path=segment.file.path, position=bad.position, offset=segment.next_offset,
            lost_bytes=lost, reason=bad.reason,
        )  # fmt: skip
        segment.file.truncate(bad.position)

    def _remove_from(self, bases: list[Offset]) -> None:
        """Remove segments behind the cut, the last first, so that a crash in between leaves no gap."""
        for base in reversed(bases):
            segment = self.directory.segment(base)
            self.truncated_bytes += written_end(segment.file, 0)
            self.observer.event("log.segment_removed", path=segment.file.path)
            segment.remove()
            self.directory.sync()


def first_segment(directory: LogDirectory) -> Segment:
    """Begin an empty log in a directory that exists; syncs the directory. Raises OSError."""
    segment = directory.segment(0)
    segment.create(directory.config.initial_file_bytes)
    directory.sync()
    return segment


def _without_room(segment: Segment, bad: BadBatchError, observer: Observer) -> BadBatchError | None:
    """Give back room that was reserved behind the last batch and never written; None if there is nothing else there."""
    if written_end(segment.file, bad.position, ROOM_WINDOW_BYTES) != bad.position:
        return bad
    observer.event("log.trimmed", path=segment.file.path, position=bad.position)
    segment.file.truncate(bad.position)
    return None


def damaged(segment: Segment, bad: BadBatchError) -> StorageError:
    """The error for durable data that the disk changed."""
    return StorageError(
        f"{segment.file.path}, position {bad.position}: {bad.reason}; this data was durable and is damaged on disk. "
        "Nothing from there on is served; restore the file from a backup"
    )


def recover(
    directory: LogDirectory,
    observer: Observer,
    now_ms: TimestampMs,
    *,
    clean: bool,
    recovery_point: Offset,
    leader_epoch: LeaderEpoch | None = None,
    start_offset: Offset | None = None,
) -> RecoveredLog:
    """Open the log in ``directory``, creating it if there is none.

    Arguments:
        clean: the last owner closed it.
        recovery_point: below it everything was durable at the last checkpoint.
        leader_epoch: this run's; no batch may have a later one.

        start_offset: below it everything was deleted, and nothing else; None if unknown.

    Raises:
        StorageError: durable data is damaged or missing, or the disk failed; names file and position.
    """
    recovery = Recovery(
        directory=directory,
        observer=observer,
        clean=clean,
        recovery_point=recovery_point,
        leader_epoch=MAX_LEADER_EPOCH if leader_epoch is None else leader_epoch,
    )
    try:
        recovery.run(now_ms)
    except OSError as error:
        raise StorageError(f"opening the log {directory.path} failed: {error}") from error
    segments, end = recovery.segments, recovery.segments[-1].next_offset
    if start_offset is None:
        start_offset = segments[0].base_offset
    elif segments[0].base_offset > start_offset:
        raise StorageError(
            f"{segments[0].file.path}: the log begins here, but offsets from {start_offset} on were not deleted: "
            f"segments of {directory.topic_partition} before this one are missing; restore them from a backup"
        )
    if start_offset > end:
        raise StorageError(f"the log {directory.path} should begin at offset {start_offset} but ends at {end}")
    start_offset = max(start_offset, segments[0].base_offset)
    observer.event(
        "log.opened", partition=str(directory.topic_partition), clean=clean, start_offset=start_offset, end_offset=end,
        truncated_bytes=recovery.truncated_bytes,
    )  # fmt: skip
    return RecoveredLog(
        segments=segments,
        producers=recovery.producers,
        epochs=recovery.epochs,
        start_offset=start_offset,
        truncated_bytes=recovery.truncated_bytes,
        is_sealed=recovery.is_sealed,
    )
