"""The reference model of one log: a list of batches, and everything else worked out by going over it.

It knows nothing of files, segments or indexes. What the log may lose or leave out, and when, is said here and nowhere
else: acknowledged batches never, except below the start offset, and in a compacted log what compaction may take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

Row = tuple[int, bytes | None, bytes | None]
"""Offset, key, value."""


@dataclass(frozen=True)
class Batch:
    """One batch: data, or with ``commit`` set a transaction's end."""

    base: int
    rows: tuple[tuple[bytes | None, bytes | None], ...] = ()
    timestamp: int = 0
    producer: int = -1
    sequence: int = -1
    transactional: bool = False
    commit: bool | None = None

    @property
    def next(self) -> int:
        return self.base + (len(self.rows) if self.commit is None else 1)

    def numbered(self) -> Iterator[Row]:
        for index, (key, value) in enumerate(self.rows):
            yield self.base + index, key, value


@dataclass
class LogModel:
    """What was appended, and how much of it was acknowledged.

    ``start`` is what clients deleted up to and were told so, ``asked`` what they wanted to; retention may go further.
    """

    compacted: bool
    retention_ms: int = -1
    delete_retention_ms: int = 0
    batches: list[Batch] = field(default_factory=list)
    acknowledged: int = 0
    start: int = 0
    asked: int = 0

    @property
    def end(self) -> int:
        return self.batches[-1].next if self.batches else 0

    def survived(self, end: int) -> None:
        """After a crash the log ends at ``end``: at a batch's boundary, and nothing acknowledged is missing."""
        assert end >= self.acknowledged, f"acknowledged up to {self.acknowledged}, the log ends at {end}"
        self.batches = [batch for batch in self.batches if batch.next <= end]
        assert self.end == end, f"the log ends at {end}, inside or beyond what was appended: {self.end}"
        self.acknowledged = end

    # -- transactions

    def open_transactions(self, below: int | None = None) -> dict[int, int]:
        """Producer to first offset of those without a marker (below an offset)."""
        found: dict[int, int] = {}
        for batch in self.batches:
            if below is not None and batch.base >= below:
                break
            if batch.commit is not None:
                found.pop(batch.producer, None)
            elif batch.transactional:
                found.setdefault(batch.producer, batch.base)
        return dict(sorted(found.items()))

    def stable(self, high_watermark: int) -> int:
        return min([high_watermark, *self.open_transactions(high_watermark).values()])

    def decided(self) -> Iterator[tuple[Batch, bool | None]]:
        """Every data batch and its outcome: True for what needs no transaction, None while one is open."""
        outcome: dict[int, bool] = {}
        found = []
        for batch in reversed(self.batches):
            if batch.commit is not None:
                outcome[batch.producer] = batch.commit
            else:
                found.append((batch, outcome.get(batch.producer) if batch.transactional else True))
        return reversed(found)

    def last_of(self, producer: int) -> Batch | None:
        """The newest data batch of a producer."""
        mine = (batch for batch in reversed(self.batches) if batch.producer == producer and batch.commit is None)
        return next(mine, None)

    # -- what readers get

    def check_rows(self, found: list[Row], start: int, high_watermark: int) -> None:
        """All data from the log's start up to the high watermark, aborted or not."""
        expected = [row for batch in self.batches for row in batch.numbered() if start <= row[0] < high_watermark]
        found = [row for row in found if row[0] >= start]
        if self.compacted:
            assert set(found) <= set(expected), f"never written: {sorted(set(found) - set(expected))[:3]}"
            assert found == sorted(found, key=lambda row: row[0]), "offsets fall"
        else:
            assert found == expected, _difference(found, expected)

    def check_committed(self, found: list[Row], start: int, stable: int, now_ms: int) -> None:
        """What a read_committed reader gets: everything decided to stand; in a compacted log at least the newest of
        every key, a tombstone until it is old enough, and never a state of the table that was superseded."""
        standing = [(batch, row) for batch, stands in self.decided() if stands for row in batch.numbered()]
        standing = [(batch, row) for batch, row in standing if start <= row[0] < stable]
        found = [row for row in found if row[0] >= start]
        if not self.compacted:
            expected = [row for _, row in standing]
            assert found == expected, _difference(found, expected)
            return
        assert set(found) <= {row for _, row in standing}, "aborted or unwritten data is visible"
        newest = {row[1]: (batch, row) for batch, row in standing}
        for batch, row in newest.values():
            may_be_gone = row[2] is None and now_ms >= batch.timestamp + self.delete_retention_ms
            assert row in found or may_be_gone, f"the newest record of its key is gone: {row}"
        table = {key: value for _, key, value in found}
        for key, value in table.items():
            assert value == newest[key][1][2], f"{key!r} reads as {value!r}, it should be {newest[key][1]}"

    def check_start(self, start: int, now_ms: int) -> None:
        """Nothing that clients deleted is back; retention took nothing that is young enough."""
        assert start >= self.start, f"clients deleted up to {self.start}, the log starts at {start}"
        if start > self.asked and self.retention_ms >= 0:
            gone = [batch for batch in self.batches if self.asked <= batch.base and batch.next <= start]
            young = [batch for batch in gone if now_ms - batch.timestamp <= self.retention_ms]
            assert not young, f"deleted before its time: {young[0]}"


def _difference(found: list[Row], expected: list[Row]) -> str:
    missing, more = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    return f"missing {missing[:3]}, more than expected {more[:3]}, {len(found)} rows instead of {len(expected)}"
