"""The examples run on a cluster as they are: Apache Kafka, and our own broker in a process of its own.

What each must print is checked by its own test in ``tests/examples``; here only the log is elsewhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.client import Consumer
from streams.client.admin import NewTopic
from streams.client.client import Client
from streams.config import StreamsConfig
from streams.model import OffsetAndMetadata, TopicPartition
from streams.runtime.access import caller
from streams.runtime.activity import Activity, wait
from tests.examples import test_examples
from tests.interop.brokers import ApacheKafka, Broker

pytestmark = pytest.mark.interop

COMPACT = NewTopic(partitions=4, configs={"cleanup.policy": "compact"})
KEEP = {"retention.ms": "-1"}
"""Some examples have records of long ago, which a broker would drop within a minute or two."""
FOUR, ONE = NewTopic(partitions=4, configs=KEEP), NewTopic(partitions=1, configs=KEEP)


def on(broker: Broker, activity: Callable[[Client], Activity[Any]]) -> Any:
    config = StreamsConfig(application_id="test", data_dir="unused", broker=broker.address)
    with caller(config, None) as call:
        return call(activity)


def remake(broker: Broker, topics: Mapping[str, NewTopic]) -> None:
    """Drop everything that an example before left, and make these topics."""

    def work(client: Client) -> Activity[None]:
        found = yield from wait(client.admin.list_topics())
        yield from wait(client.admin.delete_topics([name for name in found if not found[name].is_internal]))
        yield from wait(client.admin.create_topics(topics))

    on(broker, work)


@pytest.mark.parametrize(
    ("check", "topics"),
    [
        (test_examples.test_word_count_twice, {"lines": FOUR, "word-counts": FOUR}),
        (test_examples.test_orders_meet_their_customers, {"customers": COMPACT, "orders": FOUR, "sales": FOUR}),
        (test_examples.test_commit_activity, {"commits": FOUR}),
        (test_examples.test_follow_a_log, {"lines": FOUR}),
        (test_examples.test_dead_letters_are_read_by_a_corrected_program, {"orders": ONE, "orders-dlq": ONE}),
        (test_examples.test_clients_without_a_topology, {}),
    ],
    ids=["word_count", "orders", "commit_activity", "follow_log", "dead_letters", "clients"],
)
def test_example(
    cluster: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Any, topics: Mapping[str, NewTopic]
) -> None:
    remake(cluster, topics)
    monkeypatch.setenv("STREAMS_BROKER", cluster.address)
    check(tmp_path)
    assert not list(tmp_path.rglob("catalog")), "no embedded log was made"


def test_kafkas_tools_see_the_application(cluster: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is the application's id, its lag is shown, and internal topics are set as Kafka Streams sets them."""
    if not isinstance(cluster, ApacheKafka):
        pytest.skip("its tools against our broker: test_java_tools")
    remake(cluster, {"lines": FOUR, "word-counts": FOUR})
    monkeypatch.setenv("STREAMS_BROKER", cluster.address)
    (tmp_path / "input.txt").write_text("to be or not to be\n")
    test_examples.run(tmp_path, "word_count.py", "--input", "input.txt")
    groups = [
        line.split() for line in cluster.tool("consumer-groups", "--describe", "--group", "word-count").splitlines()
    ]
    lags = {(row[1], row[2]): row[5] for row in groups if row and row[0] == "word-count"}
    assert ("word-count-word-counts-repartition", "0") in lags and set(lags.values()) == {"0"}
    described = cluster.tool("topics", "--describe", "--topic", "word-count-.*")
    repartition, changelog = (
        next(line for line in described.splitlines() if f"word-counts-{kind}" in line and "Configs:" in line)
        for kind in ("repartition", "changelog")
    )
    assert "cleanup.policy=delete" in repartition and "retention.ms=-1" in repartition
    assert "segment.bytes=52428800" in repartition and "message.timestamp.type=CreateTime" in repartition
    assert "cleanup.policy=compact" in changelog and "message.timestamp.type=CreateTime" in changelog


def eventually(holds: Callable[[], bool]) -> None:
    """What a controller of Kafka's has answered its brokers know a moment later."""
    assert any(holds() for _ in range(50))


def shows_members(broker: Broker, streams: Callable[..., str]) -> None:
    with Consumer("words", group="members", client_id="me", broker=broker.address) as consumer:
        end = time.monotonic() + 60
        while not consumer.assignment:
            assert time.monotonic() < end
            consumer.poll("100ms")
        state, _, member, *_ = streams("groups", "describe", "members").splitlines()
        assert state.split(", ")[:2] == ["Stable", "1 member"]
        assert [*member.split()[1:2], member.split()[-1]] == ["me", "words(0)"] and "127.0.0.1" in member
    streams("groups", "delete", "members")


def test_the_commands(cluster: Broker) -> None:
    """``--broker`` of every command that looks at a log."""

    def streams(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--broker", cluster.address])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    remake(cluster, {})
    streams("topics", "create", "words", "--partitions", "1", "--config", "retention.ms=-1")
    streams("produce", "words", "-K", ":", "a:1", "b:2")
    assert [line.split() for line in streams("consume", "words").splitlines() if "\t" in line] == [
        ["a", "1"],
        ["b", "2"],
    ]
    assert ["words", "1", "2"] in [line.split() for line in streams("topics", "list").splitlines()]
    described = streams("topics", "describe", "words")
    assert "retention.ms = -1" in described and re.search(r"^[1-9][0-9]+ bytes on disk", described, re.MULTILINE)
    streams("topics", "alter", "words", "-c", "retention.ms=86400000")
    eventually(lambda: "retention.ms = 86400000" in streams("topics", "describe", "words"))
    committed = {TopicPartition("words", 0): OffsetAndMetadata(1)}
    on(cluster, lambda client: wait(client.admin.commit_offsets("readers", committed)))
    assert ["readers", "Empty"] in [line.split() for line in streams("groups", "list").splitlines()]
    assert ["words", "0", "1", "2", "1"] in [
        line.split() for line in streams("groups", "describe", "readers").splitlines()
    ]
    assert ["readers", "words", "1", "1"] in [line.split() for line in streams("lag").splitlines()]
    shows_members(cluster, streams)
    streams("groups", "delete", "readers")
    assert "readers" not in streams("groups", "list")
    assert streams("dlq", "list", "words").count("unknown") == 2, "they say no origin"
    streams("topics", "delete", "words")
    eventually(lambda: "words" not in streams("topics", "list"))
