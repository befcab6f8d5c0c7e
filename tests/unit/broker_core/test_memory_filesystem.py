"""The disk in memory passes the suite, and crashes, fills and breaks as its model says."""

from __future__ import annotations

import errno
import random

import pytest

from broker_core.memory_filesystem import SECTOR_BYTES, CrashMode, MemoryFilesystem, SimulatedCrash
from tests.unit.broker_core.filesystem_suite import FilesystemSuite

SEEDS = range(40)


class TestMemoryFilesystem(FilesystemSuite):
    @pytest.fixture
    def filesystem(self) -> MemoryFilesystem:
        return MemoryFilesystem()


class TestMemoryFilesystemWithOneDescriptor(FilesystemSuite):
    @pytest.fixture
    def filesystem(self) -> MemoryFilesystem:
        return MemoryFilesystem(max_open_files=1)


def synced(filesystem: MemoryFilesystem, path: str, data: bytes) -> None:
    filesystem.replace_file(path, data)


@pytest.mark.parametrize("mode", ["keep", "drop", "tear"])
def test_what_was_synced_survives(mode: CrashMode) -> None:
    for seed in SEEDS:
        filesystem = MemoryFilesystem()
        file = filesystem.open("f", create=True)
        file.write_at(0, b"a" * 2000)
        file.truncate(1500)
        file.sync()
        filesystem.sync_directory("")
        filesystem.crash(random.Random(seed), mode)
        assert filesystem.read_file("f") == b"a" * 1500


def test_drop_loses_unsynced_bytes_and_lengths() -> None:
    filesystem = MemoryFilesystem()
    synced(filesystem, "f", b"durable")
    file = filesystem.open("f")
    file.write_at(0, b"DURABLE and more")
    file.truncate(3)
    filesystem.crash(random.Random(0), "drop")
    assert filesystem.read_file("f") == b"durable"


def test_keep_loses_nothing_but_the_process() -> None:
    """``kill -9``: the page cache lives on; a later power loss may still take it."""
    filesystem = MemoryFilesystem()
    file = filesystem.open("f", create=True)
    file.write_at(0, b"cached")
    filesystem.crash(random.Random(0), "keep")
    assert filesystem.read_file("f") == b"cached"
    with pytest.raises(OSError):
        file.read_at(0, 1)
    filesystem.crash(random.Random(0), "drop")
    assert not filesystem.exists("f"), "nobody synced it: power loss after the restart takes it"


def test_tear_keeps_whole_sectors_in_every_combination() -> None:
    """Each sector is old or new, never mixed; a hole before a surviving sector reads as zeros."""
    seen = set()
    for seed in range(200):
        filesystem = MemoryFilesystem()
        synced(filesystem, "f", b"o" * SECTOR_BYTES)
        filesystem.open("f").write_at(0, b"n" * (3 * SECTOR_BYTES))
        filesystem.crash(random.Random(seed), "tear")
        data = filesystem.read_file("f")
        assert len(data) % SECTOR_BYTES == 0
        sectors = [data[i : i + SECTOR_BYTES] for i in range(0, len(data), SECTOR_BYTES)]
        assert all(len(set(sector)) == 1 for sector in sectors)
        seen.add("".join(chr(sector[0]) for sector in sectors))
    assert seen == {"o", "n", "on", "nn", "o\0n", "n\0n", "onn", "nnn"}


@pytest.mark.parametrize("mode", ["drop", "tear"])
def test_directory_changes_need_a_sync_of_the_directory(mode: CrashMode) -> None:
    """Syncing the file does not make its name durable, and a removed name may come back."""
    outcomes = set()
    for seed in SEEDS:
        filesystem = MemoryFilesystem()
        synced(filesystem, "gone", b"1")
        file = filesystem.open("new", create=True)
        file.write_at(0, b"2")
        file.sync()
        filesystem.remove("gone")
        filesystem.crash(random.Random(seed), mode)
        outcomes.add(tuple(filesystem.list_directory("")))
    all_outcomes = {("gone",), ("gone", "new"), (), ("new",)}
    assert outcomes == ({("gone",)} if mode == "drop" else all_outcomes)


@pytest.mark.parametrize("mode", ["drop", "tear"])
def test_replace_file_is_atomic(mode: CrashMode) -> None:
    """Crash before every operation of it: the old bytes or the new ones, and the new ones once it has returned."""
    for seed in SEEDS:
        for number in range(20):
            filesystem = MemoryFilesystem()
            synced(filesystem, "f", b"old")
            filesystem.faults.crash_before = filesystem.faults.operations + number
            try:
                filesystem.replace_file("f", b"new")
                finished = True
            except SimulatedCrash:
                finished = False
            filesystem.crash(random.Random(seed), mode)
            assert filesystem.read_file("f") in ({b"new"} if finished else {b"old", b"new"})
        assert finished, "the last crash must lie behind the whole operation"


