"""The guard refuses below the reserve, recovers by itself, and does not ask the disk for every write."""

from __future__ import annotations

import pytest

from broker_core.disk_guard import MAX_UNCHECKED_BYTES, RECHECK_MS, DiskGuard
from broker_core.errors import StorageError
from broker_core.memory_filesystem import MemoryFilesystem


class CountingFilesystem(MemoryFilesystem):
    looks = 0

    def free_bytes(self) -> int:
        self.looks += 1
        return super().free_bytes()


def filesystem_with(free_bytes: int) -> CountingFilesystem:
    filesystem = CountingFilesystem()
    filesystem.available_bytes = free_bytes
    return filesystem


def test_refuses_below_the_reserve_and_recovers_when_space_returns() -> None:
    filesystem = filesystem_with(1_100)
    guard = DiskGuard(filesystem, 1_000)
    guard.admit(100, 0)
    filesystem.available_bytes = 1_000
    with pytest.raises(StorageError, match="disk full"):
        guard.admit(1, 0)
    filesystem.available_bytes = 1_001
    guard.admit(1, 0)


def test_asks_the_disk_again_after_a_while_or_many_bytes_only() -> None:
    filesystem = filesystem_with(1 << 40)
    guard = DiskGuard(filesystem, 1_000)
    for _ in range(100):
        guard.admit(1_000, 0)
    assert filesystem.looks == 1
    guard.admit(MAX_UNCHECKED_BYTES, 0)
    assert filesystem.looks == 2
    guard.admit(0, RECHECK_MS)
    assert filesystem.looks == 3


def test_somebody_else_fills_the_disk() -> None:
    filesystem = filesystem_with(1 << 40)
    guard = DiskGuard(filesystem, 1_000)
    guard.admit(1, 0)
    filesystem.available_bytes = 0
    with pytest.raises(StorageError, match="disk full"):
        guard.admit(1, RECHECK_MS)


def test_zero_switches_it_off() -> None:
    DiskGuard(filesystem_with(0), 0).admit(1 << 30, 0)
