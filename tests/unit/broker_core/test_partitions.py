"""The set of logs follows the catalog through crashes, and never claims more to be durable than is."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from broker_core.catalog import Topic
from broker_core.config import Durability, LogConfig
from broker_core.data_directory import LOGS_PATH
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.memory_filesystem import MemoryFilesystem, SimulatedCrash
from broker_core.model import TopicPartition
from broker_core.outcome import SyncResult
from broker_core.partitions import CHECKPOINT_INTERVAL_MS, Partitions
from broker_core.protocol.batch import build_batch
from broker_core.recovery_points import RECOVERY_POINTS_PATH
from tests.unit.broker_core.broker_kit import NOW, Events

WORDS = Topic(name="words", id=UUID(int=1), partitions=2)
WORDS_0, WORDS_1 = TopicPartition("words", 0), TopicPartition("words", 1)


class Listener:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[TopicPartition, int | ErrorCode]] = []

    def advanced(self, partition: TopicPartition, synced_offset: int) -> None:
        self.heard.append((partition, synced_offset))

    def lost(self, partition: TopicPartition, code: ErrorCode) -> None:
        self.heard.append((partition, code))


class World:
    """Partitions over one disk."""

    def __init__(
        self, *topics: Topic, durability: Durability = Durability.SYNCED, config: LogConfig | None = None
    ) -> None:
        self.filesystem = MemoryFilesystem()
        self.durability = durability
        self.config = config or LogConfig()
        self.epoch = 0
        self.open(*topics, was_clean=False)

    def open(self, *topics: Topic, was_clean: bool) -> None:
        self.epoch += 1
        self.events, self.listener = Events(), Listener()
        self.partitions = Partitions(self.filesystem, self.durability, self.events, self.listener, sync_interval_ms=100)
        wanted = [(topic, self.config) for topic in topics]
        self.partitions.open(wanted, leader_epoch=self.epoch, was_clean=was_clean, now_ms=NOW)

    def append(self, partition: TopicPartition, value: str, now_ms: int = NOW) -> None:
        batch = build_batch([None], [value.encode()], [NOW])
        self.partitions.append(self.partitions.find(partition), batch, now_ms)

    def sync(self) -> None:
        wave = self.partitions.pending_syncs()
        for pending in wave:
            for file in pending.files:
                file.sync()
        self.partitions.synced(SyncResult(done=wave))

    def ends(self) -> dict[str, int]:
        return {str(partition): log.end_offset for partition, log in self.partitions.logs.items()}


def test_progress_is_told_when_durable() -> None:
    world = World(WORDS)
    world.append(WORDS_0, "a")
    assert world.listener.heard == []
    world.sync()
    assert world.listener.heard == [(WORDS_0, 1)]
    assert world.partitions.pending_syncs() == ()


def test_progress_is_told_at_once_without_durability() -> None:
    world = World(WORDS, durability=Durability.NONE)
    world.append(WORDS_0, "a")
    assert world.listener.heard == [(WORDS_0, 1)]


def test_appends_during_a_wave_wait_for_the_next() -> None:
    world = World(WORDS)
    world.append(WORDS_0, "a")
    wave = world.partitions.pending_syncs()
    world.append(WORDS_0, "b")
    assert world.partitions.pending_syncs() == ()
    world.partitions.synced(SyncResult(done=wave))
    assert world.listener.heard == [(WORDS_0, 1)]
    world.sync()
    assert world.listener.heard == [(WORDS_0, 1), (WORDS_0, 2)]


def test_a_failed_sync_loses_the_log_only() -> None:
    world = World(WORDS)
    world.append(WORDS_0, "a")
    world.append(WORDS_1, "b")
    first, second = world.partitions.pending_syncs()
    world.partitions.synced(SyncResult(done=(second,), failed=((first, OSError(5, "I/O error")),)))
    assert sorted(world.listener.heard) == [(WORDS_0, ErrorCode.KAFKA_STORAGE_ERROR), (WORDS_1, 1)]
    assert not world.partitions.close(NOW), "not clean"


def test_unknown_partitions() -> None:
    with pytest.raises(BrokerError, match="no partition words-9"):
        World(WORDS).partitions.find(TopicPartition("words", 9))


def test_a_directory_of_no_topic_or_of_a_former_one_is_removed() -> None:
    world = World(WORDS)
    world.append(WORDS_0, "a")
    world.sync()
    world.partitions.close(NOW)
    successor = Topic(name="words", id=UUID(int=2**127 - 2), partitions=1)
    world.open(successor, was_clean=True)
    assert world.ends() == {"words-0": 0}
    assert world.filesystem.list_directory("logs") == ["words-0"]
    assert len(world.events.named("broker.stray_removed")) == 2


@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
def test_creating_after_a_crash_while_removing(mode: str) -> None:
    """Whatever is left of the old logs, topics of other ids never see it."""
    for step in range(60):
        world = World(WORDS)
        world.append(WORDS_0, "a")
        world.sync()
        world.partitions.checkpoint_if_due(NOW + CHECKPOINT_INTERVAL_MS)
        world.filesystem.faults.crash_before = world.filesystem.faults.operations + step
        try:
            world.partitions.remove("words")
            finished = True
        except BaseException as error:
            finished = type(error).__name__ != "SimulatedCrash"
        world.filesystem.crash(random.Random(step), mode)  # type: ignore[arg-type]
        world.open(was_clean=False)
        assert world.filesystem.list_directory("logs") == []
        world.partitions.create([(Topic(name="words", id=UUID(int=2**127 - 2), partitions=2), LogConfig(), range(2))])
        assert world.ends() == {"words-0": 0, "words-1": 0}
        world.filesystem.crash(random.Random(step), mode)  # type: ignore[arg-type]
        world.open(Topic(name="words", id=UUID(int=2**127 - 2), partitions=2), was_clean=False)
        assert world.ends() == {"words-0": 0, "words-1": 0}
        if finished:
            return
    raise AssertionError("removing never finished")


@pytest.mark.parametrize("durability", list(Durability))
def test_a_checkpoint_never_leads_what_is_durable(durability: Durability) -> None:
    world = World(WORDS, durability=durability)
    now_ms = NOW
    generator = random.Random(7)
    for index in range(60):
        world.append(WORDS_0 if index % 3 else WORDS_1, "x")
        if generator.random() < 0.3:
            now_ms += CHECKPOINT_INTERVAL_MS
            world.partitions.checkpoint_if_due(now_ms)
        if generator.random() < 0.2:
            world.sync()
    assert b"words" in world.filesystem.read_file(RECOVERY_POINTS_PATH)
    world.filesystem.crash(random.Random(1), "drop")
    world.open(WORDS, was_clean=False)  # would refuse a log that is shorter than its recovery point


def test_a_failed_checkpoint_is_only_told() -> None:
    world = World(WORDS)
    world.append(WORDS_0, "a")
    world.sync()
    world.filesystem.faults.fail_next_write = 28
    world.partitions.checkpoint_if_due(NOW + CHECKPOINT_INTERVAL_MS)
    assert world.events.named("broker.checkpoint_failed")
    assert world.partitions.next_deadline() == NOW + 2 * CHECKPOINT_INTERVAL_MS


def test_with_an_interval_nothing_waits_and_everything_is_synced_in_time() -> None:
    world = World(WORDS, durability=Durability.INTERVAL)
    world.append(WORDS_0, "a")
    assert world.listener.heard == [(WORDS_0, 1)]
    world.append(WORDS_1, "b", NOW + 60)
    assert world.partitions.next_deadline() == NOW + 100
    world.partitions.sync_if_due(NOW + 99)
    assert world.partitions.pending_syncs() == ()
    world.partitions.sync_if_due(NOW + 100)
    wave = world.partitions.pending_syncs()
    assert [pending.topic_partition for pending in wave] == [WORDS_0]
    for pending in wave:
        for file in pending.files:
            file.sync()
    world.partitions.synced(SyncResult(done=wave))
    assert world.partitions.next_deadline() == NOW + 160
    world.filesystem.crash(random.Random(1), "drop")
    world.open(WORDS, was_clean=False)
    assert world.ends() == {"words-0": 1, "words-1": 0}, "what was acknowledged within the interval is lost"


def test_a_failed_sync_of_the_interval_loses_the_log() -> None:
    world = World(WORDS, durability=Durability.INTERVAL)
    world.append(WORDS_0, "a")
    world.partitions.sync_if_due(NOW + 100)
    (pending,) = world.partitions.pending_syncs()
    world.partitions.synced(SyncResult(failed=((pending, OSError(5, "I/O error")),)))
    assert world.listener.heard == [(WORDS_0, 1), (WORDS_0, ErrorCode.KAFKA_STORAGE_ERROR)]
    with pytest.raises(StorageError, match="given up"):
        world.append(WORDS_0, "b")


@pytest.mark.parametrize("durability", [Durability.INTERVAL, Durability.NONE])
def test_a_topic_may_ask_for_earlier_syncs(durability: Durability) -> None:
    world = World(WORDS, durability=durability, config=LogConfig(flush_messages=3, flush_ms=40))
    world.append(WORDS_0, "a")
    world.append(WORDS_0, "b")
    assert world.partitions.pending_syncs() == ()
    assert world.partitions.next_deadline() == NOW + 40
    world.append(WORDS_0, "c")
    world.sync()
    world.append(WORDS_1, "d")
    world.partitions.sync_if_due(NOW + 40)
    world.sync()
    world.filesystem.crash(random.Random(1), "drop")
    world.open(WORDS, was_clean=False)
    assert world.ends() == {"words-0": 3, "words-1": 1}


def test_a_topic_that_is_flushed_after_each_message_is_acknowledged_when_synced() -> None:
    world = World(WORDS, durability=Durability.NONE, config=LogConfig(flush_messages=1))
    world.append(WORDS_0, "a")
    assert world.listener.heard == []
    world.sync()
    assert world.listener.heard == [(WORDS_0, 1)]


@pytest.mark.parametrize("durability", list(Durability))
def test_a_clean_close_leaves_nothing_unsynced(durability: Durability) -> None:
    world = World(WORDS, durability=durability)
    world.append(WORDS_0, "a")
    world.append(WORDS_0, "b")
    world.sync()
    world.append(WORDS_0, "c")
    assert world.partitions.close(NOW)
    world.filesystem.crash(random.Random(1), "drop")
    world.open(WORDS, was_clean=True)
    assert world.ends() == {"words-0": 3, "words-1": 0}


def test_a_directory_that_a_killed_process_made_outlasts_a_later_power_loss() -> None:
    """``kill -9`` before its entry is synced, a start, a synced append, power loss: the append is still there."""
    world = World()

    def kill(operation: str, path: str) -> None:
        if (operation, path) == ("sync_directory", LOGS_PATH):
            raise SimulatedCrash

    world.filesystem.faults.hook = kill
    with pytest.raises(SimulatedCrash):
        world.partitions.create([(WORDS, world.config, range(2))])
    world.filesystem.crash(random.Random(1), "keep")
    world.open(WORDS, was_clean=False)
    world.append(WORDS_0, "a")
    world.sync()
    world.filesystem.crash(random.Random(1), "drop")
    world.open(WORDS, was_clean=False)
    assert world.ends() == {"words-0": 1, "words-1": 0}
