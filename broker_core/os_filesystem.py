"""The real disk behind ``ports.Filesystem``: a shell over ``os``, with no decision in it.

Which bytes are written where, and what a failure means, is the log's business.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import threading
from pathlib import Path, PurePosixPath
from typing import Final

from broker_core.open_files import MAX_OPEN_FILES, OpenFiles

_DESCRIPTORS: Final = threading.Lock()
"""Held while a descriptor is taken for a sync, or taken away."""
_RESERVE: Final = getattr(os, "posix_fallocate", lambda descriptor, _, size: os.ftruncate(descriptor, size))
_SYNC_DATA: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class OsFile:
    """A file that is open when it is needed; ``sync`` may run on another thread, every other method belongs to the
    owner's.

    Only the owner's thread gives descriptors back, so that only ``sync`` has to hold on to the one that it uses.
    """

    __slots__ = (
        "_descriptor", "_failure", "_identity", "_is_closed", "_open_files", "_path", "_synced", "_syncs", "_writes",
    )  # fmt: skip

    def __init__(self, path: str, descriptor: int, open_files: OpenFiles | None = None) -> None:
        self._path = path
        self._descriptor = descriptor
        self._open_files = OpenFiles() if open_files is None else open_files
        self._identity = _identity(descriptor)
        self._is_closed = False
        self._syncs = self._writes = self._synced = 0
        self._failure: OSError | None = None
        self._open_files.opened(self)

    @property
    def path(self) -> str:
        return self._path

    def size(self) -> int:
        return os.fstat(self._held()).st_size

    def read_at(self, position: int, length: int) -> bytes:
        descriptor = self._held()
        data = os.pread(descriptor, length, position)
        if len(data) == length or not data:
            return data
        parts = [data]
        missing = length - len(data)
        while missing > 0:  # a signal or a network file system may cut a read short before the end of the file
            data = os.pread(descriptor, missing, position + length - missing)
            if not data:
                break
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def write_at(self, position: int, data: bytes) -> None:
        descriptor = self._writable()
        written = os.pwrite(descriptor, data, position)
        if written == len(data):
            return
        view = memoryview(data)
        while written < len(data):  # a short write on a full disk: the next call says ENOSPC
            written += os.pwrite(descriptor, view[written:], position + written)

    def truncate(self, size: int) -> None:
        descriptor = self._writable()
        os.ftruncate(descriptor, size)

    def reserve(self, size: int) -> None:
        descriptor = self._writable()
        if os.fstat(descriptor).st_size < size:
            _RESERVE(descriptor, 0, size)

    def sync(self) -> None:
        with _DESCRIPTORS:
            if self._failure is not None:
                raise self._failure
            if self._is_closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._path)
            descriptor, writes = self._descriptor, self._writes
            if descriptor < 0:  # given back, and synced before that
                return
            self._syncs += 1
        try:
            _SYNC_DATA(descriptor)
            self._synced = max(self._synced, writes)
        finally:
            with _DESCRIPTORS:
                self._syncs -= 1

    def close(self) -> None:
        self._is_closed = True
        self._open_files.forget(self)
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def release(self, *, force: bool) -> bool:
        """See ``Releasable``. With unsynced bytes it syncs first: an error of the disk is told to the last descriptor
        that is closed, or to nobody. If that fails, so do all later syncs and writes: the owner gives the file up."""
        if self._writes != self._synced:
            if not force:
                return False
            try:
                _SYNC_DATA(self._descriptor)
                self._synced = self._writes
            except OSError as error:
                self._failure = error
        with _DESCRIPTORS:
            if self._syncs:
                return False
            descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)
        return True

    def _held(self) -> int:
        if self._descriptor >= 0:
            self._open_files.used(self)
            return self._descriptor
        if self._is_closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._path)
        self._open_files.make_room()
        self._descriptor = self._reopened()
        self._open_files.opened(self)
        return self._descriptor

    def _writable(self) -> int:
        if self._failure is not None:
            raise self._failure
        self._writes += 1
        return self._held()

    def _reopened(self) -> int:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        if _identity(descriptor) != self._identity:
            os.close(descriptor)
            raise OSError(errno.ESTALE, "another file has its name now", self._path)
        return descriptor


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


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
        max_open_files: descriptors kept for logs; by default half of what the process may have, at most
            ``MAX_OPEN_FILES``.

    Attributes:
        open_files: the files that hold a descriptor.
    """

    def __init__(self, root: str | Path, *, max_open_files: int | None = None) -> None:
        self._root = Path(root).absolute()
        self.open_files = OpenFiles(_default_limit() if max_open_files is None else max_open_files)

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
        self.open_files.make_room()
        return OsFile(str(full), os.open(full, flags, 0o644), self.open_files)

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


def _default_limit() -> int:
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if granted == resource.RLIM_INFINITY:
        return MAX_OPEN_FILES
    return max(1, min(MAX_OPEN_FILES, granted // 2))
