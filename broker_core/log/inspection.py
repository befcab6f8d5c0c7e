"""Looking at a log's files without opening the log: every byte is checked, nothing is changed.

It finds what is wrong and says where; what a broker does about it is ``recovery``'s, what a person does ``repair``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import google_crc32c

from broker_core.errors import BrokerError, StorageError
from broker_core.log.aborted import decode_aborts
from broker_core.log.checkpoint import decode_epochs, read_partition_metadata
from broker_core.log.format import (
    INDEX_SUFFIX,
    LEADER_EPOCHS_NAME,
    LOG_SUFFIX,
    SEAL_SUFFIX,
    SIDE_SUFFIXES,
    SNAPSHOT_SUFFIX,
    TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    file_name,
    parse_file_name,
)
from broker_core.log.index import BadIndexError, OffsetIndex, TimeIndex
from broker_core.log.producer_snapshot import BadSnapshotError, decode_snapshot
from broker_core.log.scan import BadBatchError, ScannedBatch, scan_batches, written_end
from broker_core.log.seal import decode_seal, extend_places
from broker_core.model import LeaderEpoch, Offset
from broker_core.ports import Filesystem
from broker_core.protocol.batch import decode_batch

EVERYTHING: Final[Offset] = 2**63 - 1
Progress = Callable[[int], None]
"""Is told how many more bytes were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong in a file.

    Arguments:
        path: relative to the data directory.
        position: in bytes; None for the file as a whole.
        is_damage: records are lost or changed. Otherwise the broker makes the file anew from the log.
    """

    path: str
    position: int | None
    reason: str
    is_damage: bool

    def __str__(self) -> str:
        where = self.path if self.position is None else f"{self.path}, position {self.position}"
        return f"{where}: {self.reason}"


@dataclass(slots=True, kw_only=True)
class Inspection:
    """What a log's files hold.

    ``end_offset`` and ``last_epoch`` are those of the good batches before the first damage; ``seen_offset`` is the
    offset behind everything that was ever there, as far as can be seen.
    """

    directory: str
    segments: int = 0
    batches: int = 0
    records: int = 0
    size_bytes: int = 0
    start_offset: Offset = 0
    end_offset: Offset = 0
    last_epoch: LeaderEpoch = 0
    seen_offset: Offset = 0
    first_timestamp: int = -1
    last_timestamp: int = -1
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_damaged(self) -> bool:
        return any(finding.is_damage for finding in self.findings)


def batches_of(filesystem: Filesystem, path: str) -> Iterator[ScannedBatch]:
    """Every batch of a segment's log, in order; nothing of what was reserved behind them.

    Raises BadBatchError at the first damage, OSError.
    """
    parsed = parse_file_name(path.rpartition("/")[2])
    file = filesystem.open(path)
    try:
        yield from scan_batches(file, 0, file.size(), 0 if parsed is None else parsed[0], gaps=True)
    except BadBatchError as error:
        if written_end(file, error.position) != error.position:
            raise
    finally:
        file.close()


def inspect(
    filesystem: Filesystem,
    directory: str,
    *,
    has_gaps: bool,
    durable_end: Offset,
    start_offset: Offset | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Check all files of one log.

    Arguments:
        directory: relative to the filesystem's root.
        has_gaps: missing offsets are compaction's work.
        durable_end: below it everything must be good; bad batches beyond are writes that a crash cut short.
        start_offset: below it everything was deleted, and nothing else.
    """
    found = Inspection(directory=directory)
    names = filesystem.list_directory(directory)
    logs = [name for name in names if name.endswith(LOG_SUFFIX) and parse_file_name(name) is not None]
    for index, name in enumerate(logs):
        parsed = parse_file_name(name)
        assert parsed is not None
        base = parsed[0]
        path = f"{directory}/{name}"
        found.seen_offset = max(found.seen_offset, base)
        if index == 0:
            found.start_offset = found.end_offset = base
        elif base != found.end_offset and not (has_gaps and base > found.end_offset) and not found.is_damaged:
            _note(found, path, 0, f"begins at offset {base} where {found.end_offset} should follow", is_damage=True)
        segment = _inspect_segment(filesystem, found, path, has_gaps, durable_end, progress)
        is_last = index == len(logs) - 1
        _inspect_beside(filesystem, found, directory, base, segment, names, is_active=is_last)
        _inspect_seal(filesystem, found, directory, base, segment, names, is_active=is_last)
    if found.end_offset < durable_end < EVERYTHING and not found.is_damaged:
        reason = f"ends at offset {found.end_offset}, but offsets up to {durable_end} were durable"
        _note(found, f"{directory}/{logs[-1]}" if logs else directory, None, reason, is_damage=True)
    if start_offset is not None and found.start_offset > start_offset:
        reason = f"begins at offset {found.start_offset}, but offsets from {start_offset} on were not deleted"
        _note(found, directory, None, reason, is_damage=True)
    _inspect_small(filesystem, found, directory, names)
    return found


def _note(found: Inspection, path: str, position: int | None, reason: str, *, is_damage: bool) -> None:
    found.findings.append(Finding(path=path, position=position, reason=reason, is_damage=is_damage))


class _Segment(NamedTuple):
    """The last offset of each good batch by position, what a seal says of them, and where the log ends in its file."""

    positions: dict[int, Offset]
    places_crc: int
    size_bytes: int


