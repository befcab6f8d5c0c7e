from __future__ import annotations

import pytest

from broker_core.log.producer_snapshot import BadSnapshotError, decode_snapshot, encode_snapshot
from broker_core.log.producer_state import AppendedBatch, ProducerEntry
from tests.unit.broker_core.log.documents import hex_example

PAGE = "producer_snapshot.md"
TIME = 1_700_000_000_000
ENTRIES = [
    ProducerEntry(
        producer_id=4000, epoch=2, coordinator_epoch=1, last_timestamp=TIME, transaction_first_offset=95,
        batches=(AppendedBatch(10, 14, 100, 104, TIME),),
    ),
    ProducerEntry(producer_id=4001, epoch=0, coordinator_epoch=3, last_timestamp=TIME + 500),
]  # fmt: skip


def test_a_snapshot_is_written_and_read_as_documented() -> None:
    assert encode_snapshot(ENTRIES) == hex_example(PAGE)
    assert decode_snapshot(hex_example(PAGE)) == ENTRIES


def test_only_the_last_batch_of_a_window_is_kept() -> None:
    window = (AppendedBatch(0, 4, 90, 94, 1), AppendedBatch(5, 9, 95, 99, 2))
    (entry,) = decode_snapshot(encode_snapshot([ProducerEntry(producer_id=1, last_timestamp=2, batches=window)]))
    assert entry.batches == window[-1:]


def test_a_batch_over_the_wrap_of_sequences_comes_back() -> None:
    wrapped = (AppendedBatch(2**31 - 2, 1, 10, 13, 7),)
    (entry,) = decode_snapshot(encode_snapshot([ProducerEntry(producer_id=1, last_timestamp=7, batches=wrapped)]))
    assert entry.batches == wrapped


def test_no_producers_is_a_snapshot_too() -> None:
    assert decode_snapshot(encode_snapshot([])) == []


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    data = encode_snapshot(ENTRIES)
    for length in range(len(data)):
        with pytest.raises(BadSnapshotError):
            decode_snapshot(data[:length])
    for index in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(BadSnapshotError):
            decode_snapshot(bytes(flipped))
