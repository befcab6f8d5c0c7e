"""kafka-python."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.interop.clients.base import TIMEOUT_S, Member, Record, Refused, Transaction

JOIN_S = 1.0
"""So long a poll of a member lasts at least, unless there are records."""


def _codecs() -> tuple[str, ...]:
    from kafka.codec import has_lz4, has_snappy, has_zstd

    there = {"snappy": has_snappy(), "lz4": has_lz4(), "zstd": has_zstd()}
    return ("none", "gzip", *(name for name, is_there in there.items() if is_there))


class KafkaPython:
    name = "kafka-python"

    @property
    def codecs(self) -> tuple[str, ...]:
        """Those whose libraries are installed."""
        return _codecs()

    def produce(
        self, address: str, topic: str, records: Sequence[Record], *, codec: str = "none", acks: Any = "all"
    ) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(
            bootstrap_servers=address,
            acks=acks,
            enable_idempotence=acks == "all",
            compression_type=None if codec == "none" else codec,
            linger_ms=20,
        )
        try:
            _send(producer, topic, records)
        finally:
            producer.close()

    def consume(self, address: str, topic: str, count: int, *, committed: bool = True) -> list[Record]:
        from kafka import TopicPartition

        level = "read_committed" if committed else "read_uncommitted"
        with _consumer(address, isolation_level=level) as consumer:
            place = TopicPartition(topic, 0)
            consumer.assign([place])
            consumer.seek(place, 0)
            found: list[Record] = []
            end = time.monotonic() + TIMEOUT_S
            while len(found) < count and time.monotonic() < end:
                found += _polled(consumer, 500)
        return found[:count]

    def offset_at(self, address: str, topic: str, timestamp: int) -> int:
        from kafka import TopicPartition

        with _consumer(address) as consumer:
            place = TopicPartition(topic, 0)
            found = consumer.offsets_for_times({place: timestamp})[place]
        return -1 if found is None else int(found.offset)

    def transaction(self, address: str, transactional_id: str) -> Transaction:
        return _Transaction(address, transactional_id)

    def join(self, address: str, group: str, topic: str, *, instance: str | None = None, assignor: str) -> Member:
        return _Member(address, group, topic, instance, assignor)

    def committed(self, address: str, group: str, topic: str) -> int:
        from kafka import TopicPartition

        with _consumer(address, group_id=group) as consumer:
            found = consumer.committed(TopicPartition(topic, 0))
        return -1 if found is None else int(found)

    def create_topic(self, address: str, topic: str, partitions: int, configs: Mapping[str, str]) -> None:
        from kafka.admin import NewTopic

        with _admin(address) as admin:
            admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=dict(configs))])

    def delete_topic(self, address: str, topic: str) -> None:
        with _admin(address) as admin:
            admin.delete_topics([topic])

    def grow_topic(self, address: str, topic: str, partitions: int) -> None:
        from kafka.admin import NewPartitions

        with _admin(address) as admin:
            admin.create_partitions({topic: NewPartitions(partitions)})

    def topics(self, address: str) -> dict[str, int]:
        with _admin(address) as admin:
            return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}

    def config(self, address: str, topic: str, name: str) -> str:
        from kafka.admin import ConfigResource, ConfigResourceType

        with _admin(address) as admin:
            found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        return _config_value(found, name)

    def ends(self, address: str, topic: str) -> tuple[int, int]:
        from kafka import TopicPartition

        place = TopicPartition(topic, 0)
        with _consumer(address) as consumer:
            return consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]


class _Transaction:
    def __init__(self, address: str, transactional_id: str) -> None:
        from kafka import KafkaProducer

        self._producer = KafkaProducer(bootstrap_servers=address, transactional_id=transactional_id)
        with _refusals():
            self._producer.init_transactions()

    def begin(self) -> None:
        with _refusals():
            self._producer.begin_transaction()

    def produce(self, topic: str, records: Sequence[Record]) -> None:
        _send(self._producer, topic, records)

    def send_offsets(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        from kafka import TopicPartition
        from kafka.structs import OffsetAndMetadata

        places = {TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        with _refusals():
            self._producer.send_offsets_to_transaction(places, group)

    def commit(self) -> None:
        with _refusals():
            self._producer.commit_transaction()

    def abort(self) -> None:
        with _refusals():
            self._producer.abort_transaction()

    def close(self) -> None:
        self._producer.close()


class _Member:
    """Polled for long enough to join, and not before it knows the topic.

    kafka-python (3.0) loses a join that ends between two of its polls: it sends another, which from a leader is a new
    generation. On Apache Kafka, too, a member that is polled for 1 ms at a time never gets its partitions. And one that
    joins a second time because it has heard of the topic meanwhile takes that join for done before it is, and waits for
    ever.
    """

    def __init__(self, address: str, group: str, topic: str, instance: str | None, assignor: str) -> None:
        from kafka import KafkaConsumer
        from kafka.coordinator.assignors.range import RangePartitionAssignor
        from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

        assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}
        self._consumer = KafkaConsumer(
            topic,
            bootstrap_servers=address,
            group_id=group,
            group_instance_id=instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=200,
            metadata_max_age_ms=1_000,
            partition_assignment_strategy=[assignors[assignor]],
        )
        self._consumer.partitions_for_topic(topic)

    def poll(self, seconds: float) -> list[Record]:
        return _polled(self._consumer, int(max(seconds, JOIN_S) * 1_000))

    def assignment(self) -> set[int]:
        return {place.partition for place in self._consumer.assignment()}

    def commit(self) -> None:
        with _refusals():
            self._consumer.commit()

    def close(self) -> None:
        self._consumer.close()


@contextlib.contextmanager
def _consumer(address: str, **options: Any) -> Iterator[Any]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(bootstrap_servers=address, enable_auto_commit=False, **options)
    try:
        yield consumer
    finally:
        consumer.close()


@contextlib.contextmanager
def _admin(address: str) -> Iterator[Any]:
    from kafka.admin import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        with _refusals():
            yield admin
    finally:
        admin.close()


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    from kafka.errors import KafkaError

    try:
        yield
    except KafkaError as error:
        raise Refused(getattr(error, "errno", -1), str(error)) from error


def _send(producer: Any, topic: str, records: Sequence[Record]) -> None:
    with _refusals():
        futures = [
            producer.send(
                topic,
                record.value,
                record.key,
                headers=list(record.headers),
                partition=record.partition,
                timestamp_ms=record.timestamp,
            )
            for record in records
        ]
        producer.flush(TIMEOUT_S)
        for future in futures:
            future.get(TIMEOUT_S)


def _polled(consumer: Any, timeout_ms: int) -> list[Record]:
    return [
        Record(message.key, message.value, tuple(message.headers), message.timestamp, message.partition)
        for messages in consumer.poll(timeout_ms).values()
        for message in messages
    ]


def _config_value(found: Any, name: str) -> str:
    """Wherever this version of the library puts it."""
    if isinstance(found, Mapping):
        if name in found:
            value = found[name]
            return str(value["value"] if isinstance(value, Mapping) else value)
        for inner in found.values():
            with contextlib.suppress(KeyError):
                return _config_value(inner, name)
    elif isinstance(found, Sequence) and not isinstance(found, str):
        for inner in found:
            if isinstance(inner, Mapping) and inner.get("name") == name:
                return str(inner["value"])
            with contextlib.suppress(KeyError):
                return _config_value(inner, name)
    raise KeyError(name)
