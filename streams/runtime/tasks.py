"""The tasks that a worker runs, each with its state and where its changelogs stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from state.task_stores import TaskStores
from streams.model import TopicPartition
from streams.runtime.plan import TaskPlan
from streams.task import Task


@dataclass(slots=True, kw_only=True)
class RunningTask:
    """One task under a worker.

    Arguments:
        changelog_next: changelog topic (or the input that stands in for it) to the next offset after everything that
            local state holds or has staged; what the position becomes at the next apply.
    """

    plan: TaskPlan
    task: Task
    stores: TaskStores
    changelog_next: dict[str, int] = field(default_factory=dict)

    def reused_inputs(self) -> tuple[TopicPartition, ...]:
        """The inputs that stand in for changelogs: state reaches as far into them as they are committed."""
        topics = {spec.source_topic for spec in self.plan.subtopology.stores}
        return tuple(place for place in self.plan.inputs if place.topic in topics)
