"""What inspection tells of a log (what it finds wrong is in ``test_repair``)."""

from __future__ import annotations

from broker_core.log.inspection import EVERYTHING, batches_of, inspect
from broker_core.memory_filesystem import MemoryFilesystem
from tests.unit.broker_core.log.log_world import DIRECTORY, NOW_MS, batch, open_log, sync


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
