"""What can go wrong with local state."""

from __future__ import annotations


class StateError(Exception):
    """Local state is unusable; the message names the directory, the store and the fix."""


class CorruptState(StateError):
    """A database that cannot be read; it is set aside and rebuilt from its changelog."""


class StateInUse(StateError):
    """Another process holds the state directory."""


class StateTooNew(StateError):
    """Written by a newer version of this program."""
