"""The real disk passes the suite, and does what only a real one can."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from broker_core.os_filesystem import OsFile, OsFilesystem
from tests.unit.broker_core.filesystem_suite import FilesystemSuite


class TestOsFilesystem(FilesystemSuite):
    @pytest.fixture
    def filesystem(self, tmp_path: Path) -> OsFilesystem:
        return OsFilesystem(tmp_path)


class TestOsFilesystemWithOneDescriptor(FilesystemSuite):
    """Every other file gives its descriptor back, and nobody notices."""

    @pytest.fixture
    def filesystem(self, tmp_path: Path) -> OsFilesystem:
        return OsFilesystem(tmp_path, max_open_files=1)


def test_a_file_is_synced_before_its_descriptor_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells a failed write-back to open descriptors: without one nobody would ever hear of it. A failure is
    told to whoever writes to the file or syncs it."""
    filesystem = OsFilesystem(tmp_path, max_open_files=1)
    file = filesystem.open("a", create=True)
    file.write_at(0, b"x")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("broker_core.os_filesystem._SYNC_DATA", fail)
    filesystem.open("b", create=True)
    for use in (file.sync, lambda: file.truncate(0), lambda: file.write_at(1, b"y")):
        with pytest.raises(OSError, match="broken"):
            use()
    assert file.read_at(0, 1) == b"x", "it may be read until it is given up"


def test_a_clean_file_is_not_synced_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filesystem = OsFilesystem(tmp_path, max_open_files=1)
    file = filesystem.open("a", create=True)
    file.write_at(0, b"x")
    file.sync()
    monkeypatch.setattr("broker_core.os_filesystem._SYNC_DATA", None)
    filesystem.open("b", create=True)
    file.sync()
    assert file.read_at(0, 1) == b"x"


def test_another_file_under_the_same_name_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    filesystem = OsFilesystem(tmp_path, max_open_files=1)
    file = filesystem.open("a", create=True)
    (tmp_path / "other").write_bytes(b"other")
    filesystem.open("b", create=True)
    filesystem.rename("other", "a")
    with pytest.raises(OSError, match="another file has its name now"):
        file.read_at(0, 1)


def test_a_descriptor_in_use_by_a_sync_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filesystem = OsFilesystem(tmp_path, max_open_files=1)
    file = filesystem.open("a", create=True)
    file.write_at(0, b"x")
    real = os.fdatasync

    def sync(descriptor: int) -> None:
        monkeypatch.setattr("broker_core.os_filesystem._SYNC_DATA", real)
        filesystem.open("b", create=True).close()  # as the owner's thread would, meanwhile
        real(descriptor)

    monkeypatch.setattr("broker_core.os_filesystem._SYNC_DATA", sync)
    file.sync()
    assert file.read_at(0, 1) == b"x"


def test_file_paths_are_absolute_for_messages(tmp_path: Path) -> None:
    """An error that names the file must be of use to someone who does not know the root."""
    OsFilesystem(tmp_path).make_directory("d")
    assert OsFilesystem(tmp_path).open("d/f", create=True).path == str(tmp_path / "d" / "f")


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """``kill -9`` of the owner must not leave the directory locked, and while it lives its pid is named."""
    code = (
        "import sys; from broker_core.os_filesystem import OsFilesystem; "
        "lock = OsFilesystem(sys.argv[1]).lock('lock'); print('held', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert owner.stdout is not None and owner.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError, match=f"process {owner.pid}"):
            OsFilesystem(tmp_path).lock("lock")
    finally:
        owner.kill()
        owner.communicate()
    OsFilesystem(tmp_path).lock("lock").release()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may take less than it was given; the rest follows, or the error it then reports is raised."""
    file = OsFilesystem(tmp_path).open("f", create=True)
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, position: real(fd, bytes(data)[:3], position))
    file.write_at(2, b"abcdefgh")
    assert file.read_at(0, 20) == b"\0\0abcdefgh"


def test_short_reads_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = OsFilesystem(tmp_path).open("f", create=True)
    file.write_at(0, b"abcdefgh")
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, position: real(fd, min(length, 3), position))
    assert file.read_at(1, 7) == b"bcdefgh"
    assert file.read_at(1, 70) == b"bcdefgh"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_os_error(tmp_path: Path) -> None:
    file = OsFile("/dev/full", os.open("/dev/full", os.O_RDWR))
    with pytest.raises(OSError) as caught:
        file.write_at(0, b"x")
    assert caught.value.errno == errno.ENOSPC
    file.close()
