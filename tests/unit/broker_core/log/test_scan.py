from __future__ import annotations

import pytest

from broker_core.log.epochs import LeaderEpochs
from broker_core.log.scan import SCAN_BYTES, BadBatchError, measure, scan_batches, written_end
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.ports import File
from broker_core.protocol.batch import with_offset
from tests.unit.broker_core.log.log_world import batch

EPOCHS = LeaderEpochs([(0, 0), (2, 3)])
CHUNKS = (1, 100, 300, 1 << 20)


def pieces() -> list[bytes]:
    """Offsets 0-1 and 2 of epoch 0, 3-5 of epoch 2."""
    return [
        with_offset(batch(b"a", b"b"), 0, 0),
        with_offset(batch(b"c" * 200), 2, 0),
        with_offset(batch(b"d", b"e", b"f"), 3, 2),
    ]


def file_of(data: bytes) -> File:
    file = MemoryFilesystem().open("f", create=True)
    file.write_at(0, data)
    return file


@pytest.mark.parametrize("chunk_bytes", CHUNKS)
def test_batches_are_found_whatever_the_chunks(chunk_bytes: int) -> None:
    data = b"".join(pieces())
    scanned = list(scan_batches(file_of(data), 0, len(data), 0, chunk_bytes=chunk_bytes))
    assert [found.header.base_offset for found in scanned] == [0, 2, 3]
    for found, piece in zip(scanned, pieces(), strict=True):
        assert found.data[found.start : found.start + found.header.size_bytes] == piece
        assert data[found.position : found.position + len(piece)] == piece


@pytest.mark.parametrize("chunk_bytes", CHUNKS)
def test_every_cut_is_bad_where_the_last_whole_batch_ends(chunk_bytes: int) -> None:
    first, second, third = pieces()
    data = first + second + third
    ends = {0, len(first), len(first + second), len(data)}
    for length in range(len(data) + 1):
        found = []
        try:
            for scanned in scan_batches(file_of(data[:length]), 0, length, 0, chunk_bytes=chunk_bytes):
                found.append(scanned)
            assert length in ends
        except BadBatchError as bad:
            assert bad.position == max(end for end in ends if end < length)


@pytest.mark.parametrize("index", [index for index in range(len(pieces()[0])) if index not in range(12, 16)])
def test_every_flipped_byte_of_a_batch_is_noticed(index: int) -> None:
    """Also in the part that the checksum leaves out, except the leader epoch, which the scan's caller compares."""
    data = bytearray(b"".join(pieces()))
    data[index] ^= 0x01
    with pytest.raises(BadBatchError) as caught:
        list(scan_batches(file_of(bytes(data)), 0, len(data), 0))
    assert caught.value.position == 0


def test_gaps_are_for_compacted_logs_only() -> None:
    first, _, third = pieces()
    file = file_of(first + third)
    with pytest.raises(BadBatchError, match="offset 3 where 2"):
        list(scan_batches(file, 0, file.size(), 0))
    assert len(list(scan_batches(file, 0, file.size(), 0, gaps=True))) == 2
    with pytest.raises(BadBatchError):
        list(scan_batches(file_of(third + first), 0, file.size(), 0, gaps=True))


@pytest.mark.parametrize("offset", [2**31, 2**41, 2**62])
def test_no_gap_is_larger_than_a_segment(offset: int) -> None:
    """A bit flipped far up in an offset is no gap, and no index could hold it."""
    data = with_offset(batch(b"x"), offset, 0)
    with pytest.raises(BadBatchError, match="where 0 should follow"):
        list(scan_batches(file_of(data), 0, len(data), 0, gaps=True))


def test_measure_takes_whole_batches_below_the_stop() -> None:
    first, second, third = pieces()
    data = first + second + third
    assert measure(data, 0, 0, 100, EPOCHS, gaps=False) == (len(data), 6)
    assert measure(data, 0, 0, 3, EPOCHS, gaps=False) == (len(first + second), 3)
    assert measure(data[:-1], 0, 0, 100, EPOCHS, gaps=False) == (len(first + second), 3)
    assert measure(data[:30], 0, 0, 100, EPOCHS, gaps=False) == (0, 0)


@pytest.mark.parametrize("index", range(len(pieces()[0])))
def test_measure_serves_no_flipped_byte(index: int) -> None:
    """Every byte of the first batch counts, the leader epoch too; or the batch seems to be cut off."""
    data = bytearray(b"".join(pieces()))
    data[index] ^= 0x01
    try:
        length, _ = measure(bytes(data), 0, 0, 100, EPOCHS, gaps=False)
    except BadBatchError as bad:
        assert bad.position == 0
    else:
        assert length == 0


def test_measure_serves_what_is_good_before_the_damage() -> None:
    first, second, third = pieces()
    data = first + second[:-1] + b"\xff" + third
    assert measure(data, 0, 0, 100, EPOCHS, gaps=False) == (len(first), 2)
    with pytest.raises(BadBatchError) as caught:
        measure(data[len(first) :], len(first), 2, 100, EPOCHS, gaps=False)
    assert caught.value.position == len(first)


@pytest.mark.parametrize(("tail", "room"), [(0, 0), (0, 5), (3, 0), (3, SCAN_BYTES), (1, 2 * SCAN_BYTES + 7)])
def test_what_was_written_ends_with_the_last_byte_that_is_not_zero(tail: int, room: int) -> None:
    file = MemoryFilesystem().open("a", create=True)
    file.write_at(0, b"log" + b"\0" * 10 * (tail > 0) + b"x" * tail + bytes(room))
    end = 13 + tail if tail else 3
    assert written_end(file, 3) == end
    assert written_end(file, end) == end
    assert written_end(file, 3, 10) == 3, "only zeros in that window"
