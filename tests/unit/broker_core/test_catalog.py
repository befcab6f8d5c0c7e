"""The catalog survives restarts and crashes as a whole, and gives no number twice."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from broker_core.catalog import (
    PRODUCER_ID_BLOCK,
    Catalog,
    CatalogState,
    Topic,
    check_topic_name,
    decode_catalog,
    encode_catalog,
)
from broker_core.errors import BrokerError, DataDirectoryError, ErrorCode, StorageError
from broker_core.memory_filesystem import MemoryFilesystem, SimulatedCrash

STATE = CatalogState(
    cluster_id="c",
    starts=2,
    next_producer_id=1000,
    topics={
        "päge": Topic(name="päge", id=UUID(int=7), partitions=3, configs={"retention.ms": "5"}),
        "b": Topic(name="b", id=UUID(int=8), partitions=1, has_gaps=True),
    },
    broker_configs={"": {"log.retention.ms": "7"}, "1": {"log.roll.ms": "8"}},
)
VERSION_1 = b"""streams-catalog 1 765c46e8 232
{
 "cluster_id": "example",
 "starts": 3,
 "next_producer_id": 2000,
 "topics": [
  {
   "name": "words",
   "id": "00000000000040008000000000000001",
   "partitions": 4,
   "configs": {
    "cleanup.policy": "compact"
   }
  }
 ]
}"""
WORKED_EXAMPLE = b"""streams-catalog 2 45c15a09 324
{
 "cluster_id": "example",
 "starts": 3,
 "next_producer_id": 2000,
 "broker_configs": {
  "": {
   "log.retention.ms": "86400000"
  }
 },
 "topics": [
  {
   "name": "words",
   "id": "00000000000040008000000000000001",
   "partitions": 4,
   "configs": {
    "cleanup.policy": "compact"
   },
   "has_gaps": true
  }
 ]
}"""


def opened(filesystem: MemoryFilesystem, seed: int = 1) -> Catalog:
    catalog = Catalog(filesystem, random.Random(seed))
    catalog.load()
    return catalog


def test_round_trip() -> None:
    assert decode_catalog(encode_catalog(STATE)) == STATE


def test_the_worked_example_of_the_format_page() -> None:
    topic = Topic(
        name="words",
        id=UUID("00000000000040008000000000000001"),
        partitions=4,
        configs={"cleanup.policy": "compact"},
        has_gaps=True,
    )
    state = CatalogState(
        cluster_id="example",
        starts=3,
        next_producer_id=2000,
        topics={"words": topic},
        broker_configs={"": {"log.retention.ms": "86400000"}},
    )
    assert encode_catalog(state) == WORKED_EXAMPLE
    assert decode_catalog(WORKED_EXAMPLE) == state


def test_version_1_is_read() -> None:
    state = decode_catalog(VERSION_1)
    assert state.topics["words"].has_gaps, "unknown, so they must be expected"
    assert (state.starts, state.broker_configs) == (3, {})


def test_changed_settings_survive_a_restart() -> None:
    filesystem = MemoryFilesystem()
    catalog = opened(filesystem)
    catalog.add({"words": (4, {"retention.ms": "1"}), "keys": (1, {})}, with_gaps=["keys"])
    catalog.alter("words", {"segment.ms": "5"}, has_gaps=False)
    catalog.alter_broker({"": {"log.roll.ms": "3"}, "1": {}}, with_gaps=["words"])
    again = opened(filesystem, seed=2)
    assert {topic.name: (topic.configs, topic.has_gaps) for topic in again.topics.values()} == {
        "words": ({"segment.ms": "5"}, True), "keys": ({}, True),
    }  # fmt: skip
    assert again.broker_configs == {"": {"log.roll.ms": "3"}}


def test_every_damaged_byte_is_noticed() -> None:
    data = encode_catalog(STATE)
    for position in range(len(data)):
        damaged = data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]
        with pytest.raises(StorageError):
            decode_catalog(damaged)
    for length in range(len(data)):
        with pytest.raises(StorageError):
            decode_catalog(data[:length])


def test_a_newer_version_says_so() -> None:
    with pytest.raises(DataDirectoryError, match="version 3"):
        decode_catalog(encode_catalog(STATE).replace(b"catalog 2 ", b"catalog 3 "))


def test_topics_survive_a_restart() -> None:
    filesystem = MemoryFilesystem()
    catalog = opened(filesystem)
    (topic,) = catalog.add({"words": (4, {"retention.ms": "1"})})
    catalog.add({"gone": (1, {})})
    catalog.grow("words", 6)
    catalog.remove("gone")
    again = opened(filesystem, seed=2)
    assert list(again.topics) == ["words"]
    assert again.find("words").partitions == 6
    assert again.find_by_id(topic.id).configs == {"retention.ms": "1"}
    assert again.cluster_id == catalog.cluster_id
    assert again.leader_epoch == catalog.leader_epoch + 1


def test_unknown_topics() -> None:
    catalog = opened(MemoryFilesystem())
    with pytest.raises(BrokerError) as by_name:
        catalog.find("nothing")
    with pytest.raises(BrokerError) as by_id:
        catalog.find_by_id(UUID(int=1))
    assert by_name.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert by_id.value.code is ErrorCode.UNKNOWN_TOPIC_ID


def test_producer_ids_are_never_given_twice() -> None:
    filesystem = MemoryFilesystem()
    catalog = opened(filesystem)
    first = [catalog.next_producer_id() for _ in range(PRODUCER_ID_BLOCK + 2)]
    second = [opened(filesystem).next_producer_id() for _ in range(3)]
    assert len({*first, *second}) == len(first) + len(second)
    assert first == list(range(len(first)))


def test_a_change_that_could_not_be_written_did_not_happen() -> None:
    filesystem = MemoryFilesystem()
    catalog = opened(filesystem)
    filesystem.faults.fail_next_write = 28
    with pytest.raises(OSError, match="No space"):
        catalog.add({"words": (4, {})})
    assert catalog.topics == {}
    catalog.add({"words": (4, {})})
    assert list(opened(filesystem).topics) == ["words"]


@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
def test_a_crash_at_any_operation_leaves_the_old_or_the_new_catalog(mode: str) -> None:
    for step in range(100):
        filesystem = MemoryFilesystem()
        catalog = opened(filesystem)
        catalog.add({"old": (1, {})})
        filesystem.faults.crash_before = filesystem.faults.operations + step
        finished = False
        try:
            catalog.add({"new": (1, {})})
            finished = True
        except SimulatedCrash:
            pass
        filesystem.crash(random.Random(step), mode)  # type: ignore[arg-type]
        names = set(opened(filesystem).topics)
        assert names in ({"old"}, {"old", "new"})
        if finished:
            assert names == {"old", "new"}
            return
    raise AssertionError("adding a topic never finished")


@pytest.mark.parametrize("name", ["", ".", "..", "a" * 250, "a/b", "a b", "ä", "a\n"])
def test_bad_topic_names(name: str) -> None:
    with pytest.raises(BrokerError) as caught:
        check_topic_name(name)
    assert caught.value.code is ErrorCode.INVALID_TOPIC_EXCEPTION


@pytest.mark.parametrize("name", ["a", "A-b_c.9", "a" * 249, "__consumer_offsets", "..."])
def test_good_topic_names(name: str) -> None:
    check_topic_name(name)


def test_a_missing_catalog_beside_logs_is_damage_and_no_new_directory() -> None:
    """All logs would belong to no topic, and be removed."""
    filesystem = MemoryFilesystem()
    filesystem.make_directory("logs/words-0")
    with pytest.raises(StorageError, match="catalog: missing, but there are logs in 'logs'; restore"):
        Catalog(filesystem, random.Random(1)).load()
    assert filesystem.list_directory("logs") == ["words-0"]
