"""What the framework needs from outside: a place for measurements. Time comes in as ``now_ms``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from state.errors import CorruptState
from state.model import StoreSpec, TaskId
from state.task_stores import TaskStores


class Random(Protocol):
    """Injected randomness (jitter); ``random.Random`` satisfies it."""

    def random(self) -> float: ...


class Observer(Protocol):
    """Hears what a worker does, on the worker's thread; the default hears nothing.

    Names are dotted constants: ``worker.state``, ``commit.step`` (``step``, ``at`` = ``before`` or ``after``),
    ``commit.done`` (``duration_ms``), ``restore.started``, ``restore.batch``, ``restore.done``, ``record.failed``
    (``operator``, ``topic``, ``partition``, ``offset``, ``attempt``, ``error``, ``policy``; once for each failure that
    did not stop the application), ``record.dropped`` (``operator``, ``reason``, ``count`` since the last commit),
    ``broker.lost`` (``broker``, ``reason``), ``broker.reached``.
    An exception that an observer raises stops the worker as a failure of its own would.
    """

    def event(self, name: str, **fields: object) -> None: ...


class NullObserver:
    """The observer that ignores everything."""

    def event(self, name: str, **fields: object) -> None:
        return None


class TaskStateOpener(Protocol):
    """Opens the local state of tasks: the state directory, or the one that a simulation can crash."""

    def open_task(self, task_id: TaskId, specs: Sequence[StoreSpec], *, cache_max_bytes: int = ...) -> TaskStores:
        """The task's stores as they were left; ``StateError`` when they cannot be used."""

    def close_task(self, task_id: TaskId) -> None:
        """Flush and close a task's database; nothing when it is not open."""

    def set_aside(self, error: CorruptState) -> bool:
        """Close and quarantine the database that an operation found corrupt; False if it is none of ours."""
