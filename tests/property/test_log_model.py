"""The log against a model that is a list: random appends, transactions, markers, reads, waves, closes and crashes.

The model knows what was appended where; after power loss it learns the surviving length from the log, which must lie
between what was synced and what was appended.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.log.partition_log import PartitionLog
from broker_core.log.upkeep import retain
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation
from tests.unit.broker_core.log.log_world import NOW_MS, batch, committed, drain, headers, open_log, records, sync

PRODUCERS = (1, 2, 3)


@dataclass(frozen=True)
class Entry:
    """One batch of the model: its offsets, its values (None for a marker), and what it means."""

    offset: int
    values: tuple[bytes, ...] | None
    producer: int = -1
    epoch: int = -1
    sequence: int = -1
    transactional: bool = False
    commit: bool = False

    @property
    def next_offset(self) -> int:
        return self.offset + (1 if self.values is None else len(self.values))


class Model:
    """A list of batches, and everything else computed from it by going over it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def end(self) -> int:
        return self.entries[-1].next_offset if self.entries else 0

    def cut(self, end: int) -> None:
        self.entries = [entry for entry in self.entries if entry.next_offset <= end]
        assert self.end == end, "a batch survives whole or not at all"

    def open_transactions(self, end: int | None = None) -> dict[int, int]:
        """Producer to first offset, as of ``end``."""
        found: dict[int, int] = {}
        for entry in self.entries:
            if end is not None and entry.offset >= end:
                break
            if entry.values is None:
                found.pop(entry.producer, None)
            elif entry.transactional:
                found.setdefault(entry.producer, entry.offset)
        return found

    def stable_offset(self, high_watermark: int) -> int:
        return min([*self.open_transactions(high_watermark).values(), high_watermark])

    def state(self, producer: int) -> tuple[int, int]:
        """Epoch and next sequence of a producer; (-1, 0) if it is unknown."""
        epoch, sequence = -1, 0
        for entry in self.entries:
            if entry.producer == producer:
                if entry.epoch != epoch:
                    epoch, sequence = entry.epoch, 0
                if entry.values is not None:
                    sequence = entry.sequence + len(entry.values)
        return epoch, sequence

    def raw(self, end: int) -> list[tuple[int, bytes]]:
        return [
            (entry.offset + index, value)
            for entry in self.entries
            if entry.values is not None and entry.offset < end
            for index, value in enumerate(entry.values)
        ]

    def committed(self, end: int) -> list[tuple[int, bytes]]:
        """Values below ``end`` but for those whose transaction ends with an abort."""
        aborted: set[int] = set()
        waiting: dict[int, list[int]] = {}
        for entry in self.entries:
            if entry.values is None:
                offsets = waiting.pop(entry.producer, [])
                if not entry.commit:
                    aborted.update(offsets)
            elif entry.transactional:
                waiting.setdefault(entry.producer, []).extend(range(entry.offset, entry.next_offset))
        return [(offset, value) for offset, value in self.raw(end) if offset not in aborted]


