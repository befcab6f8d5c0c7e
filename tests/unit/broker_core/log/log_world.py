"""A log on a disk in memory, and short ways to write to it and read it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from broker_core.config import LogConfig
from broker_core.log.partition_log import PartitionLog, ReadResult
from broker_core.log.upkeep import Work
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation, TopicPartition
from broker_core.protocol.batch import BatchColumns, BatchHeader, build_batch, decode_batch, iterate_batches

PARTITION = TopicPartition("orders", 0)
DIRECTORY = "logs/orders-0"
NOW_MS = 1_700_000_000_000
SMALL = LogConfig(segment_bytes=2_000, index_interval_bytes=150)
"""A segment holds a dozen small batches; every second or third one is indexed."""


class Recorder:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **fields: object) -> None:
        self.events.append((name, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]


def batch(*values: bytes | None, key: bytes | None = b"k", timestamp: int = NOW_MS, **producer: Any) -> bytes:
    """One batch with a record per value."""
    return build_batch([key] * len(values), list(values), [timestamp] * len(values), **producer)


def transactional(producer_id: int, sequence: int, *values: bytes, epoch: int = 0) -> bytes:
    return batch(*values, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence, is_transactional=True)


def open_log(
    filesystem: MemoryFilesystem,
    config: LogConfig = SMALL,
    *,
    clean: bool = False,
    recovery_point: int = 0,
    observer: Recorder | None = None,
    **options: Any,
) -> PartitionLog:
    return PartitionLog.open(
        filesystem, DIRECTORY, PARTITION, config, NOW_MS, observer or Recorder(),
        clean=clean, recovery_point=recovery_point, **options,
    )  # fmt: skip


def sync(log: PartitionLog) -> None:
    """One whole sync wave."""
    pending = log.pending_sync()
    if pending is not None:
        for file in pending.files:
            file.sync()
        log.mark_synced(pending.end_offset)


def drain(work: Work) -> int:
    """Every step of ``work`` at once; returns what it returns."""
    while True:
        try:
            file = next(work)
        except StopIteration as end:
            return int(end.value)
        if file is not None:
            file.sync()


def headers(records: bytes) -> list[BatchHeader]:
    return [header for _, header in iterate_batches(records)]


def reads(
    log: PartitionLog, isolation: Isolation = Isolation.READ_UNCOMMITTED, *, max_bytes: int = 500
) -> Iterator[ReadResult]:
    """Read on from the start until nothing more comes."""
    offset = log.start_offset
    while True:
        result = log.read(offset, max_bytes, isolation)
        if not result.records:
            return
        yield result
        offset = headers(result.records)[-1].next_offset


def records(log: PartitionLog) -> list[tuple[int, bytes | None]]:
    """Offset and value of every data record that may be read, aborted ones too."""
    found = []
    for result in reads(log):
        for position, header in iterate_batches(result.records):
            if not header.is_control:
                columns = decode_batch(result.records, position, header)
                found.extend(zip(offsets(columns), columns.values, strict=True))
    return found


def offsets(columns: BatchColumns) -> Sequence[int]:
    """The offset of every record, also where compaction left gaps."""
    return columns.offsets or range(columns.base_offset, columns.base_offset + len(columns.keys))


def committed(log: PartitionLog, max_bytes: int = 500) -> list[tuple[int, bytes | None]]:
    """What a read_committed consumer gets, filtering with the aborted list as Kafka's does."""
    found = []
    for result in reads(log, Isolation.READ_COMMITTED, max_bytes=max_bytes):
        pending = sorted(result.aborted, key=lambda aborted: aborted.first_offset)
        aborting: set[int] = set()
        for position, header in iterate_batches(result.records):
            while pending and pending[0].first_offset <= header.last_offset:
                aborting.add(pending.pop(0).producer_id)
            if header.is_control:
                if not header.record_count:
                    continue
                aborting.discard(header.producer_id)
            elif not (header.is_transactional and header.producer_id in aborting):
                columns = decode_batch(result.records, position, header)
                found.extend(zip(offsets(columns), columns.values, strict=True))
    return found
