from __future__ import annotations

import pytest

from broker_core.log.aborted import IndexedAbort
from broker_core.log.index import BadIndexError
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
    segment.seal()
    opened = Segment(filesystem, "d", 100, 150)
    opened.trust(110)
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
    segment.seal()
    path = segment.path(suffix)
    if damage == "missing":
        filesystem.remove(path)
    else:
        data = filesystem.read_file(path)
        filesystem.replace_file(path, data[:-1] if damage == "torn" else bytes(len(data)))
    opened = Segment(filesystem, "d", 100, 150)
    opened.trust(112)
    offsets, times = opened.columns()
    assert offsets.encode() == segment.columns()[0].encode()
    assert times.last == (NOW_MS + 9, 9)
    assert opened.next_offset == 112, "the next segment's base, not what the scan saw"


def test_a_bad_transaction_index_is_not_trusted() -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    fill(segment, 3)
    segment.seal()
    filesystem.replace_file(segment.path(".txnindex"), b"torn")
    with pytest.raises(BadIndexError):
        Segment(filesystem, "d", 100, 150).trust(103)


def test_unloaded_columns_come_back() -> None:
    segment = new_segment(MemoryFilesystem())
    fill(segment, 10)
    before = segment.columns()[0].encode()
    segment.seal()
    segment.unload()
    assert segment.columns()[0].encode() == before


def test_sealing_again_replaces_what_was_longer() -> None:
    filesystem = MemoryFilesystem()
    segment = new_segment(filesystem)
    filesystem.replace_file(segment.path(".txnindex"), b"x" * 500)
    segment.seal()
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
    segment.seal()
    assert len(filesystem.list_directory("d")) == 4
    segment.remove()
    assert filesystem.list_directory("d") == []
