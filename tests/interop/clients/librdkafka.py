"""confluent-kafka, which is librdkafka."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.interop.clients.base import TIMEOUT_S, Member, Record, Refused, Transaction

FAST = {"topic.metadata.refresh.fast.interval.ms": 50, "reconnect.backoff.ms": 50, "log_level": 2}


class Librdkafka:
    name = "librdkafka"
    codecs: tuple[str, ...] = ("none", "gzip", "snappy", "lz4", "zstd")

    def produce(
        self, address: str, topic: str, records: Sequence[Record], *, codec: str = "none", acks: Any = "all"
    ) -> None:
        from confluent_kafka import Producer

        producer = Producer(
            {**FAST, "bootstrap.servers": address, "compression.type": codec, "acks": str(acks), "linger.ms": 20}
        )
        _send(producer, topic, records)

    def consume(self, address: str, topic: str, count: int, *, committed: bool = True) -> list[Record]:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                **FAST,
                "bootstrap.servers": address,
                "group.id": "unused",
                "enable.auto.commit": False,
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "check.crcs": True,
            }
        )
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[Record] = []
        end = time.monotonic() + TIMEOUT_S
        while len(found) < count and time.monotonic() < end:
            found += [_record(message) for message in consumer.consume(count - len(found), 0.5)]
        consumer.close()
        return found

    def offset_at(self, address: str, topic: str, timestamp: int) -> int:
        from confluent_kafka import OFFSET_END, Consumer, TopicPartition

        consumer = Consumer({**FAST, "bootstrap.servers": address, "group.id": "unused"})
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, timestamp)], TIMEOUT_S)
        consumer.close()
        return -1 if found.offset == OFFSET_END else int(found.offset)

    def transaction(self, address: str, transactional_id: str) -> Transaction:
        return _Transaction(address, transactional_id)

    def join(self, address: str, group: str, topic: str, *, instance: str | None = None, assignor: str) -> Member:
        return _Member(address, group, topic, instance, assignor)

    def committed(self, address: str, group: str, topic: str) -> int:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({**FAST, "bootstrap.servers": address, "group.id": group})
        (found,) = consumer.committed([TopicPartition(topic, 0)], TIMEOUT_S)
        consumer.close()
        return -1 if found.offset < 0 else int(found.offset)

    def create_topic(self, address: str, topic: str, partitions: int, configs: Mapping[str, str]) -> None:
        from confluent_kafka.admin import NewTopic

        admin = _admin(address)
        _result(admin.create_topics([NewTopic(topic, partitions, 1, config=dict(configs))])[topic])

    def delete_topic(self, address: str, topic: str) -> None:
        admin = _admin(address)
        _result(admin.delete_topics([topic])[topic])

    def grow_topic(self, address: str, topic: str, partitions: int) -> None:
        from confluent_kafka.admin import NewPartitions

        admin = _admin(address)
        _result(admin.create_partitions([NewPartitions(topic, partitions)])[topic])

    def topics(self, address: str) -> dict[str, int]:
        found = _admin(address).list_topics(timeout=TIMEOUT_S).topics
        return {name: len(topic.partitions) for name, topic in found.items()}

    def config(self, address: str, topic: str, name: str) -> str:
        from confluent_kafka.admin import ConfigResource

        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        admin = _admin(address)
        return str(_result(admin.describe_configs([resource])[resource])[name].value)

    def ends(self, address: str, topic: str) -> tuple[int, int]:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({**FAST, "bootstrap.servers": address, "group.id": "unused"})
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), TIMEOUT_S)
        consumer.close()
        return low, high


class _Transaction:
    def __init__(self, address: str, transactional_id: str) -> None:
        from confluent_kafka import Producer

        self._producer = Producer({**FAST, "bootstrap.servers": address, "transactional.id": transactional_id})
        _call(self._producer.init_transactions, TIMEOUT_S)

    def begin(self) -> None:
        self._producer.begin_transaction()

    def produce(self, topic: str, records: Sequence[Record]) -> None:
        _send(self._producer, topic, records)

    def send_offsets(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        from confluent_kafka import Consumer, TopicPartition

        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        consumer = Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": group, "log_level": 0})
        _call(self._producer.send_offsets_to_transaction, places, consumer.consumer_group_metadata(), TIMEOUT_S)
        consumer.close()

    def commit(self) -> None:
        _call(self._producer.commit_transaction, TIMEOUT_S)

    def abort(self) -> None:
        _call(self._producer.abort_transaction, TIMEOUT_S)

    def close(self) -> None:
        """It has no such thing."""


class _Member:
    def __init__(self, address: str, group: str, topic: str, instance: str | None, assignor: str) -> None:
        from confluent_kafka import Consumer

        self._consumer = Consumer(
            {
                **FAST,
                "bootstrap.servers": address,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 10_000,
                "heartbeat.interval.ms": 200,
                "partition.assignment.strategy": assignor,
                **({} if instance is None else {"group.instance.id": instance}),
            }
        )
        self._consumer.subscribe([topic])

    def poll(self, seconds: float) -> list[Record]:
        return [_record(message) for message in self._consumer.consume(1_000, seconds)]

    def assignment(self) -> set[int]:
        return {place.partition for place in self._consumer.assignment()}

    def commit(self) -> None:
        _call(self._consumer.commit, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


def _admin(address: str) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient({**FAST, "bootstrap.servers": address})


def _send(producer: Any, topic: str, records: Sequence[Record]) -> None:
    failures: list[Any] = []
    for record in records:
        _call(
            producer.produce,
            topic,
            record.value,
            record.key,
            partition=record.partition,
            headers=list(record.headers),
            on_delivery=lambda error, _: failures.append(error) if error else None,
            **({} if record.timestamp is None else {"timestamp": record.timestamp}),
        )
    left = _call(producer.flush, TIMEOUT_S)
    if failures:
        raise Refused(failures[0].code(), str(failures[0]))
    assert left == 0, f"{left} records were not acknowledged"


def _record(message: Any) -> Record:
    assert message.error() is None, message.error()
    headers = tuple((name, value) for name, value in message.headers() or ())
    return Record(message.key(), message.value(), headers, message.timestamp()[1], message.partition())


def _call(function: Any, *arguments: Any, **options: Any) -> Any:
    from confluent_kafka import KafkaException

    try:
        return function(*arguments, **options)
    except KafkaException as error:
        raise Refused(error.args[0].code(), str(error)) from error
    except SystemError as error:  # a fatal error surfaces in the middle of a delivery callback
        if isinstance(error.__cause__, KafkaException):
            raise Refused(error.__cause__.args[0].code(), str(error.__cause__)) from error
        raise


def _result(future: Any) -> Any:
    return _call(future.result, TIMEOUT_S)
