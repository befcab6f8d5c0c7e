"""Which topics an application needs and which tasks it has: pure arithmetic over the compiled topology.

Nothing here talks to a broker; ``runtime.topics`` does, with these answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.errors import ConfigError
from streams.model import TaskId, TopicPartition
from streams.topology.compile import CompiledTopology, InternalTopic, SubTopology
from streams.topology.graph import at


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """One task: the partitions that it reads."""

    id: TaskId
    subtopology: SubTopology
    inputs: tuple[TopicPartition, ...]


def partition_counts(topology: CompiledTopology, existing: Mapping[str, int]) -> dict[str, int]:
    """Partition counts of all topics that the application reads or keeps: existing ones and internal ones.

    A repartition topic without a count of its own has as many partitions as the topics that a join reads along with
    it, else as the largest source of the sub-topologies that write to it; a changelog has as many as its sub-topology
    has tasks.

    Arguments:
        existing: partition counts of the topics that are there, external sources at the least.

    Raises:
        ConfigError: an internal topic exists with another count than the topology asks for now, or topics that are
            joined have different counts.
    """
    counts = dict(existing)
    repartitions = [topic for topic in topology.internal_topics if topic.kind == "repartition"]
    for topic in repartitions:
        if topic.partitions is not None:
            counts[topic.name] = _agreed(topic, topic.partitions, existing)
    unresolved = [topic for topic in repartitions if topic.partitions is None]
    for name, wanted in _derived_counts(topology, [topic.name for topic in unresolved], counts).items():
        counts[name] = wanted
    for topic in unresolved:
        _agreed(topic, counts[topic.name], existing)
    _check_joins(topology, counts)
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


def _derived_counts(topology: CompiledTopology, unresolved: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """Counts of repartition topics without their own: a join's other topics decide, else the writers' sources."""
    writers = _writers(topology)
    joins = [join.topics for subtopology in topology.subtopologies for join in subtopology.copartitions]
    counts = {name: count for name, count in known.items() if name not in unresolved}
    waiting = list(unresolved)
    while waiting:
        for name in waiting:
            partners = [other for topics in joins if name in topics for other in topics if other != name]
            given = [counts[other] for other in partners if other in counts]
            sources = [_largest_source(writers[topic], counts) for topic in (name, *partners) if topic in writers]
            if given or None not in sources:
                counts[name] = max(given or [found for found in sources if found is not None])
        if not set(waiting) & set(counts):  # a join of a stream with something counted from it: what is known decides
            readable = (name for name in waiting if _largest_source(writers[name], counts, partly=True) is not None)
            name = next(readable, waiting[0])
            counts[name] = _largest_source(writers[name], counts, partly=True) or 1
        waiting = [name for name in waiting if name not in counts]
    return {name: counts[name] for name in unresolved}


def _largest_source(writers: list[SubTopology], counts: Mapping[str, int], *, partly: bool = False) -> int | None:
    sources = [topic for writer in writers for topic in writer.source_topics]
    known = [counts[topic] for topic in sources if topic in counts]
    return max(known) if known and (partly or len(known) == len(sources)) else None


def _check_joins(topology: CompiledTopology, counts: Mapping[str, int]) -> None:
    for subtopology in topology.subtopologies:
        for join in subtopology.copartitions:
            if len({counts[topic] for topic in join.topics}) > 1:
                found = ", ".join(f"{topic!r} has {counts[topic]}" for topic in join.topics)
                raise ConfigError(
                    f"{at(join.location)}{join.node!r} {'joins' if join.joins else 'keeps'} records of equal keys"
                    f"{'' if join.joins else ' of several topics together'}, so its topics need equally many "
                    f"partitions, but {found}. Recreate one of them, or send one side through an internal topic first: "
                    f"stream.repartition(partitions={max(counts[topic] for topic in join.topics)}), and "
                    ".to_table() where it is a table"
                )


def _agreed(topic: InternalTopic, wanted: int, existing: Mapping[str, int]) -> int:
    found = existing.get(topic.name, wanted)
    if found != wanted:
        raise ConfigError(
            f"internal topic {topic.name!r} has {found} partitions, but the topology needs {wanted} now: the partition "
            "count of a source changed. State cannot be moved between partitions; use a new application id, or "
            "delete the data directory and process everything again."
        )
    return wanted
