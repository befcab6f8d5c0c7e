"""The life of a task, as one table; code looks a transition up, documents are drawn from it.

Nothing happens here: what a state means to stores and queues is the task's and the runtime's business.

A task that is handed out is restored, runs, and is suspended when its partition is revoked; it may come back from
there without being rebuilt. Every state can be closed, also after a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class TaskState(Enum):
    CREATED = "created"
    RESTORING = "restoring"
    RUNNING = "running"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class TaskEvent(Enum):
    RESTORE = "restore"
    """Local state is being brought up to the committed position."""
    RUN = "run"
    """Local state is current (or there is none): records may be processed."""
    SUSPEND = "suspend"
    """The partition is being taken away, or the application pauses; nothing is processed."""
    CLOSE = "close"


TRANSITIONS: Final[Mapping[tuple[TaskState, TaskEvent], TaskState]] = MappingProxyType(
    {
        (TaskState.CREATED, TaskEvent.RESTORE): TaskState.RESTORING,
        (TaskState.CREATED, TaskEvent.RUN): TaskState.RUNNING,
        (TaskState.CREATED, TaskEvent.CLOSE): TaskState.CLOSED,
        (TaskState.RESTORING, TaskEvent.RUN): TaskState.RUNNING,
        (TaskState.RESTORING, TaskEvent.SUSPEND): TaskState.SUSPENDED,
        (TaskState.RESTORING, TaskEvent.CLOSE): TaskState.CLOSED,
        (TaskState.RUNNING, TaskEvent.SUSPEND): TaskState.SUSPENDED,
        (TaskState.RUNNING, TaskEvent.CLOSE): TaskState.CLOSED,
        (TaskState.SUSPENDED, TaskEvent.RESTORE): TaskState.RESTORING,
        (TaskState.SUSPENDED, TaskEvent.CLOSE): TaskState.CLOSED,
    }
)


class IllegalTransitionError(Exception):
    """A bug of the caller: this state does not know this event."""


def next_state(state: TaskState, event: TaskEvent) -> TaskState:
    """The state after ``event``; ``IllegalTransitionError`` where the table has none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(f"a {state.value} task cannot {event.value}") from None
