"""Rows that an evolved model cannot read are found before anything is processed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from state.memory_directory import MemoryStateDirectory
from streams import App, tumbling
from streams.errors import ConfigError
from streams.model import TaskId, TopicPartition
from streams.runtime.plan import TaskPlan
from streams.runtime.row_check import CHECKED_ROWS, check_rows
from streams.runtime.tasks import RunningTask
from streams.task import Task
from streams.topology.compile import CompiledTopology


@dataclass
class Total:
    amount: int


def aggregated(windows: bool = False) -> CompiledTopology:
    app = App("a")
    grouped: Any = app.stream("in", key=str, value=int).group_by_key()
    if windows:
        grouped = grouped.windowed_by(tumbling("1s"))
    grouped.aggregate(lambda: Total(0), lambda total, value: total, value=Total, store="totals")
    return app.topology()


def table() -> CompiledTopology:
    app = App("a")
    app.table("in", key=str, value=Total, store="totals")
    return app.topology()


def check(topology: CompiledTopology, *values: bytes) -> None:
    (sub,) = topology.subtopologies
    task_id = TaskId(0, 0)
    stores = MemoryStateDirectory().open_task(task_id, sub.stores)
    store = stores.store("totals")
    for index, value in enumerate(values):
        store.put(b"k%06d" % index + bytes(8), value, 0)
    stores.apply({}, 0)
    plan = TaskPlan(id=task_id, subtopology=sub, inputs=(TopicPartition("in", 0),))
    task: Task = None  # type: ignore[assignment]  # the check does not look at it
    check_rows([RunningTask(plan=plan, task=task, stores=stores)], topology.stores)


GOOD, BAD = b'{"amount":1}', b'{"sum":1}'


@pytest.mark.parametrize("windows", [False, True])
def test_a_row_of_an_older_model_is_named(windows: bool) -> None:
    check(aggregated(windows))
    check(aggregated(windows), GOOD, GOOD)
    with pytest.raises(
        ConfigError,
        match=r"test_row_check.py:\d+: store 'totals' of task 0_0 has rows that 'totals' cannot read any more, such as "
        r"that of key b'k000001.*missing required field `amount`.*new fields of the model a default.*Nothing was",
    ):
        check(aggregated(windows), GOOD, BAD)


def test_both_ends_are_looked_at_and_not_everything() -> None:
    half = CHECKED_ROWS // 2
    with pytest.raises(ConfigError, match=f"k{2 * CHECKED_ROWS:06d}"):
        check(aggregated(), *[GOOD] * 2 * CHECKED_ROWS, BAD)
    check(aggregated(), *[GOOD] * half, BAD, *[GOOD] * half)


def test_a_tables_topic_may_hold_values_that_nobody_could_ever_read() -> None:
    check(table(), BAD, GOOD)
    with pytest.raises(ConfigError, match="store 'totals'"):
        check(table(), BAD, BAD)
