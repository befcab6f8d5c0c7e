"""Topics at the start: found, made or refused."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App
from streams.client.admin import NewTopic
from streams.errors import ConfigError
from streams.runtime.activity import wait
from streams.runtime.topics import learn_topics, prepare_topics
from tests.unit.streams.runtime.machine import Machine


def test_everything_is_made_and_then_found() -> None:
    machine = Machine()
    topology, admin = machine.app.topology(), machine.client.admin
    counts = machine.do(prepare_topics(topology, admin, fed_topics=["fed"], create_with=3))
    expected = dict.fromkeys(
        ["lines", "shouted", "counts", "fed", "words-by-word-repartition", "words-counts-changelog"], 3
    )
    assert counts == expected
    assert machine.do(prepare_topics(topology, admin, fed_topics=["fed"], create_with=7)) == expected


def test_a_changelog_is_compacted() -> None:
    machine = Machine()
    machine.do(prepare_topics(machine.app.topology(), machine.client.admin, create_with=1))
    configs = machine.do(wait(machine.client.admin.describe_configs(["words-counts-changelog"])))
    assert configs["words-counts-changelog"]["cleanup.policy"] == "compact"


def test_on_a_cluster_missing_topics_are_the_users_to_make() -> None:
    machine = Machine()
    with pytest.raises(
        ConfigError,
        match=r"the broker has no topic 'lines', 'shouted', 'counts'; create them first, .*topics create lines",
    ):
        machine.do(prepare_topics(machine.app.topology(), machine.client.admin, create_with=None))


def test_topics_named_on_the_way() -> None:
    machine = Machine()
    admin = machine.client.admin
    with pytest.raises(ConfigError, match="a sink's function named topic 'x', which the broker does not have"):
        machine.do(learn_topics(admin, ["x"], create_with=None))
    assert machine.do(learn_topics(admin, ["x", "x", "y"], create_with=2)) == {"x": 2, "y": 2}
    assert machine.do(learn_topics(admin, ["x"], create_with=None)) == {"x": 2}


def table_app(**settings: Any) -> App:
    app = App("tables", **settings)
    app.table("users", key=str, value=str).to_stream().to("out")
    return app


def test_a_tables_topic_is_made_compacted() -> None:
    machine = Machine(table_app)
    machine.do(prepare_topics(machine.app.topology(), machine.client.admin, create_with=1))
    configs = machine.do(wait(machine.client.admin.describe_configs(["users", "out"])))
    assert [configs[topic]["cleanup.policy"] for topic in ("users", "out")] == ["compact", "delete"]
    machine.do(prepare_topics(machine.app.topology(), machine.client.admin, create_with=None))


def test_a_table_over_a_topic_that_loses_rows_is_refused() -> None:
    machine = Machine(table_app)
    admin = machine.client.admin
    loses = NewTopic(partitions=1, configs={"retention.ms": "86400000"})
    machine.do(wait(admin.create_topics({"users": loses, "out": NewTopic(partitions=1)})))
    with pytest.raises(ConfigError, match=r"'users' is read as a table, but its cleanup.policy is 'delete'.*=compact"):
        machine.do(prepare_topics(machine.app.topology(), admin, create_with=1))


def test_a_topic_that_keeps_everything_is_no_danger_to_a_table() -> None:
    machine = Machine(table_app)
    admin = machine.client.admin
    keeps = NewTopic(partitions=1, configs={"retention.ms": "-1", "retention.bytes": "-1"})
    machine.do(wait(admin.create_topics({"users": keeps})))
    assert machine.do(prepare_topics(machine.app.topology(), admin, create_with=1))["users"] == 1
