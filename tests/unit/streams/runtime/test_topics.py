"""Topics at the start: found, made or refused."""

from __future__ import annotations

import pytest

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
        ConfigError, match=r"the broker has no topic 'lines'; create it first, .*streams topics create lines"
    ):
        machine.do(prepare_topics(machine.app.topology(), machine.client.admin, create_with=None))


def test_topics_named_on_the_way() -> None:
    machine = Machine()
    admin = machine.client.admin
    with pytest.raises(ConfigError, match="a sink's function named topic 'x', which the broker does not have"):
        machine.do(learn_topics(admin, ["x"], create_with=None))
    assert machine.do(learn_topics(admin, ["x", "x", "y"], create_with=2)) == {"x": 2, "y": 2}
    assert machine.do(learn_topics(admin, ["x"], create_with=None)) == {"x": 2}
