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


def joined(*, partitions: int | None = None) -> CompiledTopology:
    app = App("app")
    users = app.table("users", key=str, value=str)
    orders = app.stream("orders", key=str, value=str).repartition(name="again", partitions=partitions)
    orders.join(users, lambda order, user: user, value=str).to("out")
    return app.topology()


def test_a_repartition_below_a_join_goes_with_the_other_side() -> None:
    counts = partition_counts(joined(), {"users": 5, "orders": 2})
    assert counts["app-again-repartition"] == 5


def test_joined_topics_of_different_counts_are_refused() -> None:
    with pytest.raises(
        ConfigError,
        match=r"test_plan.py:\d+: 'again-repartition-users-table-join' joins .*"
        r"but 'app-again-repartition' has 3, 'users' has 5.*"
        r"stream.repartition\(partitions=5\)",
    ):
        partition_counts(joined(partitions=3), {"users": 5, "orders": 2})
    app = App("app")
    app.table("left", key=str, value=str).join(app.table("right", key=str, value=str), lambda a, b: a).to_stream().to(
        "o"
    )
    with pytest.raises(ConfigError, match="'left' has 1, 'right' has 2"):
        partition_counts(app.topology(), {"left": 1, "right": 2})


def test_two_repartitions_that_are_joined_take_the_larger_count() -> None:
    app = App("app")
    small = app.stream("small", key=str, value=str).repartition(name="a")
    large = app.stream("large", key=str, value=str).repartition(name="b").to_table()
    small.join(large, lambda one, two: one).to("out", value=str)
    counts = partition_counts(app.topology(), {"small": 2, "large": 6})
    assert (counts["app-a-repartition"], counts["app-b-repartition"]) == (6, 6)


def test_a_stream_joined_with_what_is_counted_from_it() -> None:
    app = App("app")
    stream = app.stream("in", key=str, value=str).repartition(name="again")
    counts = stream.group_by(word, name="words").count(store="counts")
    stream.join(counts, lambda one, count: count, value=int).to("out")
    assert partition_counts(app.topology(), {"in": 3})["app-words-repartition"] == 3
