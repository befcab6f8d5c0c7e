"""Properties of the client against a transport that loses, refuses, delays and reorders."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.client.settings import ClientSettings
from streams.errors import TransactionAborted
from streams.model import Isolation, OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.world import FaultyTransport, SlowSyncExecutor, World

PARTITIONS = 3
SMALL_BATCHES = ClientSettings(batch_bytes=60, retry_backoff_ms=2, retry_backoff_max_ms=8)


def faulty_world(seed: int, rate: float, carrier: str):
    source = random.Random(seed)
    world = World(loopback=carrier == "loopback", tcp=carrier.startswith("tcp"), executor=SlowSyncExecutor(source))
    world.topic("t", PARTITIONS)
    settings = replace(SMALL_BATCHES, transactions_v2=carrier.endswith("v2"))
    client = world.client(settings, lambda transport: FaultyTransport(transport, source, rate))
    return world, client, source


@pytest.mark.parametrize("carrier", ["embedded", "loopback", "tcp"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.05, 0.3, 0.6]))
def test_idempotent_producer_neither_loses_nor_doubles_nor_reorders(seed: int, rate: float, carrier: str) -> None:
    """Whatever happens to requests and answers, each partition holds exactly what was appended, in that order."""
    world, client, source = faulty_world(seed, rate, carrier)
    producer = client.producer()
    expected: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    for number in range(source.randrange(1, 60)):
        partition = source.randrange(PARTITIONS)
        values = [b"%d-%d" % (number, index) for index in range(source.randrange(1, 5))]
        producer.append("t", partition, [None] * len(values), values, [world.now_ms] * len(values))
        expected[partition] += values
        if source.random() < 0.3:
            client.poll(world.clock())
    world.wait(client, producer.flush())
    assert world.read("t", PARTITIONS) == expected
    assert producer.buffered_bytes == 0
    world.close()


@pytest.mark.parametrize("carrier", ["embedded", "loopback", "tcp", "embedded v2", "tcp v2"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.05, 0.2, 0.5]))
def test_read_committed_sees_exactly_the_committed_transactions(seed: int, rate: float, carrier: str) -> None:
    """Committed transactions are read once and whole, aborted ones never; the offsets are those of the last commit."""
    world, client, source = faulty_world(seed, rate, carrier)
    producer = client.producer(transactional_id="tx")
    world.wait(client, producer.init_transactions())
    expected: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    committed = None
    inputs = TopicPartition("in", 0)
    world.topic("in")
    for number in range(source.randrange(1, 8)):
        producer.begin()
        written: dict[int, list[bytes]] = {}
        for index in range(source.randrange(25)):
            partition = source.randrange(PARTITIONS)
            value = b"%d-%d" % (number, index)
            producer.append("t", partition, [b"k"], [value], [world.now_ms])
            written.setdefault(partition, []).append(value)
            if source.random() < 0.3:
                client.poll(world.clock())
        if source.random() < 0.5:
            world.wait(client, producer.flush())
        with_offsets = source.random() < 0.7
        if with_offsets:
            producer.send_offsets("g", {inputs: OffsetAndMetadata(number, f"m{number}")})
        try:
            if source.random() < 0.7:
                world.wait(client, producer.commit())
                for partition, values in written.items():
                    expected[partition] += values
                committed = OffsetAndMetadata(number, f"m{number}") if with_offsets else committed
                continue
        except TransactionAborted:
            pass
        world.wait(client, producer.abort())
    assert world.read("t", PARTITIONS) == expected
    honest = world.client()
    assert world.wait(honest, honest.admin.committed("g", [inputs])) == {inputs: committed}
    world.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.1, 0.5]), isolation=st.sampled_from(Isolation))
def test_consumer_reads_every_record_once_in_order(seed: int, rate: float, isolation: Isolation) -> None:
    """Lost, refused and delayed fetches, pauses and polls in any order change nothing of what is read."""
    world, client, source = faulty_world(seed, rate, "embedded")
    honest = world.client(SMALL_BATCHES)
    producer = honest.producer()
    expected: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    consumer = client.consumer(isolation=isolation)
    places = [TopicPartition("t", partition) for partition in range(PARTITIONS)]
    consumer.assign(dict.fromkeys(places, 0))
    seen: dict[int, list[bytes | None]] = {partition: [] for partition in range(PARTITIONS)}
    for number in range(200):
        if number < 30:
            partition = source.randrange(PARTITIONS)
            producer.append("t", partition, [None], [b"%d" % number], [world.now_ms])
            expected[partition].append(b"%d" % number)
            world.wait(honest, producer.flush())
        client.poll(world.clock())
        if source.random() < 0.1:
            consumer.pause([source.choice(places)])
        if source.random() < 0.2:
            consumer.resume(places)
        for batch in consumer.poll_batches():
            base = batch.base_offset
            assert base == len(seen[batch.topic_partition.partition])
            seen[batch.topic_partition.partition] += batch.values
    consumer.resume(places)
    for _ in range(3_000):
        client.poll(world.clock())
        for batch in consumer.poll_batches():
            seen[batch.topic_partition.partition] += batch.values
        if seen == expected:
            break
    assert seen == expected
