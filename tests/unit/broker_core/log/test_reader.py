from __future__ import annotations

import errno

import pytest

from broker_core.config import LogConfig
from broker_core.errors import StorageError
from broker_core.log.partition_log import PartitionLog
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation
from broker_core.protocol.batch import build_batch, iterate_batches
from tests.unit.broker_core.log.log_world import NOW_MS, SMALL, batch, headers, open_log, reads, sync

RAW = Isolation.READ_UNCOMMITTED


def filled(filesystem: MemoryFilesystem, count: int = 60, config: LogConfig = SMALL) -> PartitionLog:
    """Batches of one to three records over several segments, timestamps ten apart."""
    log = open_log(filesystem, config)
    for index in range(count):
        values = [b"value-%d" % index] * (1 + index % 3)
        log.append(batch(*values, timestamp=NOW_MS + 10 * index), NOW_MS)
    sync(log)
    return log


def bounds(log: PartitionLog) -> list[tuple[int, int]]:
    """First and last offset of each batch."""
    return [(header.base_offset, header.last_offset) for result in reads(log) for header in headers(result.records)]


@pytest.mark.parametrize("reopen", [False, True], ids=["indexes in memory", "indexes from disk"])
def test_every_offset_is_found_in_its_batch(reopen: bool) -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    if reopen:
        log.close(NOW_MS)
        log = open_log(filesystem, clean=True, recovery_point=120)
    for first, last in bounds(log):
        for offset in range(first, last + 1):
            log._reader.forget()
            assert headers(log.read(offset, 1, RAW).records)[0].base_offset == first


@pytest.mark.parametrize("byte", [8, 9, 10])
def test_a_search_does_not_walk_out_of_a_segment_over_a_wrong_length(byte: int) -> None:
    """The next segment would answer for records that this one holds."""
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    log.close(NOW_MS)
    log = open_log(filesystem, clean=True, recovery_point=120)
    first = log._segments.first
    position, header = next(iter(iterate_batches(filesystem.read_file(first.path()))))
    first.file.write_at(position + byte, b"\x40")
    sought = header.max_timestamp + 1
    with pytest.raises(StorageError, match=f"{first.path()}, position {position}: a batch of .* does not fit"):
        log.offset_for_timestamp(sought)
    with pytest.raises(StorageError, match=f"{first.path()}, position {position}: a batch of .* does not fit"):
        log.read(header.next_offset, 100, RAW)


def test_sizes_limit_whole_batches_but_for_the_first() -> None:
    log = filled(MemoryFilesystem())
    one = len(log.read(0, 1, RAW).records)
    two = one + len(log.read(1, 1, RAW).records)
    assert log.read(0, 0, RAW, min_one=False).records == b""
    assert log.read(0, one - 1, RAW, min_one=False).records == b""
    assert len(log.read(0, one, RAW, min_one=False).records) == one
    assert len(log.read(0, two - 1, RAW).records) == one
    assert len(log.read(0, two, RAW).records) == two


def test_a_read_ends_with_its_segment_and_goes_on_in_the_next() -> None:
    log = filled(MemoryFilesystem())
    first = log.read(0, 10**6, RAW).records
    following = headers(first)[-1].next_offset
    assert len(first) < log.size_bytes
    assert headers(log.read(following, 10**6, RAW).records)[0].base_offset == following


def test_reads_of_any_size_see_the_same() -> None:
    log = filled(MemoryFilesystem())
    expected = bounds(log)
    for max_bytes in (1, 61, 200, 1000, 10**6):
        found = []
        for result in reads(log, max_bytes=max_bytes):
            found.extend((header.base_offset, header.last_offset) for header in headers(result.records))
        assert found == expected


def test_a_batch_larger_than_any_buffer() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem, LogConfig())
    log.append(batch(b"small"), NOW_MS)
    log.append(batch(b"x" * 200_000), NOW_MS)
    log.append(batch(b"small"), NOW_MS)
    sync(log)
    assert bounds(log) == [(0, 0), (1, 1), (2, 2)]
    assert log.offset_for_timestamp(NOW_MS) == (NOW_MS, 0, 0)


def test_every_flipped_byte_below_the_end_is_an_error_with_its_place_never_data() -> None:
    """Damage of a closed segment and of the active one alike; what lies before it is still served."""
    filesystem = MemoryFilesystem()
    log = filled(filesystem, 16)
    original = b"".join(result.records for result in reads(log))
    for segment in log._segments:
        data = filesystem.read_file(segment.path())
        starts = [position for position, _ in iterate_batches(data)]
        file = filesystem.open(segment.path())
        for index in range(0, len(data), 3):
            file.write_at(index, bytes([data[index] ^ 0x40]))
            log._reader.forget()
            served = b""
            with pytest.raises(StorageError, match=r"\.log, position \d+") as caught:
                for result in reads(log):
                    served += result.records
            damaged_batch = max(start for start in starts if start <= index)
            assert original.startswith(served)
            assert segment.path() in str(caught.value)
            assert f"position {damaged_batch}:" in str(caught.value)
            file.write_at(index, data[index : index + 1])


