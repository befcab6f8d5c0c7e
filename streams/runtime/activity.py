"""Work that takes several round trips, written as a generator so that the worker never blocks.

An activity yields the ``Pending`` it waits for, or None for "after the next poll"; whoever drives it resumes it then.
The same activity therefore runs in a worker's loop, in a blocking call of a shell and in a simulation.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from streams.client.pending import Pending

T = TypeVar("T")

Activity: TypeAlias = Generator[Pending[Any] | None, None, T]


def wait(pending: Pending[T]) -> Activity[T]:
    """Wait for one answer and return it (or raise its error)."""
    while not pending.done:
        yield pending
    return pending.result()


def wait_all(pendings: Iterable[Pending[T]]) -> Activity[list[T]]:
    """Wait for several answers, already under way at once; the first error in order is raised."""
    results = []
    for pending in list(pendings):
        results.append((yield from wait(pending)))
    return results


class Running(Generic[T]):
    """An activity under way. ``advance`` runs it as far as it goes without waiting."""

    def __init__(self, activity: Activity[T]) -> None:
        self._activity = activity
        self._waiting: Pending[Any] | None = None
        self._result: T | None = None
        self.done = False

    def advance(self) -> bool:
        """Run on; True if anything moved. Errors of the activity are raised here."""
        if self._waiting is not None and not self._waiting.done:
            return False
        try:
            self._waiting = next(self._activity)
            while self._waiting is not None and self._waiting.done:
                self._waiting = next(self._activity)
        except StopIteration as stop:
            self._result = stop.value
            self.done = True
        return self._waiting is not None or self.done

    def result(self) -> T:
        assert self.done, "the activity is still under way"
        return self._result  # type: ignore[return-value]  # None is T's own where T allows it

    def close(self) -> None:
        """Give up; the generator's ``finally`` blocks run."""
        self._activity.close()
