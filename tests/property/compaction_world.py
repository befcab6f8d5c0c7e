"""A compacted log with a reference model of what compaction may and must leave of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from broker_core.log.cleaner import compact
from broker_core.log.compaction import plan_compaction
from broker_core.log.partition_log import PartitionLog
from broker_core.log.upkeep import segment_facts
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.protocol.batch import build_batch, decode_batch, iterate_batches
from tests.unit.broker_core.log.log_world import NOW_MS, SMALL, committed, drain, offsets, open_log, reads, sync

COMPACTED = replace(
    SMALL, segment_bytes=600, cleanup_policy=frozenset({"compact"}), delete_retention_ms=1_000,
    min_cleanable_dirty_ratio=0.0,
)  # fmt: skip
KEYS = [b"a", b"b", b"c", b"d"]


@dataclass
class Record:
    """One data record as it was written. ``decided``: None while its transaction is open."""

    offset: int
    key: bytes
    value: bytes | None
    producer: int
    decided: bool | None


@dataclass
class World:
    """Random writes by two transactional producers and a plain one, and everything that was ever written."""

    seed: int
    filesystem: MemoryFilesystem = field(default_factory=MemoryFilesystem)
    history: list[Record] = field(default_factory=list)
    now_ms: int = NOW_MS
    first_dirty: int = 0
    cleaned_at: dict[int, int] = field(default_factory=dict)
    """When a tombstone was first cleaned over, by offset."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.sequences = {7: 0, 8: 0}
        self.log = self.open()

    def open(self, **options: int) -> PartitionLog:
        options.setdefault("leader_epoch", 1)
        self.log = open_log(self.filesystem, COMPACTED, **options)
        return self.log

    # -- writing

    def write(self) -> None:
        """One batch, or the end of a transaction."""
        self.now_ms += self.random.randrange(50)
        producer = self.random.choice([-1, -1, 7, 8])
        if producer > 0 and self.random.random() < 0.35:
            commit = self.random.random() < 0.5
            self.log.append_marker(producer, 0, 0, commit, self.now_ms)
            for record in self.history:
                if record.producer == producer and record.decided is None:
                    record.decided = commit
            return
        keys = [self.random.choice(KEYS) for _ in range(self.random.randrange(1, 4))]
        base = self.log.end_offset
        values = [None if self.random.random() < 0.25 else b"%d" % (base + index) for index in range(len(keys))]
        more = {}
        if producer > 0:
            more = {
                "producer_id": producer, "producer_epoch": 0, "base_sequence": self.sequences[producer],
                "is_transactional": True,
            }  # fmt: skip
            self.sequences[producer] += len(keys)
        codec = self.random.choice([0, 0, 0, 4])
        self.log.append(build_batch(keys, values, [self.now_ms] * len(keys), codec=codec, **more), self.now_ms)
        decided = True if producer < 0 else None
        self.history += [
            Record(base + index, key, value, producer, decided)
            for index, (key, value) in enumerate(zip(keys, values, strict=True))
        ]

    def finish(self) -> None:
        """End all transactions, and seal the active segment with a few writes of a key of its own."""
        for producer in (7, 8):
            self.log.append_marker(producer, 0, 0, True, self.now_ms)
        for record in self.history:
            record.decided = record.decided if record.decided is not None else True
        self.log.parts.writer.roll()
        sync(self.log)

    # -- compaction

    def compact(self, **options: int) -> int | None:
        """One pass; the offset up to which keys were taken into account, None if nothing was due."""
        plan = plan_compaction(
            segment_facts(self.log), COMPACTED, first_dirty=self.first_dirty,
            stable_offset=self.log.last_stable_offset, now_ms=self.now_ms,
        )  # fmt: skip
        if plan is None:
            return None
        end = drain(compact(self.log, plan, self.now_ms, **options))
        # A pass sets horizons in whole segments, also behind the last key that its map had room for.
        reach = max(segment.next_offset for segment in plan.segments if segment.base_offset < end)
        for record in self.history:
            if record.value is None and record.offset < reach:
                self.cleaned_at.setdefault(record.offset, self.now_ms)
        self.first_dirty = end
        return end

    # -- what must hold

    def visible(self) -> list[Record]:
        return [record for record in self.history if record.decided]

    def found(self) -> list[tuple[int, bytes | None, bytes | None]]:
        """Offset, key and value of everything in the log, aborted data included."""
        rows = []
        for result in reads(self.log):
            for position, header in iterate_batches(result.records):
                if not header.is_control:
                    columns = decode_batch(result.records, position, header)
                    rows += list(zip(offsets(columns), columns.keys, columns.values, strict=True))
        return rows

    def check(self, *, synced: int | None = None) -> None:
        """What holds after any writes, passes and crashes.

        Nothing appears that was not written; of every key the newest decided record is there unless it is a tombstone
        that was cleaned over long enough ago; a reader sees nothing aborted and ends with the right table.
        """
        end = self.log.high_watermark if synced is None else synced
        stable = self.log.last_stable_offset
        rows = self.found()
        written = {record.offset: (record.offset, record.key, record.value) for record in self.history}
        assert all(row == written[row[0]] for row in rows)
        assert [row[0] for row in rows] == sorted({row[0] for row in rows})
        seen = committed(self.log)
        aborted = {record.offset for record in self.history if record.decided is False}
        assert not aborted & {offset for offset, _ in seen}
        newest = {record.key: record for record in self.visible() if record.offset < min(end, stable)}
        present = {offset for offset, _ in seen}
        for record in newest.values():
            cleaned_at = self.cleaned_at.get(record.offset)
            may_be_gone = cleaned_at is not None and self.now_ms >= cleaned_at + COMPACTED.delete_retention_ms
            assert record.offset in present or (record.value is None and may_be_gone), record
        keys = {record.offset: record.key for record in self.history}
        table = {keys[offset]: value for offset, value in seen}
        assert {key: value for key, value in table.items() if value is not None} == {
            record.key: record.value for record in newest.values() if record.value is not None
        }
