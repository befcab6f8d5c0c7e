from __future__ import annotations

import errno
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from broker_core.config import BrokerConfig, Durability
from broker_core.errors import DataDirectoryError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.ports import File
from broker_core.protocol.metadata import MetadataRequest
from broker_core.sync_waves import MAX_HELD_BACK, InlineSyncExecutor
from streams.client.client import Client
from streams.client.errors import OffsetOutOfRange
from streams.config import StreamsConfig
from streams.errors import ClientError
from streams.model import TopicPartition
from streams.runtime.embedded import EmbeddedBroker, broker_config, open_embedded
from tests.unit.streams.client.world import START_MS, SlowSyncExecutor, World

CONFIG = BrokerConfig(min_free_bytes=0)


def test_one_wave_at_a_time_takes_along_all_that_wait() -> None:
    """Two clients' records wait while a wave is under way; the next wave has both."""
    waves: list[int] = []

    class Counting(SlowSyncExecutor):
        def start(self, files: Sequence[File]) -> None:
            waves.append(len(files))
            super().start(files)

    world = World(executor=InlineSyncExecutor())
    world.topic("t", 3)
    world.embedded = EmbeddedBroker(world.broker, Counting(random.Random(2), most=2))
    client = world.client()
    producers = [client.producer() for _ in range(3)]
    for partition, producer in enumerate(producers):
        producer.append("t", partition, [b"k"], [b"v"], [world.now_ms])
        world.wait(client, producer.flush())
    waves.clear()
    flushes = []
    for partition, producer in enumerate(producers):
        producer.append("t", partition, [b"k"], [b"w"], [world.now_ms])
        flushes.append(producer.flush())
    for flushed in flushes:
        world.wait(client, flushed)
    assert waves == [3]


class Noting(InlineSyncExecutor):
    """Notes how many files each wave has."""

    def __init__(self) -> None:
        super().__init__()
        self.waves: list[int] = []

    def start(self, files: Sequence[File]) -> None:
        self.waves.append(len(files))
        super().start(files)


def test_what_announces_records_is_synced_with_them() -> None:
    """A transaction's partitions, and the records that follow the answer to that at once: one wave, not two."""
    noting = Noting()
    world = World(executor=InlineSyncExecutor())
    world.topic("t")
    world.embedded = EmbeddedBroker(world.broker, noting)
    client = world.client()
    producer = client.producer(transactional_id="x")
    world.wait(client, producer.init_transactions())
    producer.begin()
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    noting.waves.clear()
    world.wait(client, producer.flush())
    assert noting.waves == [2]


def test_a_wave_does_not_wait_for_ever_for_what_may_follow() -> None:
    noting = Noting()
    world = World(executor=InlineSyncExecutor())
    world.topic("t")
    embedded = EmbeddedBroker(world.broker, noting)
    world.embedded = embedded
    producer = (client := world.client()).producer()
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    world.wait(client, producer.flush())
    noting.waves.clear()
    producer.append("t", 0, [b"k"], [b"w"], [world.now_ms])
    producer.flush()
    busy = embedded.connect("busy")
    for call in producer.calls(world.now_ms):
        busy.send(call.node_id, call.body, call.max_version)
    polls = 0
    while not noting.waves:
        busy.send(None, MetadataRequest(topics=()))
        busy.poll(world.now_ms)
        polls += 1
    assert polls == MAX_HELD_BACK + 1


def test_nothing_is_acknowledged_before_its_file_is_synced() -> None:
    class Never(InlineSyncExecutor):
        def finished(self) -> dict[int, OSError] | None:
            return None

    world = World()
    world.topic("t")
    client = world.client()
    first = client.producer()
    first.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    world.wait(client, first.flush())
    world.embedded = EmbeddedBroker(world.broker, Never())
    held = world.client()
    producer = held.producer()
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    flushed = producer.flush()
    world.pump(held, 50)
    assert not flushed.done


def test_a_failed_sync_fails_the_writer_and_names_the_storage() -> None:
    filesystem = MemoryFilesystem()
    world = World(filesystem=filesystem)
    world.topic("t")
    client = world.client()
    producer = client.producer()
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    world.wait(client, producer.flush())
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    filesystem.faults.fail_next_sync = errno.EIO
    with pytest.raises(ClientError, match="writing to t-0 was refused: KAFKA_STORAGE_ERROR"):
        world.wait(client, producer.flush())


def test_transports_get_their_own_answers() -> None:
    world = World()
    world.topic("t")
    clients = [world.client() for _ in range(2)]
    consumers = [client.consumer() for client in clients]
    for consumer in consumers:
        consumer.assign({TopicPartition("t", 0): 0})
    for client in clients:
        world.pump(client)
    producer = clients[0].producer()
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    world.wait(clients[0], producer.flush())
    for client, consumer in zip(clients, consumers, strict=True):
        world.pump(client)
        assert [batch.values for batch in consumer.poll_batches()] == [[b"v"]]


def clock_from(start: int) -> Callable[[], int]:
    now = [start]

    def clock() -> int:
        now[0] += 1
        return now[0]

    return clock


def test_what_was_acknowledged_is_there_after_reopening(tmp_path: Path) -> None:
    clock = clock_from(START_MS)
    source = random.Random(1)
    embedded = open_embedded(str(tmp_path), CONFIG, clock(), random=source)
    client = Client(embedded.connect("a"), client_id="a", random=source)
    producer = client.producer(transactional_id="tx")
    client.complete(producer.init_transactions(), clock)
    producer.begin()
    producer.append("t", 0, [b"k"], [b"v"], [clock()])
    client.complete(producer.commit(), clock)
    embedded.close(clock())
    embedded.close(clock())
    again = open_embedded(str(tmp_path), CONFIG, clock(), random=source)
    reader = Client(again.connect("b"), client_id="b", random=source)
    consumer = reader.consumer()
    consumer.assign({TopicPartition("t", 0): 0})
    found: list[bytes | None] = []
    for _ in range(1_000):
        reader.poll(clock())
        found += [value for batch in consumer.poll_batches() for value in batch.values]
        if found:
            break
        reader.wait(1)
    assert found == [b"v"]
    again.close(clock())


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    embedded = open_embedded(str(tmp_path), CONFIG, START_MS)
    with pytest.raises(DataDirectoryError):
        open_embedded(str(tmp_path), CONFIG, START_MS)
    embedded.close(START_MS)


def test_an_applications_settings_become_the_brokers() -> None:
    config = broker_config(StreamsConfig(application_id="a", data_dir="d", partitions=7, durability="none"))
    assert (config.num_partitions, config.durability) == (7, Durability.NONE)


@pytest.mark.parametrize(("given", "stay"), [({}, True), ({"retention.ms": "3600000"}, False)])
def test_records_of_long_ago_stay_unless_their_topic_says_otherwise(given: dict[str, str], stay: bool) -> None:
    """Kafka's seven days count from the time of the record: what is fed from history would go before it is read."""
    config = replace(broker_config(StreamsConfig(application_id="a", data_dir="unused")), min_free_bytes=0)
    world = World(config=config)
    world.topic("t", **given)
    client = world.client()
    producer = client.producer()
    producer.append("t", 0, [None, None], [b"old", b"new"], [0, 1])
    world.wait(client, producer.flush())
    for _ in range(20):
        world.now_ms += 600_000
        world.broker.tick(world.now_ms)
        world.embedded.pump(world.now_ms)
    if stay:
        assert world.read("t")[0] == [b"old", b"new"]
    else:
        with pytest.raises(OffsetOutOfRange):
            world.read("t")
