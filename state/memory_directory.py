"""The state directory of a simulated process: same face as ``StateDirectory``, no files, and it can be crashed.

For the test driver, the simulator and ``state_backend="memory"``. Databases outlive ``close`` as those on disk do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from state.backends.memory import MemoryBackend
from state.errors import CorruptState, StateError
from state.model import DEFAULT_CACHE_MAX_BYTES, StoreSpec, TaskId
from state.task_stores import TaskStores


class MemoryStateDirectory:
    """Every task's database in memory."""

    def __init__(self) -> None:
        self._databases: dict[TaskId, MemoryBackend] = {}
        self._open: dict[TaskId, TaskStores] = {}

    def open_task(
        self, task_id: TaskId, specs: Sequence[StoreSpec], *, cache_max_bytes: int = DEFAULT_CACHE_MAX_BYTES
    ) -> TaskStores:
        """Open a task's database as the last close or crash left it; new stores get their families."""
        if task_id in self._open:
            raise StateError(f"task {task_id} is open already")
        backend = self._databases.setdefault(task_id, MemoryBackend(()))
        backend.reopen(spec.name for spec in specs)
        stores = self._open[task_id] = TaskStores(backend, specs, cache_max_bytes=cache_max_bytes)
        return stores

    def close_task(self, task_id: TaskId) -> None:
        stores = self._open.pop(task_id, None)
        if stores is not None:
            stores.close()

    def set_aside(self, error: CorruptState) -> bool:
        """Memory does not rot."""
        return False

    def tasks(self) -> tuple[TaskId, ...]:
        return tuple(sorted(self._databases))

    def orphans(self, known: Collection[TaskId]) -> tuple[TaskId, ...]:
        return tuple(task_id for task_id in self.tasks() if task_id not in known)

    def remove_task(self, task_id: TaskId) -> None:
        if task_id in self._open:
            raise StateError(f"task {task_id} must be closed before its database is deleted")
        self._databases.pop(task_id, None)

    def close(self) -> None:
        for task_id in list(self._open):
            self.close_task(task_id)

    def unflushed_batches(self) -> dict[TaskId, int]:
        """How many batches of each task a crash could take: the range to draw ``crash``'s argument from."""
        return {task_id: backend.unflushed_batches for task_id, backend in self._databases.items()}

    def successor(self) -> MemoryStateDirectory:
        """What the next process opens: the same databases. Whatever is left of the one before has this one only, and a
        generator of it that is finalized late closes nothing of its successor's."""
        following = MemoryStateDirectory()
        following._databases = self._databases
        return following

    def crash(self, batches_lost: Mapping[TaskId, int]) -> None:
        """Kill the process: every database falls back by so many batches (0 where not named) and is closed."""
        self._open.clear()
        for task_id, backend in self._databases.items():
            backend.crash(batches_lost.get(task_id, 0))