class LogAgainstModel(RuleBasedStateMachine):
    @initialize(segment_bytes=st.integers(150, 3000), interval=st.integers(0, 500), seed=st.integers(0, 2**16))
    def begin(self, segment_bytes: int, interval: int, seed: int) -> None:
        self.config = LogConfig(segment_bytes=segment_bytes, index_interval_bytes=interval)
        self.filesystem = MemoryFilesystem()
        self.random = random.Random(seed)
        self.model = Model()
        self.value = 0
        self.epoch = 0
        self.synced = 0
        self.start = 0
        self.log: PartitionLog = self.opened(clean=False)

    def opened(self, *, clean: bool) -> PartitionLog:
        self.epoch += 1
        return open_log(
            self.filesystem, self.config, clean=clean, recovery_point=self.synced, leader_epoch=self.epoch,
            start_offset=self.start,
        )  # fmt: skip

    def values(self, count: int) -> tuple[bytes, ...]:
        self.value += 1
        return tuple(b"%d.%d" % (self.value, index) for index in range(count))

    # -- writing

    @rule(count=st.integers(1, 3))
    def append_plain(self, count: int) -> None:
        values = self.values(count)
        if len(batch(*values)) > self.config.segment_bytes:
            return
        result = self.log.append(batch(*values), NOW_MS)
        assert result.base_offset == self.model.end
        self.model.entries.append(Entry(result.base_offset, values))

    @rule(
        producer=st.sampled_from(PRODUCERS), count=st.integers(1, 3), transactional=st.booleans(),
        skip=st.sampled_from([0, 0, 0, 0, 1, -1]), epoch_step=st.sampled_from([0, 0, 0, 0, 1, -1]),
    )  # fmt: skip
    def append_idempotent(self, producer: int, count: int, transactional: bool, skip: int, epoch_step: int) -> None:
        epoch, sequence = self.model.state(producer)
        wanted_epoch = max(0, epoch + epoch_step)
        next_sequence = sequence if wanted_epoch == epoch else 0
        wanted = next_sequence + skip
        if wanted < 0 or (epoch < 0 and wanted_epoch != 0):
            return
        values = self.values(count)
        data = batch(
            *values,
            producer_id=producer,
            producer_epoch=wanted_epoch,
            base_sequence=wanted,
            is_transactional=transactional,
        )
        if len(data) > self.config.segment_bytes:
            return
        known = epoch >= 0
        expected = None
        if known and wanted_epoch < epoch:
            expected = ErrorCode.INVALID_PRODUCER_EPOCH
        elif known and wanted != next_sequence:
            expected = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        elif producer in self.model.open_transactions() and not transactional:
            expected = ErrorCode.INVALID_TXN_STATE
        try:
            result = self.log.append(data, NOW_MS)
        except BrokerError as error:
            assert error.code is expected
            return
        if result.duplicate:  # one step back may be exactly the batch before
            assert skip == -1 and count == 1
            assert result.base_offset < self.model.end
            return
        assert expected is None
        assert result.base_offset == self.model.end
        self.model.entries.append(Entry(result.base_offset, values, producer, wanted_epoch, wanted, transactional))

    @rule(producer=st.sampled_from(PRODUCERS))
    def repeat_the_last_batch(self, producer: int) -> None:
        """A producer that did not hear the answer sends again: the answer is the first one's."""
        epoch, _ = self.model.state(producer)
        own = [entry for entry in self.model.entries if entry.producer == producer and entry.values is not None]
        if not own or own[-1].epoch != epoch:
            return
        last = own[-1]
        assert last.values is not None
        result = self.log.append(
            batch(
                *last.values, producer_id=producer, producer_epoch=last.epoch, base_sequence=last.sequence,
                is_transactional=last.transactional,
            ),
            NOW_MS,
        )  # fmt: skip
        assert result.duplicate
        assert (result.base_offset, result.last_offset) == (last.offset, last.next_offset - 1)

    @rule(producer=st.sampled_from(PRODUCERS), commit=st.booleans(), bump=st.sampled_from([0, 0, 1]))
    def mark(self, producer: int, commit: bool, bump: int) -> None:
        epoch, _ = self.model.state(producer)
        epoch = max(epoch, 0) + bump
        result = self.log.append_marker(producer, epoch, 0, commit, NOW_MS)
        assert result.base_offset == self.model.end
        self.model.entries.append(Entry(result.base_offset, None, producer, epoch, commit=commit))

    @rule(
        producers=st.lists(st.sampled_from(PRODUCERS), min_size=1, max_size=4),
        commits=st.lists(st.booleans(), min_size=4),
    )
    def run_transactions(self, producers: list[int], commits: list[bool]) -> None:
        """Several transactions in a row, interleaved: all begin, then all end."""
        for producer in producers:
            self.append_idempotent(producer, 1, True, 0, 0)
        for producer, commit in zip(producers, commits, strict=False):
            self.mark(producer, commit, 0)

    @rule()
    def wave(self) -> None:
        sync(self.log)
        self.synced = self.log.synced_offset
        assert self.synced == self.model.end

    @rule(part=st.sampled_from([0.0, 0.0, 0.2, 0.5, 1.0]))
    def delete(self, part: float) -> None:
        self.start = self.log.delete_records_before(max(self.start, int(self.log.high_watermark * part)))
        assert drain(retain(self.log, NOW_MS, self.log.high_watermark)) == self.start

    # -- reading

    @rule(max_bytes=st.sampled_from([1, 300, 5000]), wait=st.booleans())
    def read_everything(self, max_bytes: int, wait: bool) -> None:
        if wait:
            self.wave()
        high, stable = self.log.high_watermark, self.log.last_stable_offset
        found = [entry for entry in records(self.log) if entry[0] >= self.start]
        assert found == [entry for entry in self.model.raw(high) if entry[0] >= self.start]
        seen = [entry for entry in committed(self.log, max_bytes) if entry[0] >= self.start]
        assert seen == [entry for entry in self.model.committed(stable) if entry[0] >= self.start]

    @rule(data=st.data())
    def read_somewhere(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.start, self.log.end_offset))
        result = self.log.read(offset, data.draw(st.integers(0, 500)), Isolation.READ_UNCOMMITTED)
        if offset < self.log.high_watermark:
            found = headers(result.records)
            assert found[0].base_offset <= offset <= found[0].last_offset
            assert found[-1].next_offset <= self.log.high_watermark
        else:
            assert result.records == b""

    @invariant()
    def bounds_agree(self) -> None:
        log = self.log
        assert log.end_offset == self.model.end
        assert log.start_offset == self.start
        assert self.start <= log.last_stable_offset <= log.high_watermark <= log.end_offset or self.start > 0
        assert log.last_stable_offset == self.model.stable_offset(log.high_watermark)
        assert {t.producer_id: t.first_offset for t in log.open_transactions()} == self.model.open_transactions()

    # -- ends and beginnings

    @rule()
    def close_and_open(self) -> None:
        self.log.close(NOW_MS)
        self.synced = self.log.end_offset
        self.filesystem.crash(self.random, "drop")
        self.log = self.opened(clean=True)

    @rule(mode=st.sampled_from(["keep", "drop", "tear"]))
    def crash(self, mode: str) -> None:
        self.filesystem.crash(self.random, mode)  # type: ignore[arg-type]
        self.log = self.opened(clean=False)
        assert self.synced <= self.log.end_offset <= self.model.end
        if mode == "keep":
            assert self.log.end_offset == self.model.end
        self.model.cut(self.log.end_offset)
        self.synced = self.log.synced_offset

    @precondition(lambda self: self.model.entries)
    @rule(free=st.integers(0, 150))
    def fill_the_disk(self, free: int) -> None:
        """Whether it fits or not: all of the batch is in, or nothing of it."""
        self.filesystem.available_bytes = free
        values = self.values(2)
        data = batch(*values)
        if len(data) <= self.config.segment_bytes:
            try:
                result = self.log.append(data, NOW_MS)
            except Exception as error:
                assert "no space" in str(error)
            else:
                self.model.entries.append(Entry(result.base_offset, values))
        self.filesystem.available_bytes = 1 << 40


TestLogAgainstModel = LogAgainstModel.TestCase
TestLogAgainstModel.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
