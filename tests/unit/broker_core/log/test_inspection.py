"""What inspection tells of a log (what it finds wrong is in ``test_repair``)."""

from __future__ import annotations

from dataclasses import replace

from broker_core.log.inspection import EVERYTHING, batches_of, inspect
from broker_core.memory_filesystem import MemoryFilesystem
from tests.unit.broker_core.log.log_world import DIRECTORY, NOW_MS, SMALL, batch, open_log, sync


def test_a_log_is_counted_and_its_batches_listed() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    for index in range(30):
        log.append(batch(b"x" * 100, b"y", timestamp=NOW_MS + index), NOW_MS)
    sync(log)
    log.close(NOW_MS)
    found = inspect(filesystem, DIRECTORY, has_gaps=False, durable_end=EVERYTHING)
    assert found.findings == []
    assert (found.batches, found.records, found.start_offset, found.end_offset) == (30, 60, 0, 60)
    assert (found.first_timestamp, found.last_timestamp) == (NOW_MS, NOW_MS + 29)
    names = [name for name in filesystem.list_directory(DIRECTORY) if name.endswith(".log")]
    assert found.segments == len(names) > 1
    offsets = [each.header.base_offset for name in names for each in batches_of(filesystem, f"{DIRECTORY}/{name}")]
    assert offsets == list(range(0, 60, 2))


def test_bad_small_files_are_named() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem)
    log.append(batch(b"x"), NOW_MS)
    sync(log)
    log.close(NOW_MS)
    filesystem.replace_file(f"{DIRECTORY}/leader-epoch-checkpoint", b"0\n7\n")
    found = inspect(filesystem, DIRECTORY, has_gaps=False, durable_end=EVERYTHING)
    assert [finding.path for finding in found.findings] == [f"{DIRECTORY}/leader-epoch-checkpoint"]
    assert not found.is_damaged


def test_reserved_room_is_neither_counted_nor_found() -> None:
    """Of a log that a broker has open, or whose broker was killed; a clean close leaves none."""
    filesystem = MemoryFilesystem()
    log = open_log(filesystem, replace(SMALL, preallocate=True))
    for index in range(30):
        log.append(batch(b"value-%d" % index), NOW_MS)
    sync(log)
    active = log.parts.segments.active
    assert active.file.size() > active.size_bytes
    seen: list[int] = []
    found = inspect(filesystem, DIRECTORY, has_gaps=False, durable_end=30, progress=seen.append)
    assert (found.findings, found.end_offset, found.size_bytes) == ([], 30, log.size_bytes)
    assert sum(seen) == log.size_bytes + active.file.size() - active.size_bytes, "a progress bar comes to its end"
    assert len([*batches_of(filesystem, active.path())]) == 30 - active.base_offset
    found = inspect(filesystem, DIRECTORY, has_gaps=False, durable_end=EVERYTHING)
    assert [(finding.path, finding.position) for finding in found.findings] == [(active.path(), active.size_bytes)]
    assert found.is_damaged


def test_zeros_in_the_place_of_batches_are_found() -> None:
    filesystem = MemoryFilesystem()
    log = open_log(filesystem, replace(SMALL, preallocate=True))
    for index in range(30):
        log.append(batch(b"value-%d" % index), NOW_MS)
    sync(log)
    active, (first, *_) = log.parts.segments.active, [*log.parts.segments]
    active.file.write_at(0, bytes(active.size_bytes))
    found = inspect(filesystem, DIRECTORY, has_gaps=False, durable_end=30)
    assert found.is_damaged and found.end_offset == active.base_offset
    last = [*batches_of(filesystem, first.path())][-1].position
    first.file.write_at(last, bytes(first.size_bytes - last))
    for has_gaps in (False, True):
        (finding, *_) = inspect(filesystem, DIRECTORY, has_gaps=has_gaps, durable_end=30).findings
        assert finding.is_damage
        assert (finding.path, finding.position) == (first.path(), last)
