"""Kafka's rules of compaction, one by one: when, how far, and what stays of a batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker_core.config import LogConfig
from broker_core.log.aborted import IndexedAbort
from broker_core.log.compaction import (
    BatchFilter,
    LastRecord,
    OffsetMap,
    TransactionTracker,
    group_segments,
    last_records,
    plan_compaction,
)
from broker_core.log.producer_state import AppendedBatch, ProducerEntry
from broker_core.log.results import SegmentFacts
from broker_core.protocol.batch import build_batch, control_batch, decode_batch, keep_records, read_header, with_offset
from tests.unit.broker_core.log.documents import hex_example

NOW = 1_000_000
RETENTION_MS = 1_000
CONFIG = LogConfig(cleanup_policy=frozenset({"compact"}), segment_bytes=250)
SEGMENTS = [SegmentFacts(10 * index, 10 * index + 10, 100, NOW - 1_000 + 100 * index) for index in range(5)]


# -- when, and how far


def planned(config: LogConfig = CONFIG, first_dirty: int = 0, stable: int = 50) -> tuple[int, float] | None:
    plan = plan_compaction(SEGMENTS, config, first_dirty=first_dirty, stable_offset=stable, now_ms=NOW)
    return None if plan is None else (plan.stop, plan.dirty_ratio)


def test_only_sealed_segments_below_the_stable_offset_are_cleaned() -> None:
    assert planned() == (40, 1.0)
    assert planned(stable=39) == (30, 1.0)
    assert planned(stable=9) is None
    assert planned(LogConfig()) is None, "not a compacted topic"


def test_a_pass_waits_until_enough_is_dirty() -> None:
    assert planned(first_dirty=20) == (40, 0.5)
    assert planned(first_dirty=30) is None
    assert planned(replace(CONFIG, min_cleanable_dirty_ratio=0.25), first_dirty=30) == (40, 0.25)
    assert planned(replace(CONFIG, min_cleanable_dirty_ratio=0.0), first_dirty=40) is None, "nothing is dirty"


def test_lags_hold_records_back_and_force_them() -> None:
    assert planned(replace(CONFIG, min_compaction_lag_ms=850)) == (20, 1.0)
    assert planned(replace(CONFIG, max_compaction_lag_ms=699), first_dirty=30) == (40, 0.25)
    assert planned(replace(CONFIG, max_compaction_lag_ms=701), first_dirty=30) is None


def test_small_segments_become_one_as_long_as_they_fit() -> None:
    groups = group_segments(SEGMENTS, CONFIG)
    assert [[segment.base_offset for segment in group] for group in groups] == [[0, 10], [20, 30], [40]]
    far = [SegmentFacts(0, 10, 1, 0), SegmentFacts(10, 2**31 + 5, 1, 0)]
    assert len(group_segments(far, CONFIG)) == 2, "relative offsets have 31 bits"


# -- what stays


class Cleaned:
    """One pass over batches given in order; offsets are assigned as they come."""

    def __init__(self, now_ms: int = NOW, producers: dict[int, LastRecord] | None = None) -> None:
        self.now_ms, self.producers = now_ms, producers or {}
        self.batches: list[bytes] = []
        self.end = 0

    def add(self, data: bytes) -> int:
        base, self.end = self.end, self.end + read_header(data).last_offset_delta + 1
        self.batches.append(with_offset(data, base, 1))
        return base

    def data(self, *rows: tuple[bytes | None, bytes | None], **more: int) -> int:
        keys, values = zip(*rows, strict=True)
        return self.add(build_batch(list(keys), list(values), [NOW - 5] * len(rows), **more))  # type: ignore[arg-type]

    def transaction(self, producer: int, *rows: tuple[bytes | None, bytes | None]) -> int:
        return self.data(*rows, producer_id=producer, producer_epoch=0, base_sequence=0, is_transactional=True)

    def marker(self, producer: int, *, commit: bool) -> int:
        return self.add(control_batch(producer, 0, 0, commit, NOW))

    def run(self, *aborted: IndexedAbort, first_dirty: int = 0, mapped: int | None = None) -> list[bytes]:
        newest = OffsetMap(first_dirty)
        tracker = TransactionTracker(aborted)
        for data in self.batches:
            header = read_header(data)
            if header.base_offset < first_dirty or (mapped is not None and header.base_offset >= mapped):
                continue
            if header.is_control:
                tracker.end(data, header)
                newest.skip(header)
            elif tracker.is_aborted(header):
                newest.skip(header)
            else:
                newest.add(data, header)
        batches = BatchFilter(
            newest=newest, transactions=TransactionTracker(aborted), producers=self.producers, now_ms=self.now_ms,
            delete_retention_ms=RETENTION_MS,
        )  # fmt: skip
        left = [batches.apply(data, read_header(data), is_last=False) for data in self.batches]
        self.aborted = batches.aborted
        self.batches = [data for data in left if data is not None]
        return self.batches


def rows(batches: list[bytes]) -> list[tuple[int, bytes | None, bytes | None]]:
    found = []
    for data in batches:
        header = read_header(data)
        if not header.is_control:
            columns = decode_batch(data)
            offsets = columns.offsets or range(columns.base_offset, columns.base_offset + len(columns.keys))
            found += list(zip(offsets, columns.keys, columns.values, strict=True))
    return found


def test_the_newest_record_of_a_key_stays_where_it_is() -> None:
    world = Cleaned()
    world.data((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), codec=4)
    world.data((b"b", b"2"))
    world.data((b"c", b"1"))
    untouched = world.batches[2]
    left = world.run()
    assert rows(left) == [(2, b"a", b"2"), (3, b"b", b"2"), (4, b"c", b"1")]
    header = read_header(left[0])
    assert (header.base_offset, header.last_offset, header.record_count, header.codec) == (0, 2, 1, 4)
    assert left[2] == untouched, "byte for byte"


def test_keys_of_the_clean_part_are_displaced_by_the_dirty_part_only() -> None:
    world = Cleaned()
    world.data((b"a", b"1"), (b"a", b"2"), (b"b", b"1"))
    world.data((b"b", b"2"))
    assert rows(world.run(first_dirty=3)) == [(0, b"a", b"1"), (1, b"a", b"2"), (3, b"b", b"2")]


def test_what_lies_behind_the_map_stays_whatever_its_key() -> None:
    world = Cleaned()
    world.data((b"a", b"1"))
    world.data((b"a", b"2"))
    world.data((b"a", b"3"), (None, b"no key"))
    assert [row[0] for row in rows(world.run(mapped=2))] == [1, 2, 3]


def test_records_without_a_key_are_dropped() -> None:
    world = Cleaned()
    world.data((None, b"1"), (b"a", b"1"))
    assert [row[0] for row in rows(world.run())] == [1]


def test_a_tombstone_stays_until_its_horizon_which_the_first_pass_sets() -> None:
    world = Cleaned()
    world.data((b"a", b"1"))
    world.data((b"a", None), (b"b", b"1"))
    left = world.run()
    assert rows(left) == [(1, b"a", None), (2, b"b", b"1")]
    header = read_header(left[0])
    assert header.delete_horizon_ms == NOW + RETENTION_MS
    assert decode_batch(left[0]).timestamps == [NOW - 5, NOW - 5], "records keep their times"
    world.now_ms += RETENTION_MS - 1
    assert world.run() == left
    world.now_ms += 1
    assert rows(world.run()) == [(2, b"b", b"1")]
    assert read_header(world.batches[0]).delete_horizon_ms == NOW + RETENTION_MS, "a horizon is never set anew"


def test_aborted_data_goes_and_displaces_nothing() -> None:
    world = Cleaned()
    world.data((b"a", b"old"))
    first = world.transaction(7, (b"a", b"aborted"))
    marker = world.marker(7, commit=False)
    entry = IndexedAbort(7, first, marker, marker + 1)
    assert rows(world.run(entry)) == [(0, b"a", b"old")]
    assert world.aborted == [entry], "readers need it while the marker stands"
    assert read_header(world.batches[-1]).is_control


def test_a_marker_goes_after_its_data_and_its_own_horizon() -> None:
    world = Cleaned()
    world.transaction(7, (b"a", b"1"))
    world.marker(7, commit=True)
    world.data((b"a", b"2"))
    assert len(world.run()) == 2, "the data went, the marker is met with data: it stays"
    (marker, _) = world.batches
    assert read_header(marker).delete_horizon_ms is None
    (marker, _) = world.run()
    assert read_header(marker).delete_horizon_ms == NOW + RETENTION_MS
    world.now_ms += RETENTION_MS
    assert [read_header(data).is_control for data in world.run()] == [False]


def test_a_marker_stays_as_long_as_data_of_its_transaction() -> None:
    world = Cleaned()
    world.transaction(7, (b"a", b"1"))
    world.marker(7, commit=True)
    for _ in range(3):
        assert len(world.run()) == 2
        world.now_ms += 10 * RETENTION_MS
    assert read_header(world.batches[1]).delete_horizon_ms is None


@pytest.mark.parametrize("known", [True, False])
def test_the_last_batch_of_a_known_producer_stays_if_only_empty(known: bool) -> None:
    world = Cleaned(producers={7: LastRecord(1, 0)} if known else {})
    world.data((b"a", b"1"), (b"a", b"2"), producer_id=7, producer_epoch=0, base_sequence=40)
    world.data((b"a", b"3"))
    left = world.run()
    assert rows(left) == [(2, b"a", b"3")]
    assert len(left) == (2 if known else 1)
    if known:
        header = read_header(left[0])
        assert (header.record_count, header.base_offset, header.last_offset) == (0, 0, 1)
        assert (header.producer_id, header.base_sequence, header.last_sequence) == (7, 40, 41)
        assert (header.base_timestamp, header.max_timestamp, header.codec) == (-1, NOW - 5, 0)
        assert world.run() == left, "and so it stays"


def test_a_marker_that_alone_tells_an_epoch_stays_as_an_empty_batch() -> None:
    world = Cleaned(producers={7: LastRecord(None, 0)})
    world.marker(7, commit=True)
    world.run()
    world.now_ms += RETENTION_MS
    (left,) = world.run()
    header = read_header(left)
    assert header.is_control and header.record_count == 0
    assert world.run() == [left]
    world.producers = {}
    assert world.run() == []


def test_the_last_batch_of_a_segment_stays_so_that_its_end_is_told() -> None:
    data = with_offset(build_batch([b"a"], [b"1"], [NOW]), 5, 1)
    newest = OffsetMap(0)
    later = with_offset(build_batch([b"a"], [b"2"], [NOW]), 6, 1)
    newest.add(later, read_header(later))
    batches = BatchFilter(
        newest=newest, transactions=TransactionTracker(()), producers={}, now_ms=NOW, delete_retention_ms=1
    )
    assert batches.apply(data, read_header(data), is_last=False) is None
    left = batches.apply(data, read_header(data), is_last=True)
    assert left is not None and read_header(left).next_offset == 6


def test_a_map_is_full_at_its_limit() -> None:
    newest = OffsetMap(0, limit_bytes=1_000)
    data = build_batch([b"%d" % index for index in range(5)], [b""] * 5, [NOW] * 5)
    newest.add(data, read_header(data))
    assert not newest.is_full
    newest.add(data, read_header(data))
    assert not newest.is_full, "the same keys take no more room"
    more = build_batch([b"more %d" % index for index in range(5)], [b""] * 5, [NOW] * 5)
    newest.add(more, read_header(more))
    assert newest.is_full


def test_what_is_known_of_producers() -> None:
    entries = [
        ProducerEntry(producer_id=1, epoch=2, batches=(AppendedBatch(0, 0, 4, 9, NOW),)),
        ProducerEntry(producer_id=3, epoch=5),
    ]
    assert last_records(entries) == {1: LastRecord(9, 2), 3: LastRecord(None, 5)}


def test_the_worked_example_of_the_docs() -> None:
    data = build_batch(
        [b"a", b"b", b"c"], [b"1", None, b"3"], [100, 150, 200],
        producer_id=7, producer_epoch=1, base_sequence=40, is_transactional=True,
    )  # fmt: skip
    data = with_offset(data, 1_000, 5)
    assert keep_records(data, read_header(data), []) == hex_example("segment.md", 2)
