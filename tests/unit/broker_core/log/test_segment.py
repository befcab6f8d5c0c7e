from __future__ import annotations

import pytest

from broker_core.log.aborted import IndexedAbort
from broker_core.log.index import BadIndexError
from broker_core.log.scan import BadBatchError
from broker_core.log.seal import Seal, decode_seal
from broker_core.log.segment import Segment
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.protocol.batch import with_offset
from tests.unit.broker_core.log.log_world import NOW_MS, batch


def new_segment(filesystem: MemoryFilesystem, base_offset: int = 100) -> Segment:
    filesystem.make_directory("d")
    segment = Segment(filesystem, "d", base_offset, 150)
    segment.create()
    return segment


def fill(segment: Segment, count: int) -> list[tuple[int, int]]:
    """Append one-record batches; returns (offset, position) of each."""
    places = []
    for index in range(count):
        data = with_offset(batch(b"value", timestamp=NOW_MS + index), segment.next_offset, 0)
        places.append((segment.next_offset, segment.size_bytes))
        segment.file.write_at(segment.size_bytes, data)
        segment.note(len(data), segment.next_offset, NOW_MS + index)
    return places


def seal(segment: Segment) -> None:
    for file in segment.write_side_files((1, 2)):
        file.sync()


def read_seal(segment: Segment) -> Seal:
    return decode_seal(segment._filesystem.read_file(segment.path(".seal")))


def test_a_batch_is_indexed_once_the_interval_lies_before_it() -> None:
    """As in Kafka: never the first one, and with the offset of its last record."""
    segment = new_segment(MemoryFilesystem())
    places = fill(segment, 10)
    offsets, times = segment.columns()
    assert offsets.lookup(0) is None
    entries = {offsets.lookup(offset - 100) for offset, _ in places} - {None}
    assert entries <= {(offset - 100, position) for offset, position in places}
    assert len(entries) == len(offsets) == 3
    assert times.last == (NOW_MS + offsets.lookup(9)[0], offsets.lookup(9)[0])  # type: ignore[index]


def test_sealed_columns_are_read_back_and_end_with_the_largest_timestamp() -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    fill(segment, 10)
    segment.aborted.append(IndexedAbort(1, 101, 105, 106))
    seal(segment)
    opened = Segment(filesystem, "d", 100, 150)
    opened.trust(read_seal(opened))
    offsets, times = opened.columns()
    assert offsets.encode() == segment.columns()[0].encode()
    assert times.last == (NOW_MS + 9, 9)
    assert opened.aborted == segment.aborted
    assert (opened.max_timestamp, opened.max_timestamp_offset) == (NOW_MS + 9, 109)
    assert (opened.size_bytes, opened.next_offset) == (segment.size_bytes, 110)


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("damage", ["missing", "torn", "zeros"])
def test_a_bad_index_is_rebuilt_from_the_log(suffix: str, damage: str) -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    fill(segment, 10)
    seal(segment)
    path = segment.path(suffix)
    if damage == "missing":
        filesystem.remove(path)
    else:
        data = filesystem.read_file(path)
        filesystem.replace_file(path, data[:-1] if damage == "torn" else bytes(len(data)))
    opened = Segment(filesystem, "d", 100, 150)
    opened.trust(read_seal(opened))
    offsets, times = opened.columns()
    assert offsets.encode() == segment.columns()[0].encode()
    assert times.last == (NOW_MS + 9, 9)


@pytest.mark.parametrize("position", range(34))
def test_a_transaction_index_that_is_not_what_was_sealed_is_not_trusted(position: int) -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    fill(segment, 8)
    segment.aborted.append(IndexedAbort(1, 101, 105, 106))
    seal(segment)
    data = bytearray(filesystem.read_file(segment.path(".txnindex")))
    data[position] ^= 1
    filesystem.replace_file(segment.path(".txnindex"), bytes(data))
    opened = Segment(filesystem, "d", 100, 150)
    with pytest.raises(BadIndexError, match="wrong checksum"):
        opened.trust(read_seal(opened))


def test_a_log_of_another_length_is_not_trusted() -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    fill(segment, 8)
    seal(segment)
    opened = Segment(filesystem, "d", 100, 150)
    sealed = read_seal(opened)
    segment.file.truncate(segment.size_bytes - 1)
    with pytest.raises(BadIndexError, match="were sealed"):
        opened.trust(sealed)


def test_offsets_that_are_not_what_was_sealed_are_found_before_they_are_served() -> None:
    """No checksum of a batch covers its offset, and in a log with gaps any larger one would do."""
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    places = fill(segment, 8)
    seal(segment)
    opened = Segment(filesystem, "d", 100, 150)
    opened.trust(read_seal(opened))
    opened.prove()
    segment.file.write_at(places[-1][1], (1_000).to_bytes(8, "big"))
    opened.trust(read_seal(opened))
    with pytest.raises(BadBatchError, match="position 0: the offsets in these"):
        opened.prove()


def test_unloaded_columns_come_back() -> None:
    segment = new_segment(MemoryFilesystem())
    fill(segment, 10)
    before = segment.columns()[0].encode()
    seal(segment)
    segment.unload()
    assert segment.columns()[0].encode() == before


def test_sealing_again_replaces_what_was_longer() -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    filesystem.replace_file(segment.path(".txnindex"), b"x" * 500)
    seal(segment)
    assert filesystem.read_file(segment.path(".txnindex")) == b""


@pytest.mark.parametrize(
    ("size", "last_offset", "index_bytes", "full"),
    [
        (100, 110, 1000, False),
        (101, 110, 1000, True),
        (1, 100 + 2**31 - 1, 1000, False),
        (1, 100 + 2**31, 1000, True),
        (1, 110, 24, True),
    ],
    ids=["fits", "too long", "last relative offset", "beyond", "index full"],
)
def test_when_a_segment_is_full(size: int, last_offset: int, index_bytes: int, full: bool) -> None:
    segment = new_segment(MemoryFilesystem())
    fill(segment, 10)
    assert segment.is_full(size, last_offset, segment.size_bytes + 100, index_bytes) is full


def test_removal_takes_all_files() -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    seal(segment)
    assert len(filesystem.list_directory("d")) == 5
    segment.remove()
    assert filesystem.list_directory("d") == []
