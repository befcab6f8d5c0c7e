"""Catalog and logs stay in step when topics come, grow and go, at every crash in between."""

from __future__ import annotations

import random

import pytest

from broker_core.errors import ErrorCode
from broker_core.memory_filesystem import SimulatedCrash
from broker_core.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.metadata import MetadataRequest
from tests.unit.broker_core.broker_kit import Kit


def create(kit: Kit) -> None:
    kit.create("words", partitions=2)
    assert kit.produce("words", "a", partition=1).error_code == 0


def grow(kit: Kit) -> None:
    asked = CreatePartitionsTopic(name="old", count=3, assignments=None)
    assert kit.call(CreatePartitionsRequest(topics=(asked,))).results[0].error_code == 0
    assert kit.produce("old", "b", partition=2).error_code == 0


def delete(kit: Kit) -> None:
    (result,) = kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="old"),))).responses
    assert result.error_code == 0


def seen(kit: Kit) -> dict[str, list[list[str]]]:
    topics = kit.call(MetadataRequest(topics=None)).topics
    return {
        topic.name: [kit.values(topic.name, partition=index) for index in range(len(topic.partitions))]
        for topic in topics
    }


OLD = [["x"], []]
ALLOWED = {
    create: [{"old": OLD}, {"old": OLD, "words": [[], []]}, {"old": OLD, "words": [[], ["a"]]}],
    grow: [{"old": OLD}, {"old": [*OLD, []]}, {"old": [*OLD, ["b"]]}],
    delete: [{"old": OLD}, {}],
}


@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
@pytest.mark.parametrize("change", [create, grow, delete])
def test_a_crash_leaves_the_topics_as_before_or_as_asked(change, mode: str) -> None:  # type: ignore[no-untyped-def]
    for step in range(200):
        kit = Kit().open()
        kit.create("old", partitions=2)
        kit.produce("old", "x")
        faults = kit.filesystem.faults
        faults.crash_before = faults.operations + step
        try:
            change(kit)
            finished = True
        except SimulatedCrash:
            finished = False
        kit.restart(crash=mode)
        assert seen(kit) in ALLOWED[change]
        kit.restart(crash=mode)
        assert seen(kit) in ALLOWED[change], "and it stays so"
        if finished:
            assert seen(kit) == ALLOWED[change][-1]
            return
    raise AssertionError("the change never finished")


def test_a_topic_that_is_known_but_has_no_directory_is_empty_again() -> None:
    """A crash between catalog and directory: nothing was told to anybody about it."""
    kit = Kit().open()
    kit.create("words")
    kit.broker.close(kit.now_ms)
    kit.filesystem.remove_tree("logs/words-0")
    for name in ("log-offsets", "recovery-point-offset-checkpoint"):
        kit.filesystem.remove(name)
    kit.broker = kit._make()
    kit.open()
    assert kit.produce("words", "a").base_offset == 0


def test_random_lives_of_topics() -> None:
    """Create, write, delete, restart and crash in any order: a topic holds exactly what was acknowledged."""
    generator = random.Random(3)
    kit = Kit().open()
    expected: dict[str, list[str]] = {}
    for turn in range(150):
        name = generator.choice("abc")
        action = generator.random()
        if action < 0.5 and name in expected:
            assert kit.produce(name, str(turn)).error_code == 0
            expected[name].append(str(turn))
        elif action < 0.7 and name not in expected:
            kit.create(name)
            expected[name] = []
        elif action < 0.85 and name in expected:
            kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name=name),)))
            del expected[name]
        elif action > 0.9:
            kit.restart(crash=generator.choice([None, "drop", "tear", "keep"]))
        kit.tick(generator.randrange(30_000))
    assert seen(kit) == {name: [values] for name, values in expected.items()}


def test_creating_many_partitions_shares_the_syncs() -> None:
    """Two for each partition (its topic id, and its directory), three for all of them (catalog, ``logs``)."""
    kit = Kit().open()
    counters = kit.filesystem.faults.counters
    before = counters["sync"] + counters["sync_directory"]
    asked = tuple(CreatableTopic(name=name, num_partitions=50, replication_factor=1) for name in ("a", "b"))
    assert [result.error_code for result in kit.call(CreateTopicsRequest(topics=asked)).topics] == [0, 0]
    assert counters["sync"] + counters["sync_directory"] - before == 2 * 100 + 3


def test_topics_of_one_request_stand_or_fall_together_on_disk() -> None:
    kit = Kit().open()
    kit.filesystem.faults.hook = lambda operation, path: _fail_if(path == "logs/b-0" and operation == "make_directory")
    asked = tuple(CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in ("a", "b", "a b"))
    codes = [result.error_code for result in kit.call(CreateTopicsRequest(topics=asked)).topics]
    assert codes == [
        ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.INVALID_TOPIC_EXCEPTION,
    ]  # fmt: skip
    assert seen(kit) == {}
    kit.filesystem.faults.hook = None
    kit.create("b")
    assert kit.produce("b", "x").error_code == 0
    kit.restart(crash="drop")
    assert seen(kit) == {"b": [["x"]]}


def _fail_if(failing: bool) -> None:
    if failing:
        raise OSError(28, "no space")
