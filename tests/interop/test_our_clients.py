"""Our clients in company: on our server and on Apache Kafka, in one group with confluent-kafka and kafka-python."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from streams.client import Admin, AsyncConsumer, AsyncProducer, Consumer, Producer, ProducerFenced, TopicPartition
from tests.interop.brokers import Broker

PARTITIONS = 6
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def address(cluster: Broker) -> str:
    return cluster.address


@pytest.fixture
def topic(address: str, request: pytest.FixtureRequest) -> str:
    """A topic of the test's own, with a record per partition."""
    name = f"{request.node.originalname}-{abs(hash(request.node.name)) % 10_000}".replace("test_", "")[:60]
    with Admin(broker=address) as admin:
        admin.create_topic(name, partitions=PARTITIONS)
    with Producer(broker=address) as producer:
        for partition in range(PARTITIONS):
            producer.send(name, value=b"%d" % partition, partition=partition)
    return name


def until(condition: Callable[[], bool], turn: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "not in time"
        turn()


class Ours:
    """Our consumer, polled by the test."""

    def __init__(self, address: str, topic: str, group: str, **arguments: Any) -> None:
        self.consumer = Consumer(
            topic, group=group, broker=address, auto_offset_reset="earliest", heartbeat_interval="300ms",
            session_timeout="6s", **arguments,
        )  # fmt: skip
        self.values: list[bytes] = []

    def turn(self) -> None:
        self.values += [record.value for record in self.consumer.poll("100ms")]

    @property
    def partitions(self) -> set[int]:
        return {place.partition for place in self.consumer.assignment}

    def close(self) -> None:
        self.consumer.close()


class Librdkafka:
    """confluent-kafka's."""

    def __init__(self, address: str, topic: str, group: str, strategy: str, **settings: Any) -> None:
        from confluent_kafka import Consumer as Theirs

        self.consumer = Theirs(
            {
                "bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest",
                "session.timeout.ms": 6_000, "heartbeat.interval.ms": 300,
                "partition.assignment.strategy": strategy, **settings,
            }
        )  # fmt: skip
        self.consumer.subscribe([topic])
        self.values: list[bytes] = []

    def turn(self) -> None:
        message = self.consumer.poll(0.05)
        if message is not None and message.error() is None:
            self.values.append(message.value())

    @property
    def partitions(self) -> set[int]:
        return {place.partition for place in self.consumer.assignment()}

    def close(self) -> None:
        self.consumer.close()


class KafkaPython:
    """kafka-python's, polled by a thread of its own, for its polls may block through a rebalance."""

    def __init__(self, address: str, topic: str, group: str, strategy: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from kafka import KafkaConsumer
            from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
            from kafka.coordinator.assignors.range import RangePartitionAssignor
            from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
        assignor = {
            "range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor,
            "cooperative-sticky": CooperativeStickyAssignor,
        }[strategy]  # fmt: skip
        self.consumer = KafkaConsumer(
            topic, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", session_timeout_ms=6_000,
            heartbeat_interval_ms=300, partition_assignment_strategy=[assignor],
        )  # fmt: skip
        self.values: list[bytes] = []
        self._stops = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def _poll(self) -> None:
        while not self._stops.is_set():
            for records in self.consumer.poll(timeout_ms=100).values():
                self.values += [record.value for record in records]

    def turn(self) -> None: ...

    @property
    def partitions(self) -> set[int]:
        with suppress(Exception):  # asked while a rebalance goes on
            return {place.partition for place in self.consumer.assignment()}
        return set()

    def close(self) -> None:
        self._stops.set()
        self._thread.join()
        self.consumer.close()


@pytest.fixture
def company() -> Iterator[list[Any]]:
    """Consumers to be closed at the end, whatever happened."""
    members: list[Any] = []
    yield members
    for member in reversed(members):
        member.close()


def shared(members: list[Any]) -> bool:
    owned = [member.partitions for member in members]
    return sum(map(len, owned)) == PARTITIONS and set().union(*owned) == set(range(PARTITIONS)) and all(owned)


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
@pytest.mark.parametrize("leader", ["ours", "theirs"])
def test_a_group_with_confluent_kafka(address: str, topic: str, company: list[Any], strategy: str, leader: str) -> None:
    """Whoever joined first makes the plan, and the other reads it."""
    group = f"{strategy}-{leader}"
    makers: list[Callable[[], Any]] = [
        lambda: Ours(address, topic, group, assignors=[strategy]), lambda: Librdkafka(address, topic, group, strategy)
    ]  # fmt: skip
    for make in makers if leader == "ours" else reversed(makers):
        company.append(make())
        until(lambda: shared(company), lambda: [member.turn() for member in company])
    with Producer(broker=address) as producer:
        for partition in range(PARTITIONS):
            producer.send(topic, value=b"later", partition=partition)
    until(
        lambda: sum(member.values.count(b"later") for member in company) >= PARTITIONS,
        lambda: [member.turn() for member in company],
    )
    assert all(b"later" in member.values for member in company)
    company.pop().close()
    until(lambda: shared(company), lambda: [member.turn() for member in company])


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_a_group_of_three_kinds(address: str, topic: str, company: list[Any], strategy: str) -> None:
    group = f"three-{strategy}"
    company.append(Ours(address, topic, group, assignors=[strategy]))
    until(lambda: shared(company), lambda: [member.turn() for member in company])
    company.append(Librdkafka(address, topic, group, strategy))
    company.append(KafkaPython(address, topic, group, strategy))
    until(lambda: shared(company), lambda: [member.turn() for member in company])


def test_offsets_go_from_one_kind_to_the_other(address: str, topic: str, company: list[Any]) -> None:
    ours = Ours(address, topic, "relay")
    until(lambda: len(ours.values) == PARTITIONS, ours.turn)
    ours.close()
    theirs = Librdkafka(address, topic, "relay", "range")
    company.append(theirs)
    with Producer(broker=address) as producer:
        producer.send(topic, value=b"new", partition=3)
    until(lambda: b"new" in theirs.values, theirs.turn)
    assert theirs.values == [b"new"]


def test_a_static_member_of_ours_comes_back_to_its_partitions(address: str, topic: str, company: list[Any]) -> None:
    company.append(Librdkafka(address, topic, "static", "range", **{"group.instance.id": "them"}))
    ours = Ours(address, topic, "static", assignors=["range"], instance_id="us")
    until(lambda: shared([*company, ours]), lambda: [member.turn() for member in (*company, ours)])
    had, generation = ours.partitions, ours.consumer.group_identity.generation
    ours.close()
    again = Ours(address, topic, "static", assignors=["range"], instance_id="us")
    company.append(again)
    until(lambda: again.partitions == had, lambda: [member.turn() for member in company])
    assert again.consumer.group_identity.generation == generation


def test_transactions_are_seen_by_others_as_by_us(address: str, topic: str, company: list[Any]) -> None:
    with Producer(broker=address, transactional_id=f"tx-{topic}") as producer:
        with producer.transaction():
            producer.send(topic, value=b"committed", partition=0)
        with pytest.raises(ZeroDivisionError), producer.transaction():
            producer.send(topic, value=b"aborted", partition=0)
            producer.flush()
            1 / 0
        with producer.transaction():
            producer.send(topic, value=b"last", partition=0)
    theirs = Librdkafka(address, topic, "committed", "range", **{"isolation.level": "read_committed"})
    ours = Ours(address, topic, "ours-committed")
    company += [theirs, ours]
    until(lambda: b"last" in theirs.values and b"last" in ours.values, lambda: [member.turn() for member in company])
    assert b"aborted" not in theirs.values + ours.values


def test_progress_of_a_member_is_committed_in_its_transaction(address: str, topic: str) -> None:
    with (
        Consumer(topic, group="eos", broker=address, auto_offset_reset="earliest", auto_commit=False) as consumer,
        Producer(broker=address, transactional_id=f"eos-{topic}") as producer,
    ):
        seen = 0
        while seen < PARTITIONS:
            records = consumer.poll("20s")
            assert records, "not in time"
            seen += len(records)
            with producer.transaction():
                producer.send_offsets(consumer)
    with Admin(broker=address) as admin:
        offsets = {place.partition: at.offset for place, at in admin.group_offsets("eos").items()}
    assert offsets == dict.fromkeys(range(PARTITIONS), 1)


def test_fencing(address: str, topic: str) -> None:
    old = Producer(broker=address, transactional_id=f"fence-{topic}")
    with pytest.raises(ProducerFenced), old.transaction():
        old.send(topic, value=b"zombie", partition=0)
        Producer(broker=address, transactional_id=f"fence-{topic}").close()
    with suppress(Exception):
        old.close()


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read_by_others(address: str, topic: str, company: list[Any], compression: str) -> None:
    with Producer(broker=address, compression=compression) as producer:
        producer.send_batch(topic, values=[b"x" * 100 + b"%d" % n for n in range(200)], partition=1)
    theirs = Librdkafka(address, topic, f"codec-{compression}", "range")
    company.append(theirs)
    until(lambda: len(theirs.values) >= 200 + PARTITIONS, theirs.turn)
    assert b"x" * 100 + b"199" in theirs.values


def test_headers_tombstones_and_times(address: str, topic: str) -> None:
    with Producer(broker=address, key=str) as producer:
        delivery = producer.send(
            topic, key="k", value=None, headers={"a": b"1", "none": None}, timestamp=1_700_000_000_000, partition=2
        )
        metadata = delivery.result(30)
    with Consumer(broker=address, key=str) as consumer:
        consumer.assign([(topic, 2)])
        consumer.seek_to(1_700_000_000_000)
        consumer.seek((topic, 2), metadata.offset)
        (record,) = consumer.poll("20s")
    assert (record.key, record.value, record.timestamp) == ("k", None, 1_700_000_000_000)
    assert record.headers == (("a", b"1"), ("none", None))


def test_in_an_event_loop(address: str, topic: str) -> None:
    async def main() -> None:
        async with (
            AsyncProducer(broker=address) as producer,
            AsyncConsumer(topic, group="loop", broker=address, auto_offset_reset="earliest") as consumer,
        ):
            delivery = await producer.send(topic, value=b"async", partition=4)
            assert (await delivery).offset == 1
            values: list[bytes] = []
            async for record in consumer:
                values.append(record.value)
                if len(values) == PARTITIONS + 1:
                    break
            assert b"async" in values

    asyncio.run(asyncio.wait_for(main(), PATIENCE_S))


def test_the_admin_sees_what_is_there(address: str, topic: str) -> None:
    with Admin(broker=address) as admin:
        assert admin.describe_topics([topic])[topic].partitions == PARTITIONS
        ends = admin.list_offsets("end", [(topic, partition) for partition in range(PARTITIONS)])
        assert set(ends.values()) == {1}
        admin.set_group_offsets("moved", {TopicPartition(topic, 0): 1})
        assert admin.group_offsets("moved")[TopicPartition(topic, 0)].offset == 1
        admin.delete_groups(["moved"])
