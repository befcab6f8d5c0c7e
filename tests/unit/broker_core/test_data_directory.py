"""A data directory has one owner, a version, and remembers whether it was closed cleanly."""

from __future__ import annotations

import errno

import pytest

from broker_core.config import FORMAT_VERSION
from broker_core.data_directory import CLEAN_PATH, FORMAT_PATH, DataDirectory
from broker_core.errors import DataDirectoryError
from broker_core.memory_filesystem import MemoryFilesystem


def test_a_new_directory_is_not_clean_and_gets_a_version() -> None:
    filesystem = MemoryFilesystem()
    directory = DataDirectory.claim(filesystem)
    assert not directory.was_clean
    assert filesystem.read_file(FORMAT_PATH) == f"{FORMAT_VERSION}\n".encode()


def test_the_clean_mark_holds_for_one_start() -> None:
    filesystem = MemoryFilesystem()
    directory = DataDirectory.claim(filesystem)
    directory.mark_clean()
    directory.release()
    directory = DataDirectory.claim(filesystem)
    assert directory.was_clean
    assert not filesystem.exists(CLEAN_PATH)
    directory.release()
    assert not DataDirectory.claim(filesystem).was_clean


def test_in_use() -> None:
    filesystem = MemoryFilesystem()
    DataDirectory.claim(filesystem)
    with pytest.raises(DataDirectoryError, match=r"in use.*held by process"):
        DataDirectory.claim(filesystem)


def test_a_newer_version_is_refused_and_left_alone() -> None:
    filesystem = MemoryFilesystem()
    filesystem.replace_file(FORMAT_PATH, b"999\n")
    for _ in range(2):
        with pytest.raises(DataDirectoryError, match="version 999"):
            DataDirectory.claim(filesystem)
    assert filesystem.read_file(FORMAT_PATH) == b"999\n"


def test_something_else_is_refused() -> None:
    filesystem = MemoryFilesystem()
    filesystem.replace_file(FORMAT_PATH, b"hello")
    with pytest.raises(DataDirectoryError, match="instead of a number"):
        DataDirectory.claim(filesystem)


def test_not_writable() -> None:
    filesystem = MemoryFilesystem()
    filesystem.faults.fail_next_write = errno.EROFS
    with pytest.raises(DataDirectoryError, match="cannot be written"):
        DataDirectory.claim(filesystem)
    DataDirectory.claim(filesystem)
