from __future__ import annotations

from itertools import combinations

import pytest

from broker_core.protocol.batch import build_batch, with_offset
from streams.client.errors import CorruptRecords
from streams.client.fetcher import MERGE_RECORDS, decode_fetched
from streams.model import ColumnBatch, Isolation, TopicPartition
from tests.unit.streams.client.logs import BuiltLog

PLACE = TopicPartition("words", 3)


def rows(batches: list[ColumnBatch]) -> list[tuple[int, bytes | None]]:
    return [
        (batch.offsets[i] if batch.offsets is not None else batch.base_offset + i, value)
        for batch in batches
        for i, value in enumerate(batch.values)
    ]


def decode(log: BuiltLog, offset: int, isolation: Isolation = Isolation.READ_COMMITTED, batches: int = 1_000):
    records, aborted = log.fetch(offset, batches)
    return decode_fetched(PLACE, records, offset, isolation, aborted)


LEFT = [(1, "data"), (1, "abort"), (1, "data"), (1, "commit")]
RIGHT = [(2, "data"), (2, "data"), (2, "abort"), (2, "data")]


def interleavings() -> list[list[tuple[int, str]]]:
    """All ways to run two producers' scripts into each other, keeping each one's order."""
    total = len(LEFT) + len(RIGHT)
    found = []
    for places in combinations(range(total), len(LEFT)):
        left, right = iter(LEFT), iter(RIGHT)
        found.append([next(left) if place in places else next(right) for place in range(total)])
    return found


def build(script: list[tuple[int, str]]) -> BuiltLog:
    log = BuiltLog()
    log.data(1)
    for producer_id, what in script:
        if what == "data":
            log.data(2, producer_id)
        else:
            log.end_transaction(producer_id, commit=what == "commit")
        if producer_id == 1:
            log.data(1)
    log.end_transaction(2, commit=True)
    return log


@pytest.mark.parametrize("script", interleavings(), ids=lambda script: "".join(f"{p}{w[0]}" for p, w in script))
def test_aborted_data_is_never_seen_in_any_interleaving(script: list[tuple[int, str]]) -> None:
    """From every offset, whole or in answers of one batch each, exactly the committed records come."""
    log = build(script)
    for offset in range(log.end):
        whole = decode(log, offset)
        assert (rows(whole.batches), whole.next_offset) == (log.visible_from(offset), log.end)
        position, seen = offset, []
        while position < log.end:
            part = decode(log, position, batches=1)
            assert part.next_offset > position
            seen += rows(part.batches)
            position = part.next_offset
        assert seen == log.visible_from(offset)


def test_read_uncommitted_sees_all_data_and_no_markers() -> None:
    log = BuiltLog()
    log.data(2, 1)
    log.end_transaction(1, commit=False)
    log.data(1)
    fetched = decode(log, 0, Isolation.READ_UNCOMMITTED)
    assert rows(fetched.batches) == [(0, b"0"), (1, b"1"), (3, b"2")]


def test_positions_pass_markers_and_aborted_records_that_follow() -> None:
    log = BuiltLog()
    log.data(2)
    log.data(3, 1)
    log.end_transaction(1, commit=False)
    log.data(1)
    log.end_transaction(2, commit=True)
    fetched = decode(log, 0)
    assert [(batch.base_offset, batch.next_offset) for batch in fetched.batches] == [(0, 6), (6, 8)]
    assert fetched.next_offset == 8


def test_markers_alone_move_the_position_without_columns() -> None:
    log = BuiltLog()
    log.end_transaction(1, commit=True)
    fetched = decode(log, 0)
    assert (fetched.batches, fetched.next_offset) == ([], 1)


def test_small_batches_are_joined_where_offsets_follow_each_other() -> None:
    log = BuiltLog()
    for _ in range(MERGE_RECORDS + 5):
        log.data(1)
    fetched = decode(log, 0)
    assert [len(batch.keys) for batch in fetched.batches] == [MERGE_RECORDS, 5]
    assert rows(fetched.batches) == log.visible


def test_a_batch_that_begins_before_the_position_is_trimmed() -> None:
    log = BuiltLog()
    log.data(5)
    fetched = decode(log, 3)
    assert [(batch.base_offset, batch.next_offset, batch.values) for batch in fetched.batches] == [(3, 5, [b"3", b"4"])]


def test_headers_are_kept_and_not_joined_away() -> None:
    first = with_offset(build_batch([None], [b"1"], [1], [(("h", b"x"),)]), 0, 0)
    second = with_offset(build_batch([None], [b"2"], [1]), 1, 0)
    fetched = decode_fetched(PLACE, first + second, 0, Isolation.READ_COMMITTED, None)
    assert [batch.headers for batch in fetched.batches] == [[(("h", b"x"),)], None]


def test_a_cut_off_batch_at_the_end_is_left_for_the_next_fetch() -> None:
    log = BuiltLog()
    log.data(1)
    log.data(1)
    records, aborted = log.fetch(0)
    fetched = decode_fetched(PLACE, records[:-3], 0, Isolation.READ_COMMITTED, aborted)
    assert (rows(fetched.batches), fetched.next_offset, fetched.error) == ([(0, b"0")], 1, None)


def test_a_wrong_checksum_names_the_place_and_keeps_what_came_before() -> None:
    log = BuiltLog()
    log.data(4)
    log.data(1)
    records, _ = log.fetch(0)
    damaged = records[:-1] + bytes([records[-1] ^ 1])
    fetched = decode_fetched(PLACE, damaged, 0, Isolation.READ_COMMITTED, None)
    assert rows(fetched.batches) == log.visible[:4]
    assert isinstance(fetched.error, CorruptRecords)
    assert "topic words, partition 3, offset 4" in str(fetched.error)
