"""The state directory of one process: its lock, its format version, one database per task, and corrupt ones set aside.

A shell: the only module of ``state`` that touches files itself (RocksDB's own files apart). It decides nothing about
rows. Layout: ``LOCK`` (owner's pid), ``FORMAT`` (version), ``<task>/`` and ``<task>.corrupt-<n>/``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from state.errors import CorruptState, StateError, StateInUse, StateTooNew
from state.model import DEFAULT_CACHE_MAX_BYTES, Family, StoreSpec, TaskId
from state.ports import Backend, NullObserver, Observer
from state.task_stores import TaskStores

FORMAT_VERSION: Final = 1
LOCK_FILE: Final = "LOCK"
FORMAT_FILE: Final = "FORMAT"
MAX_QUARANTINED: Final = 100
"""Corrupt copies kept per task; more than that is a broken disk, not an accident."""

OpenBackend: TypeAlias = Callable[[Path, Sequence[Family]], Backend]
"""Opens or creates one task's database in a directory (``RocksMemory().open``)."""


class StateDirectory:
    """Everything local below ``root``, held by this process until ``close``.

    Arguments:
        root: created when missing.
        open_backend: what opens one task's database.
        observer: hears ``state.quarantined``.

    Raises:
        StateInUse: another process holds it; the message names its pid.
        StateTooNew: a newer version of this program wrote it.
        StateError: it cannot be created or written.
    """

    def __init__(self, root: Path, open_backend: OpenBackend, observer: Observer | None = None) -> None:
        self.root = root
        self._open_backend = open_backend
        self._observer = observer or NullObserver()
        self._open: dict[TaskId, TaskStores] = {}
        self._lock = _lock(root)
        try:
            self._check_format()
        except BaseException:
            os.close(self._lock)
            raise

    def open_task(
        self, task_id: TaskId, specs: Sequence[StoreSpec], *, cache_max_bytes: int = DEFAULT_CACHE_MAX_BYTES
    ) -> TaskStores:
        """Open a task's database, creating it or the families of new stores.

        A corrupt database is set aside as ``<task>.corrupt-<n>`` and an empty one opened: having no positions, its
        stores are rebuilt from their changelogs. A store without a changelog starts empty then.
        """
        if task_id in self._open:
            raise StateError(f"task {task_id} is open already in {self.root}")
        path = self.root / str(task_id)
        families = [spec.name for spec in specs]
        try:
            backend = self._open_backend(path, families)
        except CorruptState as error:
            self._quarantine_for(task_id, error)
            backend = self._open_backend(path, families)
        stores = TaskStores(backend, specs, cache_max_bytes=cache_max_bytes)
        self._open[task_id] = stores
        return stores

    def close_task(self, task_id: TaskId) -> None:
        """Flush and close a task's database; nothing when it is not open."""
        stores = self._open.pop(task_id, None)
        if stores is not None:
            stores.close()

    def set_aside(self, error: CorruptState) -> bool:
        """After ``CorruptState`` at work: close the database without its last writes and quarantine it.

        The task's stores are of no use any more; opened anew, they are empty and without positions.

        Returns:
            False where the error names no task's database here.
        """
        task_id = next((task for task in self.tasks() if error.path == self.root / str(task)), None)
        if task_id is None:
            return False
        stores = self._open.pop(task_id, None)  # a start that was given up has closed it already
        if stores is not None:
            with suppress(StateError):  # what a corrupt database cannot flush is in the changelog
                stores.close()
        self._quarantine_for(task_id, error)
        return True

    def _quarantine_for(self, task_id: TaskId, error: CorruptState) -> None:
        target = self.quarantine(task_id)
        self._observer.event("state.quarantined", task=str(task_id), moved_to=str(target), reason=str(error))

    def quarantine(self, task_id: TaskId) -> Path:
        """Set a task's database aside (after ``CorruptState`` at work, close the task first); returns where to."""
        if task_id in self._open:
            raise StateError(f"task {task_id} must be closed before its database is set aside")
        for number in range(1, MAX_QUARANTINED + 1):
            target = self.root / f"{task_id}.corrupt-{number}"
            if not target.exists():
                (self.root / str(task_id)).rename(target)
                return target
        raise StateError(
            f"{self.root} holds {MAX_QUARANTINED} corrupt copies of task {task_id}: check the disk, then delete "
            f"{task_id}.corrupt-*"
        )

    def tasks(self) -> tuple[TaskId, ...]:
        """Tasks that have a database here, open or not, in order."""
        found: list[TaskId] = []
        for entry in self.root.iterdir():
            try:
                found.append(TaskId.parse(entry.name))
            except ValueError:
                continue
        return tuple(sorted(found))

    def orphans(self, known: Collection[TaskId]) -> tuple[TaskId, ...]:
        """Tasks with a database here that the topology does not have any more."""
        return tuple(task_id for task_id in self.tasks() if task_id not in known)

    def remove_task(self, task_id: TaskId) -> None:
        """Delete a closed task's database for good."""
        if task_id in self._open:
            raise StateError(f"task {task_id} must be closed before its database is deleted")
        shutil.rmtree(self.root / str(task_id), ignore_errors=True)

    def close(self) -> None:
        """Close every open task and let another process in; a second call does nothing."""
        for task_id in list(self._open):
            self.close_task(task_id)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _check_format(self) -> None:
        path = self.root / FORMAT_FILE
        if not path.exists():
            if self.tasks():
                raise StateError(
                    f"{self.root} has databases but no {FORMAT_FILE} file, so it is not ours or damaged; move it away, "
                    "stores are rebuilt from their changelogs"
                )
            _write_durably(path, f"{FORMAT_VERSION}\n".encode())
            return
        text = path.read_text().strip()
        if not text.isdecimal():
            raise StateError(
                f"{path} holds {text!r}, not a format version; move {self.root} away, stores are rebuilt from their "
                "changelogs"
            )
        if int(text) > FORMAT_VERSION:
            raise StateTooNew(
                f"{self.root} was written in format {text}, this program knows up to {FORMAT_VERSION}; upgrade it, or "
                "choose another data_dir"
            )


def _lock(root: Path) -> int:
    """Claim ``root`` by an advisory lock that dies with the process; returns its file descriptor."""
    path = root / LOCK_FILE
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StateError(
            f"state directory {root} cannot be used ({error.strerror}); make it a writable directory or choose another "
            "data_dir"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        if owner == str(os.getpid()):
            raise StateInUse(
                f"state directory {root} is open in this process already; close the query that holds it ('with' does)"
            ) from None
        raise StateInUse(
            f"state directory {root} is in use by process {owner}; stop it or choose another data_dir"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _write_durably(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
