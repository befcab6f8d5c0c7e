"""Eight faults that a log has had, planted one at a time: the simulation must find each.

Each is a small change of what the code does, made for as long as ``planted`` lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from broker_core.log import cleaner, scan
from broker_core.log.compaction import BatchFilter, TransactionTracker
from broker_core.log.directory import LogDirectory
from broker_core.log.index import OffsetIndex
from broker_core.log.partition_log import PartitionLog
from broker_core.log.segments import SegmentList


def sync_skipped() -> Any:
    """A wave leaves out the segments that were rolled since the last one."""
    real = SegmentList.unsynced_files
    return patch.object(SegmentList, "unsynced_files", lambda self, synced: real(self, synced)[:1])


def watermark_too_early() -> Any:
    """After a wave everything appended counts as synced, also what came while the wave was under way."""
    real = PartitionLog.pending_sync
    return patch.object(PartitionLog, "pending_sync", lambda self, since=None: _early(self, real(self, since)))


def index_off_by_one() -> Any:
    """A search begins one entry too far."""

    def lookup(self: OffsetIndex, relative_offset: int) -> tuple[int, int] | None:
        for offset, position in zip(self._offsets, self._positions, strict=True):
            if offset > relative_offset:
                return offset, position
        return None

    return patch.object(OffsetIndex, "lookup", lookup)


def snapshot_stale() -> Any:
    """A snapshot of the producers holds what the one before should have held."""
    real, last = LogDirectory.write_snapshot, dict[str, Any]()

    def write(self: LogDirectory, offset: int, producers: Any) -> None:
        current = [_copy(entry) for entry in producers.entries()]
        previous = last.get(self.path, [])
        last[self.path] = current
        real(self, offset, _Frozen(previous))

    return patch.object(LogDirectory, "write_snapshot", write)


def tombstone_dropped_early() -> Any:
    """Compaction takes a deletion away in the pass after the first, whatever delete.retention.ms says."""
    return patch.object(BatchFilter, "apply", _without_retention(BatchFilter.apply))


def marker_dropped_early() -> Any:
    """Compaction takes a transaction's marker away although data of the transaction is left."""
    real = TransactionTracker.end

    def end(self: TransactionTracker, data: bytes, header: Any) -> tuple[bool, Any]:
        _, entry = real(self, data, header)
        return True, entry

    return patch.object(TransactionTracker, "end", end)


def torn_batch_accepted() -> Any:
    """Recovery does not look at checksums."""
    return patch.object(scan, "check_crc", lambda data, position, header: None)


def lost_rename() -> Any:
    """Compaction does not sync the directory after its renames."""
    real = cleaner._swap

    def swap(*arguments: Any) -> Iterator[Any]:
        work = real(*arguments)
        while True:
            with patch.object(LogDirectory, "sync", lambda self: None):
                try:
                    step = next(work)
                except StopIteration:
                    return
            yield step

    return patch.object(cleaner, "_swap", swap)


def reserve_kept() -> Any:
    """What was reserved for a segment and not used stays behind its end."""
    real = LogDirectory.seal

    def seal(self: LogDirectory, segment: Any, epochs: Any) -> None:
        segment.file_bytes = 0
        real(self, segment, epochs)

    return patch.object(LogDirectory, "seal", seal)


BUGS: dict[str, Callable[[], Any]] = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        sync_skipped, watermark_too_early, index_off_by_one, snapshot_stale, tombstone_dropped_early,
        marker_dropped_early, torn_batch_accepted, lost_rename, reserve_kept,
    )
}  # fmt: skip


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """The code with one fault in it; with None as it is."""
    if name is None:
        yield
        return
    with BUGS[name]():
        yield


class _Frozen:
    """What ``write_snapshot`` asks of producers."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = tuple(entries)

    def entries(self) -> tuple[Any, ...]:
        return self._entries


def _copy(entry: Any) -> Any:
    return replace(entry)


class _Growing:
    """A pending sync whose end is where the log ends when the wave is over."""

    def __init__(self, log: Any, pending: Any) -> None:
        self._log, self._pending = log, pending
        self.topic_partition, self.files = pending.topic_partition, pending.files

    @property
    def end_offset(self) -> int:
        return int(self._log.end_offset)


def _early(log: Any, pending: Any) -> Any:
    return None if pending is None else _Growing(log, pending)


def _without_retention(real: Callable[..., Any]) -> Callable[..., Any]:
    def apply(self: BatchFilter, data: bytes, header: Any, *, is_last: bool) -> bytes | None:
        self.delete_retention_ms = 0
        return real(self, data, header, is_last=is_last)

    return apply
