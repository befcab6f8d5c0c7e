"""The life of a task, as a table."""

from __future__ import annotations

import itertools

import pytest

from streams.task.lifecycle import TRANSITIONS, IllegalTransitionError, TaskEvent, TaskState, next_state

PATHS = (
    ((), TaskState.CREATED),
    ((TaskEvent.RUN,), TaskState.RUNNING),
    ((TaskEvent.RESTORE, TaskEvent.RUN), TaskState.RUNNING),
    ((TaskEvent.RESTORE, TaskEvent.SUSPEND, TaskEvent.RESTORE), TaskState.RESTORING),
    ((TaskEvent.RUN, TaskEvent.SUSPEND, TaskEvent.RESTORE, TaskEvent.RUN, TaskEvent.CLOSE), TaskState.CLOSED),
)


@pytest.mark.parametrize(("events", "end"), PATHS)
def test_ways_through(events: tuple[TaskEvent, ...], end: TaskState) -> None:
    state = TaskState.CREATED
    for event in events:
        state = next_state(state, event)
    assert state is end


def test_everything_else_is_a_bug() -> None:
    for state, event in set(itertools.product(TaskState, TaskEvent)) - set(TRANSITIONS):
        with pytest.raises(IllegalTransitionError, match=state.value):
            next_state(state, event)


def test_every_state_but_closed_can_be_closed_and_closed_is_the_end() -> None:
    assert {state for state, event in TRANSITIONS if event is TaskEvent.CLOSE} == set(TaskState) - {TaskState.CLOSED}
    assert all(state is not TaskState.CLOSED for state, _ in TRANSITIONS)
