"""Unmodified clients against the broker's process: the basic round trips. A matrix of scenarios is elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.broker_core.broker_process import BrokerProcess

COUNT = 500
LOGGER = logging.getLogger("librdkafka")
"""Lost connections are what these tests are about; librdkafka would write them to the terminal."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    directory: Path = tmp_path_factory.mktemp("served")
    with BrokerProcess(directory, "num.partitions=1", "min.free.bytes=0") as started:
        yield started


def write_with_librdkafka(broker: BrokerProcess, topic: str) -> None:
    confluent_kafka = pytest.importorskip("confluent_kafka")
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    for index in range(COUNT):
        producer.produce(topic, f"value {index}".encode(), f"key {index}".encode())
    assert producer.flush(20) == 0


def write_with_kafka_python(broker: BrokerProcess, topic: str) -> None:
    kafka = pytest.importorskip("kafka")
    producer = kafka.KafkaProducer(bootstrap_servers=broker.address)
    for index in range(COUNT):
        producer.send(topic, f"value {index}".encode(), f"key {index}".encode())
    producer.flush(20)
    producer.close()


def read_with_librdkafka(broker: BrokerProcess, topic: str) -> list[tuple[bytes, bytes]]:
    confluent_kafka = pytest.importorskip("confluent_kafka")
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "none", "enable.auto.commit": False}
    )
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    found: list[Any] = []
    for _ in range(100):
        found += consumer.consume(COUNT, timeout=0.2)
        if len(found) >= COUNT:
            break
    consumer.close()
    return [(message.key(), message.value()) for message in found]


def read_with_kafka_python(broker: BrokerProcess, topic: str) -> list[tuple[bytes, bytes]]:
    kafka = pytest.importorskip("kafka")
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.address, group_id=None, consumer_timeout_ms=20_000)
    consumer.assign([kafka.TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    found = []
    for message in consumer:
        found.append((message.key, message.value))
        if len(found) == COUNT:
            break
    consumer.close()
    return found


@pytest.mark.parametrize("read", [read_with_librdkafka, read_with_kafka_python])
@pytest.mark.parametrize("write", [write_with_librdkafka, write_with_kafka_python])
def test_one_client_writes_and_another_reads(broker: BrokerProcess, write: Any, read: Any) -> None:
    topic = f"{write.__name__}-{read.__name__}"
    write(broker, topic)
    assert read(broker, topic) == [(f"key {i}".encode(), f"value {i}".encode()) for i in range(COUNT)]


def test_what_librdkafka_is_told_about_the_cluster(broker: BrokerProcess) -> None:
    admin = pytest.importorskip("confluent_kafka.admin")
    client = admin.AdminClient({"bootstrap.servers": broker.address})
    found = client.list_topics(timeout=20)
    (node,) = found.brokers.values()
    assert (node.id, node.host, node.port) == (1, "127.0.0.1", broker.port)


def test_librdkafka_writes_through_kill_9(tmp_path: Path) -> None:
    """The idempotent producer sends again what was not acknowledged: nothing is lost, twice there or out of order."""
    confluent_kafka = pytest.importorskip("confluent_kafka")
    failures: list[Any] = []
    with BrokerProcess(tmp_path, "num.partitions=1", "min.free.bytes=0") as broker:
        settings = {"bootstrap.servers": broker.address, "enable.idempotence": True, "linger.ms": 0, "logger": LOGGER}
        producer = confluent_kafka.Producer({**settings, "batch.num.messages": 10, "reconnect.backoff.max.ms": 200})
        for index in range(COUNT):
            key, value = f"key {index}".encode(), f"value {index}".encode()
            producer.produce("t", value, key, on_delivery=lambda error, _: failures.append(error) if error else None)
            producer.poll(0)
            if index in (COUNT // 3, 2 * COUNT // 3):
                broker.kill()
                broker.start()
        assert producer.flush(30) == 0
        assert failures == []
        assert read_with_librdkafka(broker, "t") == [(f"key {i}".encode(), f"value {i}".encode()) for i in range(COUNT)]