def test_remove_tree_may_be_left_half_done() -> None:
    filesystem = MemoryFilesystem()
    filesystem.make_directory("d")
    filesystem.sync_directory("")
    for name in "abc":
        synced(filesystem, f"d/{name}", b"")
    filesystem.faults.crash_before = filesystem.faults.operations + 2
    with pytest.raises(SimulatedCrash):
        filesystem.remove_tree("d")
    filesystem.crash(random.Random(0), "keep")
    assert filesystem.list_directory("d") == ["c"]


def test_a_lost_directory_takes_its_files_along() -> None:
    filesystem = MemoryFilesystem()
    filesystem.make_directory("d")
    synced(filesystem, "d/f", b"1")
    filesystem.crash(random.Random(0), "drop")
    assert filesystem.list_directory("") == []


def test_nothing_works_after_the_simulated_crash() -> None:
    """Clean-up code that runs while the exception travels must not touch the disk of a dead machine."""
    filesystem = MemoryFilesystem()
    file = filesystem.open("f", create=True)
    filesystem.faults.crash_before = filesystem.faults.operations
    with pytest.raises(SimulatedCrash):
        file.write_at(0, b"x")
    for operation in (lambda: file.truncate(0), lambda: filesystem.remove("f"), file.sync):
        with pytest.raises(SimulatedCrash):
            operation()


def test_the_hook_hears_every_mutating_operation() -> None:
    filesystem = MemoryFilesystem()
    heard: list[tuple[str, str]] = []
    filesystem.faults.hook = lambda operation, path: heard.append((operation, path))
    filesystem.make_directory("d")
    filesystem.replace_file("d/f", b"1")
    filesystem.remove("d/f")
    filesystem.read_file("d/f") if filesystem.exists("d/f") else None
    kinds = [operation for operation, _ in heard]
    assert kinds == ["make_directory", "create", "truncate", "write", "sync", "rename", "sync_directory", "remove"]
    assert filesystem.faults.operations == len(kinds)
    assert filesystem.faults.counters["sync"] == 1


def test_a_full_disk_takes_what_fits_and_gives_it_back() -> None:
    filesystem = MemoryFilesystem()
    file = filesystem.open("f", create=True)
    filesystem.available_bytes = 10
    with pytest.raises(OSError) as caught:
        file.write_at(0, b"x" * 12)
    assert caught.value.errno == errno.ENOSPC
    assert (file.size(), filesystem.free_bytes()) == (10, 0)
    file.write_at(0, b"overwriting needs no space"[:10])
    file.truncate(4)
    assert filesystem.free_bytes() == 6
    filesystem.remove("f")
    assert filesystem.free_bytes() == 10


def test_a_reservation_is_durable_only_once_it_is_synced() -> None:
    """What was written into it may be there or not, and be followed by the rest of the room or not."""
    found = set()
    for seed in SEEDS:
        filesystem = MemoryFilesystem()
        file = filesystem.open("f", create=True)
        filesystem.sync_directory("")
        file.reserve(2_000)
        file.write_at(0, b"a" * SECTOR_BYTES)
        filesystem.crash(random.Random(seed), "tear")
        found.add(filesystem.read_file("f"))
    written = b"a" * SECTOR_BYTES
    assert found == {b"", bytes(2_000), written, written + bytes(2_000 - SECTOR_BYTES)}


def test_a_full_disk_reserves_what_fits_and_writes_into_it_take_no_more() -> None:
    filesystem = MemoryFilesystem()
    file = filesystem.open("f", create=True)
    filesystem.available_bytes = 100
    with pytest.raises(OSError) as caught:
        file.reserve(150)
    assert caught.value.errno == errno.ENOSPC
    assert filesystem.free_bytes() == 0
    file.write_at(0, b"a" * 100)
    assert filesystem.free_bytes() == 0
    file.truncate(0)
    assert filesystem.free_bytes() == 100


def test_ordered_faults_happen_once() -> None:
    filesystem = MemoryFilesystem()
    file = filesystem.open("f", create=True)
    filesystem.faults.fail_next_write = errno.EIO
    filesystem.faults.fail_next_sync = errno.EIO
    with pytest.raises(OSError):
        file.write_at(0, b"x")
    with pytest.raises(OSError):
        file.sync()
    file.write_at(0, b"x")
    file.sync()
    assert file.read_at(0, 1) == b"x"
    filesystem.faults.fail_next_sync = errno.EIO
    with pytest.raises(OSError):
        filesystem.sync_directory("")


def test_a_crash_gives_locks_up() -> None:
    filesystem = MemoryFilesystem()
    filesystem.lock("lock")
    filesystem.crash(random.Random(0), "keep")
    filesystem.lock("lock")
