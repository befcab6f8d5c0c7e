"""The real disk behind ``ports.Filesystem``: a shell over ``os``, with no decision in it.

Which bytes are written where, and what a failure means, is the log's business.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import Final

_SYNC_DATA: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class OsFile:
    """An open file; ``sync`` may run on another thread, every other method belongs to the owner's."""

    __slots__ = ("_descriptor", "_path")

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @property
    def path(self) -> str:
        return self._path

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read_at(self, position: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, position)
        if len(data) == length or not data:
            return data
        parts = [data]
        missing = length - len(data)
        while missing > 0:  # a signal or a network file system may cut a read short before the end of the file
            data = os.pread(self._descriptor, missing, position + length - missing)
            if not data:
                break
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def write_at(self, position: int, data: bytes) -> None:
        written = os.pwrite(self._descriptor, data, position)
        if written == len(data):
            return
        view = memoryview(data)
        while written < len(data):  # a short write on a full disk: the next call says ENOSPC
            written += os.pwrite(self._descriptor, view[written:], position + written)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        _SYNC_DATA(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class OsLock:
    """An ``flock`` on a file that also holds the owner's process id; the kernel drops it when the process dies."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class OsFilesystem:
    """The directory tree below ``root`` (created on first use).

    Arguments:
        root: absolute, or relative to the working directory at construction.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).absolute()

    @property
    def root(self) -> str:
        return str(self._root)

    def _resolve(self, path: str) -> Path:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise ValueError(f"path {path!r} leaves the data directory")
        return self._root / pure

    def open(self, path: str, *, create: bool = False) -> OsFile:
        full = self._resolve(path)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        return OsFile(str(full), os.open(full, flags, 0o644))

    def exists(self, path: str) -> bool:
        return self._resolve(path).exists()

    def size_of(self, path: str) -> int:
        return self._resolve(path).stat().st_size

    def list_directory(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self._resolve(path)))  # noqa: PTH208 - names, not paths
        except FileNotFoundError:
            return []

    def make_directory(self, path: str) -> None:
        self._resolve(path).mkdir(parents=True, exist_ok=True)

    def rename(self, source: str, target: str) -> None:
        self._resolve(source).replace(self._resolve(target))

    def remove(self, path: str) -> None:
        self._resolve(path).unlink(missing_ok=True)

    def remove_tree(self, path: str) -> None:
        try:
            shutil.rmtree(self._resolve(path))
        except FileNotFoundError:
            return

    def sync_directory(self, path: str) -> None:
        descriptor = os.open(self._resolve(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read_file(self, path: str) -> bytes:
        return self._resolve(path).read_bytes()

    def replace_file(self, path: str, data: bytes) -> None:
        temporary = path + ".tmp"
        file = self.open(temporary, create=True)
        try:
            file.truncate(0)
            file.write_at(0, data)
            file.sync()
        finally:
            file.close()
        self.rename(temporary, path)
        self.sync_directory(path.rpartition("/")[0])

    def free_bytes(self) -> int:
        status = os.statvfs(self._root)
        return status.f_bavail * status.f_frsize

    def total_bytes(self) -> int:
        status = os.statvfs(self._root)
        return status.f_blocks * status.f_frsize

    def lock(self, path: str) -> OsLock:
        full = self._resolve(path)
        descriptor = os.open(full, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            holder = "this process already" if owner == str(os.getpid()) else f"process {owner}"
            raise BlockingIOError(errno.EWOULDBLOCK, f"{full} is held by {holder}") from error
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return OsLock(descriptor)
