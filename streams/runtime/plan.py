"""Which topics an application needs and which tasks it has: pure arithmetic over the compiled topology.

Nothing here talks to a broker; ``runtime.topics`` does, with these answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.errors import ConfigError
from streams.model import TaskId, TopicPartition
from streams.topology.compile import CompiledTopology, InternalTopic, SubTopology


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """One task: the partitions that it reads."""

    id: TaskId
    subtopology: SubTopology
    inputs: tuple[TopicPartition, ...]


def partition_counts(topology: CompiledTopology, existing: Mapping[str, int]) -> dict[str, int]:
    """Partition counts of all topics that the application reads or keeps: existing ones and internal ones.

    A repartition topic without a count of its own has as many partitions as the largest source of the sub-topologies
    that write to it; a changelog has as many as its sub-topology has tasks.

    Arguments:
        existing: partition counts of the topics that are there, external sources at the least.

    Raises:
        ConfigError: an internal topic exists with another count than the topology asks for now.
    """
    counts = dict(existing)
    writers = _writers(topology)
    unresolved = [topic for topic in topology.internal_topics if topic.kind == "repartition"]
    while unresolved:
        rest = []
        for topic in unresolved:
            wanted = topic.partitions or _largest_source(writers[topic.name], counts)
            if wanted is None:
                rest.append(topic)
            else:
                counts[topic.name] = _agreed(topic, wanted, existing)
        assert len(rest) < len(unresolved), "repartition topics depend on each other in a circle"
        unresolved = rest
    for topic in topology.internal_topics:
        if topic.kind == "changelog":
            owner = next(
                sub for sub in topology.subtopologies if any(s.changelog_topic == topic.name for s in sub.stores)
            )
            counts[topic.name] = _agreed(topic, task_count(owner, counts), existing)
    return counts


def task_count(subtopology: SubTopology, counts: Mapping[str, int]) -> int:
    """As many tasks as the largest of the sub-topology's source topics has partitions (Kafka Streams' A1)."""
    return max(counts[topic] for topic in subtopology.source_topics)


def plan_tasks(topology: CompiledTopology, counts: Mapping[str, int]) -> tuple[TaskPlan, ...]:
    """All tasks of the application, sub-topology by sub-topology."""
    return tuple(
        TaskPlan(
            id=TaskId(subtopology.id, partition),
            subtopology=subtopology,
            inputs=tuple(
                TopicPartition(topic, partition) for topic in subtopology.source_topics if partition < counts[topic]
            ),
        )
        for subtopology in topology.subtopologies
        for partition in range(task_count(subtopology, counts))
    )


def _writers(topology: CompiledTopology) -> dict[str, list[SubTopology]]:
    """Which sub-topologies write to each internal topic."""
    writers: dict[str, list[SubTopology]] = {topic.name: [] for topic in topology.internal_topics}
    for subtopology in topology.subtopologies:
        for sink in subtopology.sinks:
            if isinstance(sink.topic, str) and sink.topic in writers:
                writers[sink.topic].append(subtopology)
    return writers


def _largest_source(writers: list[SubTopology], counts: Mapping[str, int]) -> int | None:
    sources = [topic for writer in writers for topic in writer.source_topics]
    if not all(topic in counts for topic in sources):
        return None
    return max(counts[topic] for topic in sources)


def _agreed(topic: InternalTopic, wanted: int, existing: Mapping[str, int]) -> int:
    found = existing.get(topic.name, wanted)
    if found != wanted:
        raise ConfigError(
            f"internal topic {topic.name!r} has {found} partitions, but the topology needs {wanted} now: the partition "
            "count of a source changed. State cannot be moved between partitions; use a new application id, or "
            "delete the data directory and process everything again."
        )
    return wanted
