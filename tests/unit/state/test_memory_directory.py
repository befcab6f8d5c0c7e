"""The state directory in memory: databases outlive a close, and a crash takes unflushed batches."""

from __future__ import annotations

import pytest

from state.errors import StateError
from state.memory_directory import MemoryStateDirectory
from state.model import StoreSpec, TaskId

SPECS = (StoreSpec(name="counts", changelog_topic="changelog"),)
TASK, OTHER = TaskId(0, 0), TaskId(0, 1)


def _commit(directory: MemoryStateDirectory, task_id: TaskId, count: int) -> None:
    stores = directory.open_task(task_id, SPECS)
    for number in range(1, count + 1):
        stores.store("counts").put(b"n", b"%d" % number, 0)
        stores.apply({"changelog": number}, 0)


def test_rows_outlive_a_close_and_new_stores_are_added() -> None:
    directory = MemoryStateDirectory()
    _commit(directory, TASK, 3)
    directory.close()
    assert directory.unflushed_batches() == {TASK: 0}
    stores = directory.open_task(TASK, (*SPECS, StoreSpec(name="new")))
    assert stores.store("counts").get(b"n") == b"3"
    assert stores.store("new").get(b"n") is None


def test_a_crash_takes_each_task_back_by_its_own_number_of_batches() -> None:
    directory = MemoryStateDirectory()
    _commit(directory, TASK, 3)
    _commit(directory, OTHER, 3)
    assert directory.unflushed_batches() == {TASK: 3, OTHER: 3}
    directory.crash({TASK: 2})
    first, second = directory.open_task(TASK, SPECS), directory.open_task(OTHER, SPECS)
    assert (first.store("counts").get(b"n"), second.store("counts").get(b"n")) == (b"1", b"3")
    assert [stores.position("changelog").offset for stores in (first, second)] == [1, 3]  # type: ignore[union-attr]


def test_a_task_is_opened_once_listed_and_removed_when_closed() -> None:
    directory = MemoryStateDirectory()
    directory.open_task(OTHER, SPECS)
    directory.open_task(TASK, SPECS)
    assert directory.tasks() == (TASK, OTHER)
    assert directory.orphans({TASK}) == (OTHER,)
    with pytest.raises(StateError, match="open already"):
        directory.open_task(TASK, SPECS)
    with pytest.raises(StateError, match="must be closed"):
        directory.remove_task(TASK)
    directory.close_task(TASK)
    directory.remove_task(TASK)
    assert directory.tasks() == (OTHER,)


def test_what_is_left_of_a_crashed_process_closes_nothing_of_its_successors() -> None:
    directory = MemoryStateDirectory()
    directory.open_task(TASK, SPECS)
    directory.crash({})
    following = directory.successor()
    stores = following.open_task(TASK, SPECS)
    directory.close_task(TASK)
    assert stores.positions() == {}
