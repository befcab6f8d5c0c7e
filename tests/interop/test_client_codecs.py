"""Batches packed by other people's clients are stored, packed anew, served and unpacked; and ours by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker_core.protocol.batch import decode_batch, iterate_batches
from tests.unit.broker_core.broker_kit import Kit, produce_request, produced
from tests.unit.broker_core.server_kit import ServedBroker

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
VALUES = [f"value {index} {'x' * (index % 50)}".encode() for index in range(2_000)]


@pytest.fixture(scope="module")
def broker() -> Iterator[ServedBroker]:
    with ServedBroker() as started:
        yield started


def stored(broker: ServedBroker, topic: str) -> list[Any]:
    """Codec of each batch, and all values, as they lie in the log."""
    codecs, values = set(), []
    data = broker.kit.filesystem.read_file(f"logs/{topic}-0/00000000000000000000.log")
    for position, header in iterate_batches(data):
        codecs.add(header.codec)
        values += decode_batch(data, position, header).values
    return [codecs, values]


@pytest.mark.parametrize("kept_as", ["producer", "uncompressed", "zstd"])
@pytest.mark.parametrize("codec", CODECS)
def test_librdkafka_writes_and_reads(broker: ServedBroker, codec: str, kept_as: str) -> None:
    confluent_kafka = pytest.importorskip("confluent_kafka")
    topic = f"rdk-{codec}-{kept_as}"
    broker.create(topic, compression_type=kept_as)
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.address, "compression.type": codec, "linger.ms": 50, "enable.idempotence": True}
    )
    failures: list[Any] = []
    for value in VALUES:
        producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(30) == 0
    assert failures == []
    expected = CODECS.index(codec) if kept_as == "producer" else 0 if kept_as == "uncompressed" else 4
    assert stored(broker, topic) == [{expected}, VALUES]
    assert consumed(confluent_kafka, broker, topic) == VALUES


@pytest.mark.parametrize("codec", CODECS)
def test_librdkafka_reads_what_our_codecs_wrote(broker: ServedBroker, codec: str) -> None:
    confluent_kafka = pytest.importorskip("confluent_kafka")
    topic = f"ours-{codec}"
    broker.create(topic)
    texts = [value.decode() for value in VALUES]
    request = produce_request(topic, *texts, codec=CODECS.index(codec), now_ms=broker.kit.now_ms)
    with broker.connect() as client:
        assert produced(client.exchange(request)).error_code == 0
    assert consumed(confluent_kafka, broker, topic) == VALUES


def consumed(confluent_kafka: Any, broker: ServedBroker, topic: str) -> list[bytes]:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "g", "enable.auto.commit": False, "check.crcs": True}
    )
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        found: list[bytes] = []
        for _ in range(100):
            for message in consumer.consume(len(VALUES), timeout=0.3):
                assert message.error() is None
                found.append(message.value())
            if len(found) >= len(VALUES):
                break
        return found
    finally:
        consumer.close()


@pytest.mark.parametrize("kept_as", ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("codec", CODECS)
def test_batches_of_kafka_python(codec: str, kept_as: str) -> None:
    """kafka-python's own batch builder; its codecs are optional packages."""
    records = pytest.importorskip("kafka.record.default_records")
    available = pytest.importorskip("kafka.codec")
    number = CODECS.index(codec)
    if number and not getattr(available, f"has_{codec}")():
        pytest.skip(f"kafka-python has no {codec} here")
    kit = Kit().open()
    kit.create("t", compression_type=kept_as)
    builder = records.DefaultRecordBatchBuilder(2, number, False, -1, -1, -1, 1 << 20)
    for index, value in enumerate(VALUES):
        assert builder.append(index, kit.now_ms + index, b"k", value, [("h", b"1")]) is not None
    request = produce_request("t", "placeholder")
    partition = request.topic_data[0].partition_data[0]
    data = type(partition)(index=0, records=bytes(builder.build()))
    topic = type(request.topic_data[0])(name="t", partition_data=(data,))
    answer = produced(kit.call(type(request)(acks=-1, timeout_ms=1, topic_data=(topic,))))
    assert (answer.error_code, answer.base_offset) == (0, 0), answer
    records_back = kit.fetch("t").records
    assert records_back is not None
    ((position, header),) = iterate_batches(records_back)
    expected = number if kept_as == "producer" else ("uncompressed", *CODECS[1:]).index(kept_as)
    assert header.codec == expected
    columns = decode_batch(records_back, position, header)
    assert columns.values == VALUES
    assert columns.timestamps == [kit.now_ms + index for index in range(len(VALUES))]
    if expected and not getattr(available, f"has_{CODECS[expected]}")():
        return
    theirs = list(records.DefaultRecordBatch(records_back))
    assert [bytes(record.value) for record in theirs] == VALUES
