"""Which files may keep a descriptor: the recently used ones, so that history does not use up what the system grants.

The policy only; what giving a descriptor back means is the file's business. Shared by both filesystems. A log may have
any number of segments and a broker any number of logs, and the limit holds for all of them together.
"""

from __future__ import annotations

from typing import Final, Protocol

MAX_OPEN_FILES: Final = 1024
"""Descriptors kept by one filesystem at most; the real one takes less where the system grants less."""
LOOKED_AT: Final = 16
"""Files among which one without unsynced bytes is looked for, before the oldest has to be synced."""


class Releasable(Protocol):
    """A file that can do without its descriptor, and takes a new one when it is used again."""

    def release(self, *, force: bool) -> bool:
        """Give the descriptor back. False if it has to stay: in use, or, without ``force``, not synced."""


class OpenFiles:
    """Files that hold a descriptor, the least recently used first.

    Arguments:
        limit: how many there may be.

    Attributes:
        peak: how many there were at most.
    """

    __slots__ = ("_files", "limit", "peak")

    def __init__(self, limit: int = MAX_OPEN_FILES) -> None:
        assert limit > 0
        self.limit = limit
        self.peak = 0
        self._files: dict[Releasable, None] = {}

    def __len__(self) -> int:
        return len(self._files)

    def make_room(self) -> None:
        """Before another one is opened: let the least recently used go until there is room."""
        while len(self._files) >= self.limit and self._release_one():
            pass

    def opened(self, file: Releasable) -> None:
        """It holds a descriptor now."""
        self._files[file] = None
        self.peak = max(self.peak, len(self._files))

    def used(self, file: Releasable) -> None:
        """It was used: the others go first."""
        del self._files[file]
        self._files[file] = None

    def forget(self, file: Releasable) -> None:
        """It holds none any more."""
        self._files.pop(file, None)

    def _release_one(self) -> bool:
        for force in (False, True):
            for _, file in zip(range(LOOKED_AT), tuple(self._files), strict=False):
                if file.release(force=force):
                    self.forget(file)
                    return True
        return False
