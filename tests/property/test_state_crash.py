"""A crash falls back to one earlier commit in every family, and replaying the changelog tail brings state back."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from state.memory_directory import MemoryStateDirectory
from state.model import StoreSpec, TaskId
from state.restore import restore_plan
from state.task_stores import TaskStores

TASK = TaskId(0, 0)
SPECS = (
    StoreSpec(name="counts", changelog_topic="counts-changelog"),
    StoreSpec(name="totals", changelog_topic="totals-changelog"),
)

writes = st.lists(
    st.tuples(
        st.sampled_from(["counts", "totals"]), st.sampled_from([b"a", b"b", b"c"]), st.none() | st.binary(max_size=2)
    ),
    max_size=5,
)
commits = st.lists(st.tuples(writes, st.booleans()), min_size=1, max_size=10)
"""The writes of each commit, and whether the back end is flushed after it."""


class Columns(NamedTuple):
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps: list[int]


def _rows(stores: TaskStores) -> dict[str, list[tuple[bytes, bytes]]]:
    return {spec.name: list(stores.backend.scan(spec.name)) for spec in SPECS}


@settings(max_examples=100, deadline=None)
@given(history=commits, lost=st.integers(0, 12), batch_size=st.integers(1, 3))
def test_fallback_plus_tail_is_the_state_before_the_crash(
    history: list[tuple[list[tuple[str, bytes, bytes | None]], bool]], lost: int, batch_size: int
) -> None:
    directory = MemoryStateDirectory()
    stores = directory.open_task(TASK, SPECS)
    logs: dict[str, Columns] = {spec.name: Columns([], [], []) for spec in SPECS}
    after: list[dict[str, list[tuple[bytes, bytes]]]] = [_rows(stores)]
    flushed = 0
    for number, (batch, flush) in enumerate(history, start=1):
        for name, key, value in batch:
            stores.store(name).put(key, value, number)
        for name, columns in stores.changelogs().items():
            drained = columns.drain()
            logs[name].keys.extend(drained.keys)
            logs[name].values.extend(drained.values)
            logs[name].timestamps.extend(drained.timestamps)
        stores.apply({f"{name}-changelog": len(log.keys) for name, log in logs.items()}, number)
        after.append(_rows(stores))
        if flush:
            stores.flush_backend()
            flushed = number

    directory.crash({TASK: lost})
    stores = directory.open_task(TASK, SPECS)
    fallen_to = max(flushed, len(history) - lost)
    assert _rows(stores) == after[fallen_to]

    for spec in SPECS:
        topic = f"{spec.name}-changelog"
        end = len(logs[spec.name].keys)
        plan = restore_plan(stores.position(topic), 0, end, now_ms=0)
        assert not plan.wipe
        for start in range(plan.from_offset, plan.to_offset, batch_size):
            stop = min(start + batch_size, end)
            part = Columns(*(column[start:stop] for column in logs[spec.name]))
            stores.restore_batch(spec.name, part, stop, 0)
    assert _rows(stores) == after[-1]
