"""A disk in memory that a test can crash, fill and break: the other implementation of ``ports.Filesystem``.

It owns the crash model: what power loss may do to bytes and directory entries that were not synced. No knowledge of
any file format lives here. It is test kit, shipped because the simulator is part of the product.

The model: a write or truncation is durable after ``File.sync``, a creation, rename or removal after
``sync_directory`` of its parent. ``crash`` then keeps, drops or tears what was not: torn writes survive sector by
sector (so a hole of zeros may lie inside a batch), torn directories change by change.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from broker_core.open_files import MAX_OPEN_FILES, OpenFiles
from broker_core.ports import Random

SECTOR_BYTES: Final = 512
DEFAULT_FREE_BYTES: Final = 1 << 40

CrashMode: TypeAlias = Literal["keep", "drop", "tear"]
"""``keep``: the process died, the operating system lives (what was not synced still is not). ``drop``, ``tear``: power
loss."""


class SimulatedCrash(BaseException):
    """The machine stopped before a mutating operation. No ``Exception``: no handler may survive it."""


@dataclass(slots=True, eq=False)
class _Inode:
    """A file's bytes as seen by the process, and what of them is durable."""

    content: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes ``(position, data)`` and truncations ``(size, None)`` since the last sync, in order. A write of nothing
    makes the file at least that long."""

    def apply_unsynced(self, survives: Callable[[], bool] | None) -> None:
        """Make the unsynced changes durable: all of them, or the sectors that survive."""
        for position, data in self.unsynced:
            if data is None:
                if survives is None or survives():
                    _resize(self.durable, position)
            elif survives is None:
                _overwrite(self.durable, position, data)
            else:
                for start, part in _sectors(position, data):
                    if survives():
                        _overwrite(self.durable, start, part)
        self.unsynced.clear()


@dataclass(slots=True, eq=False)
class _Directory:
    entries: dict[str, _Inode | _Directory] = field(default_factory=dict)
    durable: dict[str, _Inode | _Directory] = field(default_factory=dict)


_Assignment: TypeAlias = tuple[_Directory, str, "_Inode | _Directory | None"]


class _Tree:
    """Names to nodes, and the journal of changes that no ``sync_directory`` has made durable yet."""

    __slots__ = ("journal", "root")

    def __init__(self) -> None:
        self.root = _Directory()
        self.journal: list[tuple[_Assignment, ...]] = []

    def change(self, *assignments: _Assignment) -> None:
        """Set names (None removes); all of one call survive a crash, or none."""
        for directory, name, node in assignments:
            if node is None:
                directory.entries.pop(name, None)
            else:
                directory.entries[name] = node
        self.journal.append(assignments)

    def find(self, path: str) -> _Inode | _Directory | None:
        node: _Inode | _Directory | None = self.root
        for name in _parts(path):
            if not isinstance(node, _Directory):
                return None
            node = node.entries.get(name)
        return node

    def parent(self, path: str) -> tuple[_Directory, str]:
        """The directory that holds ``path`` and its name in there; FileNotFoundError if there is none."""
        directory, _, name = path.rpartition("/")
        node = self.find(directory)
        if not isinstance(node, _Directory) or not name:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return node, name

    def sync(self, directory: _Directory) -> None:
        waiting = []
        for change in self.journal:
            if any(changed is directory for changed, _, _ in change):
                _make_durable(change)
            else:
                waiting.append(change)
        self.journal = waiting

    def settle(self, survives: Callable[[], bool]) -> None:
        for change in self.journal:
            if survives():
                _make_durable(change)
        self.journal.clear()
        _settle(self.root, survives)


class MemoryFile:
    """A handle on one file; it is dead after a crash, as its process is."""

    __slots__ = ("_closed", "_failure", "_filesystem", "_generation", "_held", "_inode", "_path")

    def __init__(self, filesystem: MemoryFilesystem, path: str, inode: _Inode) -> None:
        self._filesystem = filesystem
        self._path = path
        self._inode = inode
        self._generation = filesystem.generation
        self._closed = False
        self._held = False
        self._failure: OSError | None = None
        self._check()

    @property
    def path(self) -> str:
        return self._path

    def _check(self) -> None:
        if self._closed or self._generation != self._filesystem.generation:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._path)
        open_files = self._filesystem.open_files
        if self._held:
            open_files.used(self)
            return
        open_files.make_room()
        self._held = True
        open_files.opened(self)

    def size(self) -> int:
        self._check()
        return len(self._inode.content)

    def read_at(self, position: int, length: int) -> bytes:
        self._check()
        return bytes(self._inode.content[position : position + length])

    def _check_write(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._check()

    def write_at(self, position: int, data: bytes) -> None:
        self._check_write()
        self._filesystem.faults.before("write", self._path)
        growth = position + len(data) - len(self._inode.content)
        missing = _take_space(self._filesystem, max(0, growth))
        stored = bytes(data[: max(0, len(data) - missing)])  # a real disk also takes the part that fits
        if stored:
            _overwrite(self._inode.content, position, stored)
            self._inode.unsynced.append((position, stored))
        if missing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)

    def truncate(self, size: int) -> None:
        self._check_write()
        self._filesystem.faults.before("truncate", self._path)
        _take_space(self._filesystem, size - len(self._inode.content))
        _resize(self._inode.content, size)
        self._inode.unsynced.append((size, None))

    def reserve(self, size: int) -> None:
        self._check_write()
        self._filesystem.faults.before("reserve", self._path)
        missing = _take_space(self._filesystem, max(0, size - len(self._inode.content)))
        _overwrite(self._inode.content, size - missing, b"")  # a real disk also takes the part that fits
        self._inode.unsynced.append((size - missing, b""))
        if missing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)

    def sync(self) -> None:
        if self._closed or self._generation != self._filesystem.generation:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._path)
        if self._failure is not None:
            raise self._failure
        self._filesystem.faults.before("sync", self._path)
        self._inode.apply_unsynced(None)

    def close(self) -> None:
        self._closed = True
        self._filesystem.open_files.forget(self)

    def release(self, *, force: bool) -> bool:
        """As the real one does: synced first; a failure of that is told to whoever writes to the file or syncs it."""
        if self._inode.unsynced:
            if not force:
                return False
            try:
                self._filesystem.faults.before("sync", self._path)
                self._inode.apply_unsynced(None)
            except OSError as error:
                self._failure = error
        self._held = False
        return True


class MemoryLock:
    """A claim held in memory; a crash gives it up."""

    __slots__ = ("_locks", "_path")

    def __init__(self, locks: dict[str, MemoryLock], path: str) -> None:
        self._locks = locks
        self._path = path

    def release(self) -> None:
        if self._locks.get(self._path) is self:
            del self._locks[self._path]


class Faults:
    """What goes wrong, and when; counts every mutating operation.

    Attributes:
        hook: called with ``(operation, path)`` before every mutating operation; may raise ``SimulatedCrash``.
        crash_before: number (from 0) of the operation before which the machine stops; it and all later ones raise.
        fail_next_sync: errno of the next ``sync`` or ``sync_directory``, then cleared.
        fail_next_write: errno of the next ``write``, then cleared.
        operations: mutating operations so far.
        counters: the same by kind (write, truncate, reserve, sync, create, make_directory, rename, remove,
            sync_directory).
    """

    def __init__(self) -> None:
        self.hook: Callable[[str, str], None] | None = None
        self.crash_before: int | None = None
        self.fail_next_sync: int | None = None
        self.fail_next_write: int | None = None
        self.operations = 0
        self.counters: dict[str, int] = {}

    def before(self, operation: str, path: str) -> None:
        """Called by the filesystem. Raises SimulatedCrash or the OSError that a test ordered."""
        number = self.operations
        self.operations += 1
        self.counters[operation] = self.counters.get(operation, 0) + 1
        if self.crash_before is not None and number >= self.crash_before:
            raise SimulatedCrash(f"before operation {number}: {operation} {path}")
        if self.hook is not None:
            self.hook(operation, path)
        code: int | None = None
        if operation in {"sync", "sync_directory"}:
            code, self.fail_next_sync = self.fail_next_sync, None
        elif operation == "write":
            code, self.fail_next_write = self.fail_next_write, None
        if code is not None:
            raise OSError(code, os.strerror(code), path)


class MemoryFilesystem:
    """A directory tree in memory.

    Attributes:
        faults: fault injection and counters.
        available_bytes: what ``free_bytes`` answers; growing files use it up, shrinking and removing give it back.
        generation: number of crashes; handles of an earlier one are dead.
        open_files: the files that would hold a descriptor on a real disk.

    Arguments:
        max_open_files: how many of them there may be.
    """

    def __init__(self, *, max_open_files: int = MAX_OPEN_FILES) -> None:
        self.open_files = OpenFiles(max_open_files)
        self.faults = Faults()
        self.available_bytes = DEFAULT_FREE_BYTES
        self.generation = 0
        self._tree = _Tree()
        self._locks: dict[str, MemoryLock] = {}

    # -- the crash model

    def crash(self, random: Random, mode: CrashMode = "drop") -> None:
        """The machine stops: unsynced changes are kept, dropped or torn; handles and locks are gone.

        Faults that were ordered are cleared, so that the next life starts on a healthy disk.
        """
        if mode != "keep":
            chance = 0.0 if mode == "drop" else (0.1, 0.5, 0.9)[random.getrandbits(8) % 3]
            self._tree.settle(lambda: random.random() < chance)
        self._locks.clear()
        self.open_files = OpenFiles(self.open_files.limit)
        self.generation += 1
        self.faults = Faults()

    # -- ports.Filesystem

    def open(self, path: str, *, create: bool = False) -> MemoryFile:
        parent, name = self._tree.parent(path)
        node = parent.entries.get(name)
        if isinstance(node, _Directory):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if node is None:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            self.faults.before("create", path)
            node = _Inode()
            self._tree.change((parent, name, node))
        return MemoryFile(self, path, node)

    def exists(self, path: str) -> bool:
        return self._tree.find(path) is not None

    def size_of(self, path: str) -> int:
        node = self._tree.find(path)
        if not isinstance(node, _Inode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return len(node.content)

    def list_directory(self, path: str) -> list[str]:
        node = self._tree.find(path)
        return sorted(node.entries) if isinstance(node, _Directory) else []

    def make_directory(self, path: str) -> None:
        directory = self._tree.root
        for name in _parts(path):
            node = directory.entries.get(name)
            if node is None:
                self.faults.before("make_directory", path)
                node = _Directory()
                self._tree.change((directory, name, node))
            if not isinstance(node, _Directory):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            directory = node

    def rename(self, source: str, target: str) -> None:
        source_parent, source_name = self._tree.parent(source)
        target_parent, target_name = self._tree.parent(target)
        node = source_parent.entries.get(source_name)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
        self.faults.before("rename", target)
        replaced = target_parent.entries.get(target_name)
        if isinstance(replaced, _Inode) and replaced is not node:
            _take_space(self, -len(replaced.content))
        self._tree.change((source_parent, source_name, None), (target_parent, target_name, node))

    def remove(self, path: str) -> None:
        try:
            parent, name = self._tree.parent(path)
        except FileNotFoundError:
            return
        node = parent.entries.get(name)
        if node is None:
            return
        if isinstance(node, _Directory):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self.faults.before("remove", path)
        _take_space(self, -len(node.content))
        self._tree.change((parent, name, None))

    def remove_tree(self, path: str) -> None:
        node = self._tree.find(path)
        if not isinstance(node, _Directory):
            self.remove(path)
            return
        for name in sorted(node.entries):  # one at a time: a crash leaves half a tree, as on a real disk
            self.remove_tree(f"{path}/{name}" if path else name)
        if path:
            parent, name = self._tree.parent(path)
            self.faults.before("remove", path)
            self._tree.change((parent, name, None))

    def sync_directory(self, path: str) -> None:
        node = self._tree.find(path)
        if not isinstance(node, _Directory):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.faults.before("sync_directory", path)
        self._tree.sync(node)

    def read_file(self, path: str) -> bytes:
        file = self.open(path)
        try:
            return file.read_at(0, file.size())
        finally:
            file.close()

    def replace_file(self, path: str, data: bytes) -> None:
        temporary = path + ".tmp"
        file = self.open(temporary, create=True)
        file.truncate(0)
        file.write_at(0, data)
        file.sync()
        file.close()
        self.rename(temporary, path)
        self.sync_directory(path.rpartition("/")[0])

    @property
    def root(self) -> str:
        return "/memory"

    def free_bytes(self) -> int:
        return self.available_bytes

    def total_bytes(self) -> int:
        return DEFAULT_FREE_BYTES

    def lock(self, path: str) -> MemoryLock:
        if path in self._locks:
            raise BlockingIOError(errno.EWOULDBLOCK, f"{path} is held by process {os.getpid()}")
        self.open(path, create=True).close()
        lock = self._locks[path] = MemoryLock(self._locks, path)
        return lock


def _take_space(filesystem: MemoryFilesystem, growth: int) -> int:
    """Use up (or, if negative, give back) space; returns the bytes that did not fit."""
    missing = max(0, growth - filesystem.available_bytes)
    filesystem.available_bytes -= growth - missing
    return missing


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts:
        raise ValueError(f"path {path!r} leaves the data directory")
    return parts


def _make_durable(change: tuple[_Assignment, ...]) -> None:
    for directory, name, node in change:
        if node is None:
            directory.durable.pop(name, None)
        else:
            directory.durable[name] = node


def _settle(directory: _Directory, survives: Callable[[], bool]) -> None:
    """After power loss the process sees what is durable, and nothing else."""
    directory.entries = dict(directory.durable)
    for name in sorted(directory.entries):
        node = directory.entries[name]
        if isinstance(node, _Directory):
            _settle(node, survives)
        else:
            node.apply_unsynced(survives)
            node.content = bytearray(node.durable)


def _sectors(position: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    if not data:
        yield position, data
    start = 0
    while start < len(data):
        stop = start + SECTOR_BYTES - (position + start) % SECTOR_BYTES
        yield position + start, data[start:stop]
        start = stop


def _overwrite(content: bytearray, position: int, data: bytes) -> None:
    if position > len(content):
        _resize(content, position)
    content[position : position + len(data)] = data


def _resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
