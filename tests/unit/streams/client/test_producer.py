"""The producer end to end: a real broker, by values and through bytes."""

from __future__ import annotations

import random

import pytest

from broker_core.config import BrokerConfig
from streams.client.partitioner import partition_of
from streams.client.settings import ClientSettings
from streams.errors import ClientError, ProducerFenced
from streams.model import Isolation, OffsetAndMetadata, OutputColumns, TopicPartition
from tests.unit.streams.client.world import SlowSyncExecutor, World


def test_output_is_partitioned_by_key_and_keyless_records_move_on_together(world: World) -> None:
    world.topic("t", 3)
    client = world.client()
    producer = client.producer()
    columns = OutputColumns("t")
    columns.keys, columns.values = [b"a", b"b", b"c"], [b"1", b"2", b"3"]
    columns.timestamps = [world.now_ms] * 3
    producer.append_output(columns, 3)
    keyless = OutputColumns("t")
    keyless.keys, keyless.values, keyless.timestamps = [None, None], [b"x", b"y"], [world.now_ms] * 2
    producer.append_output(keyless, 3)
    producer.append_output(keyless, 3)
    world.wait(client, producer.flush())
    found = world.read("t", 3)
    for key, value in zip(columns.keys, columns.values, strict=True):
        assert value in found[partition_of(key, 3)]
    together = [partition for partition, values in found.items() if values.count(b"x")]
    assert len(together) == 2
    assert all(found[partition].count(b"y") == 1 for partition in together)


def test_a_record_for_a_topic_that_is_not_there_yet_makes_it(world: World) -> None:
    client = world.client()
    producer = client.producer()
    producer.send("fresh", b"k", b"v", world.now_ms, headers=(("h", None),))
    producer.send("fresh", None, b"w", world.now_ms)
    world.wait(client, producer.flush())
    found = world.read("fresh", 4)
    assert b"v" in found[partition_of(b"k", 4)]
    assert sorted(value for values in found.values() for value in values) == [b"v", b"w"]


def test_a_topic_that_nobody_may_make_fails_the_flush_in_time() -> None:
    world = World(config=BrokerConfig(min_free_bytes=0, auto_create_topics=False))
    client = world.client(ClientSettings(delivery_timeout_ms=500))
    producer = client.producer()
    producer.send("absent", b"k", b"v", world.now_ms)
    with pytest.raises(ClientError, match="writing to topic absent"):
        world.wait(client, producer.flush())


def test_a_refused_topic_name_fails_the_flush(world: World) -> None:
    client = world.client()
    producer = client.producer()
    producer.send("no/slashes", b"k", b"v", world.now_ms)
    with pytest.raises(ClientError, match="INVALID_TOPIC"):
        world.wait(client, producer.flush())


def test_a_record_over_the_limit_is_refused_with_its_place(world: World) -> None:
    world.topic("small", 1, **{"max.message.bytes": "300"})
    client = world.client()
    producer = client.producer()
    producer.append("small", 0, [None] * 3, [b"v" * 150] * 3, [world.now_ms] * 3)
    world.wait(client, producer.flush())
    assert world.read("small") == {0: [b"v" * 150] * 3}, "a batch over the limit is split"
    producer.append("small", 0, [None], [b"v" * 400], [world.now_ms])
    with pytest.raises(ClientError, match="writing to small-0 was refused: MESSAGE_TOO_LARGE"):
        world.wait(client, producer.flush())
    producer.append("small", 0, [None], [b"w"], [world.now_ms])
    world.wait(client, producer.flush())
    assert world.read("small")[0][-1] == b"w"


def test_transactions_one_after_the_other_under_slow_syncs() -> None:
    """Each begins while the markers of the one before are still being written."""
    world = World(executor=SlowSyncExecutor(random.Random(5), most=6))
    world.topic("t", 2)
    world.topic("in")
    client = world.client()
    producer = client.producer(transactional_id="tx")
    world.wait(client, producer.init_transactions())
    for number in range(12):
        producer.begin()
        producer.append("t", number % 2, [b"k"], [b"%d" % number], [world.now_ms])
        producer.send_offsets("g", {TopicPartition("in", 0): OffsetAndMetadata(number)})
        world.wait(client, producer.commit() if number % 3 else producer.abort())
    expected = {p: [b"%d" % n for n in range(12) if n % 3 and n % 2 == p] for p in range(2)}
    assert world.read("t", 2) == expected
    assert world.wait(client, client.admin.committed("g", [TopicPartition("in", 0)])) == {
        TopicPartition("in", 0): OffsetAndMetadata(11)
    }


def test_a_second_producer_of_the_same_id_fences_the_first_and_ends_what_it_left_open(world: World) -> None:
    world.topic("t")
    client = world.client()
    old, new = (client.producer(transactional_id="tx") for _ in range(2))
    world.wait(client, old.init_transactions())
    old.begin()
    old.append("t", 0, [b"k"], [b"zombie"], [world.now_ms])
    world.wait(client, old.flush())
    world.wait(client, new.init_transactions())
    with pytest.raises(ProducerFenced, match="tx"):
        world.wait(client, old.commit())
    assert isinstance(old.fatal_error, ProducerFenced)
    new.begin()
    new.append("t", 0, [b"k"], [b"owner"], [world.now_ms])
    world.wait(client, new.commit())
    assert world.read("t") == {0: [b"owner"]}
    assert world.read("t", isolation=Isolation.READ_UNCOMMITTED) == {0: [b"zombie", b"owner"]}


def test_a_transaction_over_its_time_is_aborted_and_its_producer_fenced(world: World) -> None:
    world.topic("t")
    client = world.client()
    producer = client.producer(transactional_id="tx", transaction_timeout_ms=2_000)
    world.wait(client, producer.init_transactions())
    producer.begin()
    producer.append("t", 0, [b"k"], [b"late"], [world.now_ms])
    world.wait(client, producer.flush())
    world.now_ms += 10_000
    world.pump(client)
    with pytest.raises(ProducerFenced, match="timed out"):
        world.wait(client, producer.commit())
    assert world.read("t") == {0: []}


def test_a_producer_without_transactional_id_has_no_transactions(world: World) -> None:
    with pytest.raises(RuntimeError, match="no transactions"):
        world.client().producer().begin()


def test_buffered_bytes_rise_and_fall(world: World) -> None:
    world.topic("t")
    client = world.client()
    producer = client.producer()
    producer.append("t", 0, [b"k"], [b"v" * 100], [world.now_ms])
    assert producer.buffered_bytes > 100
    world.wait(client, producer.flush())
    assert producer.buffered_bytes == 0
