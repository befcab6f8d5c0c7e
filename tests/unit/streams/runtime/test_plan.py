"""Partition counts and tasks, from topologies and topics to numbers."""

from __future__ import annotations

import pytest

from streams import App
from streams.errors import ConfigError
from streams.model import TaskId, TopicPartition
from streams.runtime.plan import partition_counts, plan_tasks
from streams.topology.compile import CompiledTopology


def word(value: str) -> str:
    return value


def two_steps() -> CompiledTopology:
    app = App("app")
    lines = app.stream("lines", key=str, value=str)
    lines.group_by(word).count(store="counts").to_stream().to("out")
    return app.topology()


def test_internal_topics_follow_the_sources() -> None:
    topology = two_steps()
    counts = partition_counts(topology, {"lines": 3, "out": 1})
    repartition = next(topic.name for topic in topology.internal_topics if topic.kind == "repartition")
    assert counts[repartition] == 3
    assert counts["app-counts-changelog"] == 3


def test_a_task_per_partition_of_the_largest_source() -> None:
    app = App("app")
    app.stream(["a", "b"], key=str, value=str).to("out")
    plans = plan_tasks(app.topology(), {"a": 1, "b": 2, "out": 1})
    assert [(plan.id, plan.inputs) for plan in plans] == [
        (TaskId(0, 0), (TopicPartition("a", 0), TopicPartition("b", 0))),
        (TaskId(0, 1), (TopicPartition("b", 1),)),
    ]


def test_a_changed_count_is_refused_before_anything_runs() -> None:
    topology = two_steps()
    with pytest.raises(ConfigError, match="'app-counts-changelog' has 2 partitions, but the topology needs 3"):
        partition_counts(topology, {"lines": 3, "app-counts-changelog": 2})


def test_chained_repartitions_resolve_in_order() -> None:
    app = App("app")
    lines = app.stream("lines", key=str, value=str)
    first = lines.group_by(word).count(store="first").to_stream()
    first.map(lambda key, value: (key, key), key=str, value=str).group_by(word).count(store="second").to_stream().to(
        "out"
    )
    topology = app.topology()
    counts = partition_counts(topology, {"lines": 5, "out": 1})
    assert {counts[topic.name] for topic in topology.internal_topics} == {5}
