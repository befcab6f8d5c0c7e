"""A result that is not there yet: what every asynchronous call of the client hands back.

No thread and no event loop knows of it: it is settled while ``Client.poll`` runs, and looked at between polls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Pending(Generic[T]):
    """One outcome, settled exactly once: a value, or the error that took its place."""

    __slots__ = ("_callbacks", "_error", "_value", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: T | None = None
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Pending[T]], None]] = []

    @classmethod
    def of(cls, value: T) -> Pending[T]:
        """One that is settled already."""
        pending: Pending[T] = cls()
        pending.resolve(value)
        return pending

    @property
    def error(self) -> Exception | None:
        """What went wrong; None while open and after success."""
        return self._error

    def result(self) -> T:
        """The value; raises the error if there is one, and ``RuntimeError`` while it is still open."""
        if not self.done:
            raise RuntimeError("no result yet: call Client.poll until the pending result is done")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # T may itself be None

    def resolve(self, value: T) -> None:
        self._settle(value, None)

    def fail(self, error: Exception) -> None:
        self._settle(None, error)

    def then(self, callback: Callable[[Pending[T]], None]) -> None:
        """Call back once settled, at once if it is so already."""
        if self.done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def _settle(self, value: T | None, error: Exception | None) -> None:
        assert not self.done, "a pending result is settled once"
        self.done, self._value, self._error = True, value, error
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)