def _inspect_segment(
    filesystem: Filesystem,
    found: Inspection,
    path: str,
    has_gaps: bool,
    durable_end: Offset,
    progress: Progress | None,
) -> _Segment:
    """Check a segment's batches."""
    found.segments += 1
    positions: dict[int, Offset] = {}
    places_crc = 0
    parsed = parse_file_name(path.rpartition("/")[2])
    expected = 0 if parsed is None else parsed[0]
    file = filesystem.open(path)
    was_damaged = found.is_damaged
    try:
        size = file.size()
        for position, header, data, start in scan_batches(file, 0, size, expected, gaps=has_gaps):
            try:
                decode_batch(data, start, header)
            except BrokerError as error:
                raise BadBatchError(position, error.message) from error
            positions[position] = header.last_offset
            places_crc = extend_places(places_crc, header.last_offset, header.size_bytes)
            found.batches += 1
            found.records += header.record_count
            if found.first_timestamp < 0:
                found.first_timestamp = header.base_timestamp
            found.last_timestamp = max(found.last_timestamp, header.max_timestamp)
            if not was_damaged:
                found.end_offset = header.next_offset
                found.last_epoch = max(found.last_epoch, header.partition_leader_epoch)
            found.seen_offset = max(found.seen_offset, header.next_offset)
            if progress is not None:
                progress(header.size_bytes)
    except BadBatchError as error:
        written = written_end(file, error.position)
        if written == error.position and durable_end < EVERYTHING:
            if progress is not None:
                progress(size - written)
            size = written  # the rest is reserved; batches that are missing there are found missing by the offsets
        elif found.end_offset < durable_end:
            _note(found, path, error.position, error.reason, is_damage=True)
        else:
            _note(found, path, error.position, f"{error.reason}; never acknowledged, to be cut off", is_damage=False)
    finally:
        file.close()
    found.size_bytes += size
    return _Segment(positions, places_crc, size)


def _inspect_seal(
    filesystem: Filesystem,
    found: Inspection,
    directory: str,
    base: Offset,
    segment: _Segment,
    names: list[str],
    *,
    is_active: bool,
) -> None:
    """Compare a segment's files with its seal."""
    path = f"{directory}/{file_name(base, SEAL_SUFFIX)}"
    if file_name(base, SEAL_SUFFIX) not in names:
        return  # told already
    try:
        seal = decode_seal(filesystem.read_file(path))
    except BadIndexError as error:
        _note(found, path, None, f"{error}; made anew from the log", is_damage=False)
        return
    log = f"{directory}/{file_name(base, LOG_SUFFIX)}"
    if found.is_damaged:
        return  # told already
    if segment.size_bytes < seal.size_bytes and not is_active:
        reason = f"ends here, {seal.size_bytes} bytes were sealed"
        _note(found, log, segment.size_bytes, reason, is_damage=True)
    if segment.size_bytes != seal.size_bytes:
        return  # written to since
    if segment.places_crc != seal.places_crc:
        _note(found, log, 0, "offsets are not those that were written (by the seal)", is_damage=True)
    expected = (seal.index_crc, seal.time_index_crc, seal.transaction_index_crc)
    for suffix, crc in zip((INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX), expected, strict=True):
        if file_name(base, suffix) in names:
            beside = f"{directory}/{file_name(base, suffix)}"
            if google_crc32c.value(filesystem.read_file(beside)) != crc:
                _note(found, beside, None, "not what was sealed; made anew from the log", is_damage=False)


def _inspect_beside(
    filesystem: Filesystem,
    found: Inspection,
    directory: str,
    base: Offset,
    segment: _Segment,
    names: list[str],
    *,
    is_active: bool,
) -> None:
    """Check the indexes of one segment against its batches."""
    positions = segment.positions
    for suffix in SIDE_SUFFIXES:
        path = f"{directory}/{file_name(base, suffix)}"
        if file_name(base, suffix) not in names:
            if not is_active:
                _note(found, path, None, "missing; made anew from the log", is_damage=False)
            continue
        if suffix == SEAL_SUFFIX:
            continue
        data = filesystem.read_file(path)
        try:
            if suffix == INDEX_SUFFIX:
                _check_positions(OffsetIndex.decode(data, segment.size_bytes), base, positions)
            elif suffix == TIME_INDEX_SUFFIX:
                TimeIndex.decode(data)
            else:
                decode_aborts(data, base, max(positions.values(), default=base) + 1)
        except BadIndexError as error:
            _note(found, path, None, f"{error}; made anew from the log", is_damage=False)


def _check_positions(index: OffsetIndex, base: Offset, positions: dict[int, Offset]) -> None:
    for relative, position in index.entries():
        if positions and positions.get(position) != base + relative and position <= max(positions):
            raise BadIndexError(f"offset {base + relative} is not at position {position}")


def _inspect_small(filesystem: Filesystem, found: Inspection, directory: str, names: list[str]) -> None:
    for name in names:
        path = f"{directory}/{name}"
        try:
            if name.endswith(SNAPSHOT_SUFFIX):
                decode_snapshot(filesystem.read_file(path))
            elif name == LEADER_EPOCHS_NAME:
                decode_epochs(filesystem.read_file(path), path)
        except (BadSnapshotError, StorageError) as error:
            _note(found, path, None, f"{error}; made anew from the log", is_damage=False)
    try:
        read_partition_metadata(filesystem, directory)
    except StorageError as error:
        _note(found, directory, None, str(error), is_damage=True)