def test_a_lying_index_is_rebuilt_and_a_lying_log_is_not() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    expected = bounds(log)
    log.close(NOW_MS)
    path = log._segments.first.path(".index")
    data = bytearray(filesystem.read_file(path))
    data[7] ^= 1  # the first entry's position
    filesystem.replace_file(path, bytes(data))
    log = open_log(filesystem, clean=True, recovery_point=120)
    for first, _ in expected:
        log._reader.forget()
        assert headers(log.read(first, 1, RAW).records)[0].base_offset == first


def test_a_failing_disk_is_a_storage_error() -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    log.close(NOW_MS)
    filesystem.remove(log._segments.first.path())
    with pytest.raises(StorageError, match="reading"):
        log.read(0, 100, RAW)


@pytest.mark.parametrize("reopen", [False, True], ids=["indexes in memory", "indexes from disk"])
def test_a_timestamp_leads_to_the_first_record_at_or_behind_it(reopen: bool) -> None:
    filesystem = MemoryFilesystem()
    log = filled(filesystem)
    if reopen:
        log.close(NOW_MS)
        log = open_log(filesystem, clean=True, recovery_point=120)
    batches = bounds(log)
    for index, (first, _) in enumerate(batches):
        assert log.offset_for_timestamp(NOW_MS + 10 * index) == (NOW_MS + 10 * index, first, 0)
        assert log.offset_for_timestamp(NOW_MS + 10 * index - 9) == (NOW_MS + 10 * index, first, 0)
    assert log.offset_for_timestamp(NOW_MS + 10_000) is None
    assert log.offset_for_timestamp(0) == (NOW_MS, 0, 0)


def test_timestamps_are_found_inside_a_batch_and_out_of_order() -> None:
    """Record-exact, and the first by offset, not by time."""
    log = open_log(MemoryFilesystem())
    log.append(build_batch([None] * 3, [b"v"] * 3, [50, 10, 30]), NOW_MS)
    log.append(build_batch([None] * 3, [b"v"] * 3, [20, 70, 60]), NOW_MS)
    sync(log)
    assert log.offset_for_timestamp(40) == (50, 0, 0)
    assert log.offset_for_timestamp(55) == (70, 4, 0)
    assert log.offset_of_max_timestamp() == (70, 4, 0)


def test_the_log_start_hides_records_from_searches_by_time() -> None:
    log = open_log(MemoryFilesystem())
    log.append(build_batch([None] * 3, [b"v"] * 3, [90, 50, 80]), NOW_MS)
    log.append(build_batch([None], [b"v"], [60]), NOW_MS)
    sync(log)
    log.delete_records_before(1)
    assert log.offset_for_timestamp(55) == (80, 2, 0)
    log.delete_records_before(3)
    assert log.offset_for_timestamp(55) == (60, 3, 0)
    assert log.offset_of_max_timestamp() == (60, 3, 0)
    log.delete_records_before(4)
    assert log.offset_of_max_timestamp() is None


def test_the_largest_timestamp_may_lie_in_any_segment() -> None:
    log = open_log(MemoryFilesystem())
    for index in range(60):
        log.append(batch(b"value", timestamp=NOW_MS + (1000 if index == 17 else index)), NOW_MS)
    sync(log)
    assert len(log._segments) > 2
    assert log.offset_of_max_timestamp() == (NOW_MS + 1000, 17, 0)
    assert open_log(MemoryFilesystem()).offset_of_max_timestamp() is None


def test_compressed_batches_are_searched_too() -> None:
    log = open_log(MemoryFilesystem())
    log.append(build_batch([None] * 3, [b"v"] * 3, [10, 20, 30], codec=4), NOW_MS)
    sync(log)
    assert log.offset_for_timestamp(15) == (20, 1, 0)


def test_a_read_error_of_the_disk_names_the_file() -> None:
    class Broken(MemoryFilesystem):
        def open(self, path: str, *, create: bool = False):  # type: ignore[no-untyped-def]
            if path.endswith(".log") and self.faults.operations > 1_000_000:
                raise OSError(errno.EIO, "broken", path)
            return super().open(path, create=create)

    filesystem = Broken()
    log = filled(filesystem)
    log.close(NOW_MS)
    log = open_log(filesystem, clean=True, recovery_point=1)
    filesystem.faults.operations = 2_000_000
    log._segments.first.close()
    with pytest.raises(StorageError, match=r"0{20}\.log failed"):
        log.read(0, 100, RAW)
