"""Tasks: a compiled sub-topology, its input queues and its times."""

from streams.task.lifecycle import IllegalTransitionError, TaskEvent, TaskState
from streams.task.task import Task

__all__ = ["IllegalTransitionError", "Task", "TaskEvent", "TaskState"]
