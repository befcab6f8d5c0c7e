"""What can go wrong with local state."""

from __future__ import annotations

from pathlib import Path


class StateError(Exception):
    """Local state is unusable; the message names the directory, the store and the fix."""


class CorruptState(StateError):
    """A database that cannot be read; it is set aside and rebuilt from its changelog.

    Arguments:
        path: the database's directory, where it is known.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class StateInUse(StateError):
    """Another process holds the state directory."""


class StateTooNew(StateError):
    """Written by a newer version of this program."""
