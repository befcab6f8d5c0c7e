"""The worker's table: what it allows, and that every state can fail."""

from __future__ import annotations

import pytest

from streams.runtime.lifecycle import (
    TRANSITIONS,
    IllegalTransitionError,
    WorkerEvent,
    WorkerState,
    next_state,
)


def test_a_whole_life() -> None:
    state = WorkerState.CREATED
    for event in (
        WorkerEvent.START,
        WorkerEvent.STARTED,
        WorkerEvent.COMMIT,
        WorkerEvent.COMMITTED,
        WorkerEvent.STOP,
        WorkerEvent.STOPPED,
    ):
        state = next_state(state, event)
    assert state is WorkerState.STOPPED


@pytest.mark.parametrize("state", WorkerState)
def test_every_state_can_fail(state: WorkerState) -> None:
    assert next_state(state, WorkerEvent.FAIL) is WorkerState.FAILED


def test_an_unknown_pair_is_a_bug() -> None:
    with pytest.raises(IllegalTransitionError, match="created worker cannot take committed"):
        next_state(WorkerState.CREATED, WorkerEvent.COMMITTED)


def test_every_state_is_reached() -> None:
    assert set(TRANSITIONS.values()) | {WorkerState.CREATED} == set(WorkerState)
