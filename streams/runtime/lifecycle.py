"""The life of a worker, as one table; code looks a transition up, documents are drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class WorkerState(Enum):
    CREATED = "created"
    STARTING = "starting"
    """Claiming, looking up, restoring; nothing is processed."""
    RUNNING = "running"
    COMMITTING = "committing"
    """A commit (or the check for the end) is under way; nothing is processed."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class WorkerEvent(Enum):
    START = "start"
    STARTED = "started"
    COMMIT = "commit"
    COMMITTED = "committed"
    RESTART = "restart"
    """The open transaction was lost, not the identity: restore and go on."""
    STOP = "stop"
    STOPPED = "stopped"
    FAIL = "fail"


TRANSITIONS: Final[Mapping[tuple[WorkerState, WorkerEvent], WorkerState]] = MappingProxyType(
    {
        (WorkerState.CREATED, WorkerEvent.START): WorkerState.STARTING,
        (WorkerState.STARTING, WorkerEvent.STARTED): WorkerState.RUNNING,
        (WorkerState.STARTING, WorkerEvent.RESTART): WorkerState.STARTING,
        (WorkerState.STARTING, WorkerEvent.STOP): WorkerState.STOPPING,
        (WorkerState.RUNNING, WorkerEvent.COMMIT): WorkerState.COMMITTING,
        (WorkerState.RUNNING, WorkerEvent.RESTART): WorkerState.STARTING,
        (WorkerState.RUNNING, WorkerEvent.STOP): WorkerState.STOPPING,
        (WorkerState.COMMITTING, WorkerEvent.COMMITTED): WorkerState.RUNNING,
        (WorkerState.COMMITTING, WorkerEvent.RESTART): WorkerState.STARTING,
        (WorkerState.STOPPING, WorkerEvent.STOPPED): WorkerState.STOPPED,
        **{(state, WorkerEvent.FAIL): WorkerState.FAILED for state in WorkerState},
    }
)


class IllegalTransitionError(Exception):
    """A bug of the caller: this state does not know this event."""


def next_state(state: WorkerState, event: WorkerEvent) -> WorkerState:
    """The state after ``event``; ``IllegalTransitionError`` where the table has none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(f"a {state.value} worker cannot take {event.value}") from None
