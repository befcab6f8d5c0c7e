"""Directories of partitions: two syncs to make one, and none survives its topic."""

from __future__ import annotations

from uuid import UUID

from broker_core.catalog import Topic
from broker_core.config import LogConfig
from broker_core.data_directory import LOGS_PATH
from broker_core.log.checkpoint import read_partition_metadata
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.partition_directories import create_partition_log, directory_of, remove_strays
from tests.unit.broker_core.broker_kit import Events

WORDS = Topic(name="words", id=UUID(int=7), partitions=1)
WORDS_0 = TopicPartition("words", 0)


def create(filesystem: MemoryFilesystem) -> None:
    create_partition_log(filesystem, WORDS, WORDS_0, LogConfig(), Events(), leader_epoch=1).close(0)


def test_a_new_log_takes_the_place_of_what_is_left_there() -> None:
    filesystem = MemoryFilesystem()
    filesystem.make_directory("logs/words-0")
    filesystem.open("logs/words-0/00000000000000000005.log", create=True)
    create(filesystem)
    assert directory_of(WORDS_0) == "logs/words-0"
    names = filesystem.list_directory("logs/words-0")
    assert [name for name in names if name.endswith(".log")] == ["00000000000000000000.log"]
    assert read_partition_metadata(filesystem, "logs/words-0") == WORDS.id


def test_it_costs_two_syncs() -> None:
    filesystem = MemoryFilesystem()
    filesystem.make_directory(LOGS_PATH)
    create_partition_log(filesystem, WORDS, WORDS_0, LogConfig(), Events(), leader_epoch=1)
    counters = filesystem.faults.counters
    assert (counters["sync"], counters["sync_directory"]) == (1, 1)


def test_directories_without_their_topic_are_strays() -> None:
    filesystem, events = MemoryFilesystem(), Events()
    create(filesystem)
    filesystem.make_directory("logs/other-3")
    filesystem.make_directory("logs/fresh-0")
    fresh = TopicPartition("fresh", 0)
    assert remove_strays(filesystem, {WORDS_0: WORDS.id, fresh: UUID(int=9)}, events) == (fresh, WORDS_0)
    assert filesystem.list_directory(LOGS_PATH) == ["fresh-0", "words-0"]
    assert remove_strays(filesystem, {WORDS_0: UUID(int=2**127 - 8)}, events) == ()
    assert filesystem.list_directory(LOGS_PATH) == []
    assert [event["path"] for event in events.named("broker.stray_removed")] == [
        "logs/other-3", "logs/fresh-0", "logs/words-0",
    ]  # fmt: skip
