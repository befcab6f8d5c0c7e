"""What the framework needs from outside: a place for measurements. Time comes in as ``now_ms``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from state.model import StoreSpec, TaskId
from state.task_stores import TaskStores


class Observer(Protocol):
    """Hears what a worker does, on the worker's thread; the default hears nothing.

    Names are dotted constants: ``worker.state``, ``commit.step`` (``step``, ``at`` = ``before`` or ``after``),
    ``commit.done`` (``duration_ms``), ``restore.started``, ``restore.batch``, ``restore.done``, ``record.dropped``.
    An exception that an observer raises stops the worker as a failure of its own would.
    """

    def event(self, name: str, **fields: object) -> None: ...


class NullObserver:
    """The observer that ignores everything."""

    def event(self, name: str, **fields: object) -> None:
        return None


class TaskStateOpener(Protocol):
    """Opens the local state of tasks: the state directory, or the one that a simulation can crash."""

    def open_task(self, task_id: TaskId, specs: Sequence[StoreSpec]) -> TaskStores:
        """The task's stores as they were left; ``StateError`` when they cannot be used."""


class RecordContext(Protocol):
    """What a user's function is told of the record at hand, where it asks for it by a last parameter.

    Valid during the call only: the framework uses one object for all records.
    """

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""

    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]: ...

    @property
    def stream_time(self) -> int:
        """The largest timestamp that this task has seen, in milliseconds; -1 before the first."""
