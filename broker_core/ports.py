"""What the broker needs from outside: disk, randomness, and a place for measurements.

Protocols only. ``os_filesystem`` is the real disk, ``memory_filesystem`` the one that tests crash.
Time is no port: it comes in as ``now_ms`` with every call.
"""

from __future__ import annotations

from typing import Protocol


class File(Protocol):
    """An open file with explicit positions; nothing is buffered above the operating system.

    Every method raises ``OSError`` (``ENOSPC`` when the disk is full). After a failed ``sync`` the
    state of the file is unknown and its owner must stop using it.
    """

    @property
    def path(self) -> str: ...

    def size(self) -> int:
        """Length in bytes, unsynced bytes included."""

    def read_at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``position``; fewer only at the end of the file."""

    def write_at(self, position: int, data: bytes) -> None:
        """Write all of ``data`` at ``position`` (extends the file); not durable before ``sync``."""

    def truncate(self, size: int) -> None: ...

    def reserve(self, size: int) -> None:
        """Take space on the disk for ``size`` bytes and make the file that long (never shorter), with zeros.

        Not durable before ``sync``. After an error the length is unknown.
        """

    def sync(self) -> None:
        """Make the file's bytes and its length durable (fdatasync). May run on another thread."""

    def close(self) -> None: ...


class Lock(Protocol):
    """An exclusive claim on a directory, given up by ``release`` or by the process's death."""

    def release(self) -> None: ...


class Filesystem(Protocol):
    """A directory tree. Paths are relative, with ``/``; where the root lies is the implementation's business."""

    @property
    def root(self) -> str:
        """What people call the tree: its absolute path, where it has one."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Open for reading and writing. ``FileNotFoundError`` unless it exists or ``create``."""

    def exists(self, path: str) -> bool: ...

    def size_of(self, path: str) -> int:
        """Length of a file in bytes, without opening it. ``FileNotFoundError`` if there is none."""

    def list_directory(self, path: str) -> list[str]:
        """Names in ``path``, sorted; empty when there is no such directory."""

    def make_directory(self, path: str) -> None:
        """Create ``path`` and its parents; no error when it exists."""

    def rename(self, source: str, target: str) -> None:
        """Atomically replace ``target``; durable only after ``sync_directory`` of its parent."""

    def remove(self, path: str) -> None:
        """Remove one file; no error when it is missing."""

    def remove_tree(self, path: str) -> None: ...

    def sync_directory(self, path: str) -> None:
        """Make creations, renames and removals in ``path`` durable."""

    def read_file(self, path: str) -> bytes: ...

    def replace_file(self, path: str, data: bytes) -> None:
        """Durably and atomically replace a small file: temporary, sync, rename, sync directory."""

    def free_bytes(self) -> int: ...

    def total_bytes(self) -> int:
        """Size of the volume that the tree is on."""

    def lock(self, path: str) -> Lock:
        """Claim ``path``; ``BlockingIOError`` (with the owner's pid in its text) when taken."""


class Random(Protocol):
    """Injected randomness (ids, jitter); ``random.Random`` satisfies it."""

    def getrandbits(self, bits: int, /) -> int: ...

    def random(self) -> float: ...


class Observer(Protocol):
    """Hears what the broker does; the default hears nothing. Called on the broker's thread."""

    def event(self, name: str, **fields: object) -> None:
        """``name`` is a dotted constant such as ``log.recovered``; fields are plain values."""


class NullObserver:
    """The observer that ignores everything."""

    def event(self, name: str, **fields: object) -> None:
        return None
