"""Unmodified clients against the broker's process: the basic round trips. A matrix of scenarios is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.broker_core.broker_process import BrokerProcess

COUNT = 500


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
