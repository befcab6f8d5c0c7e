"""Unmodified consumers in groups on our broker: rebalances, static members, mixed clients, what Kafka's tools see."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.interop.kafka_tools import complaints, dump_log, kafka_script
from tests.unit.broker_core.broker_process import BrokerProcess

TOPIC = "work"
PARTITIONS = 6
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    directory: Path = tmp_path_factory.mktemp("groups")
    settings = (f"num.partitions={PARTITIONS}", "min.free.bytes=0", "group.initial.rebalance.delay.ms=0")
    with BrokerProcess(directory, *settings) as started:
        producer = pytest.importorskip("confluent_kafka").Producer({"bootstrap.servers": started.address})
        for index in range(PARTITIONS):
            producer.produce(TOPIC, f"value {index}".encode(), partition=index)
        assert producer.flush(20) == 0
        yield started


class Librdkafka:
    """A consumer of confluent-kafka, polled by the test."""

    def __init__(self, broker: BrokerProcess, group: str, **settings: Any) -> None:
        confluent_kafka = pytest.importorskip("confluent_kafka")
        self.consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": broker.address,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 300,
                "partition.assignment.strategy": "range",
                **{name.replace("_", "."): value for name, value in settings.items()},
            }
        )
        self.values: list[bytes] = []
        self.assignments = 0
        self.consumer.subscribe([TOPIC], on_assign=self._assigned)

    def _assigned(self, consumer: Any, partitions: Any) -> None:
        self.assignments += 1

    def poll(self) -> None:
        message = self.consumer.poll(0.05)
        if message is not None and message.error() is None:
            self.values.append(message.value())

    def partitions(self) -> set[int]:
        return {each.partition for each in self.consumer.assignment()}

    def commit(self) -> None:
        self.consumer.commit(asynchronous=False)

    def close(self) -> None:
        self.consumer.close()


class KafkaPython:
    """A consumer of kafka-python, polled by the test; ``clients.kafka_python`` says why for so long at a time."""

    def __init__(self, broker: BrokerProcess, group: str, **settings: Any) -> None:
        kafka = pytest.importorskip("kafka")
        self.consumer = kafka.KafkaConsumer(
            TOPIC,
            bootstrap_servers=broker.address,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=300,
            **settings,
        )
        self.consumer.partitions_for_topic(TOPIC)
        self.values: list[bytes] = []

    def poll(self) -> None:
        for records in self.consumer.poll(timeout_ms=1_000).values():
            self.values += [record.value for record in records]

    def partitions(self) -> set[int]:
        return {each.partition for each in self.consumer.assignment()}

    def commit(self) -> None:
        self.consumer.commit()

    def close(self) -> None:
        self.consumer.close()


Member = Librdkafka | KafkaPython


def until(condition: Callable[[], bool], *members: Member) -> None:
    """Poll everybody until it is so."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, [member.partitions() for member in members]
        for member in members:
            member.poll()


def is_shared(*members: Member) -> Callable[[], bool]:
    def check() -> bool:
        shares = [member.partitions() for member in members]
        return all(shares) and sorted(each for share in shares for each in share) == list(range(PARTITIONS))

    return check


@pytest.mark.parametrize(("first", "second"), [
    (Librdkafka, Librdkafka), (Librdkafka, KafkaPython), (KafkaPython, Librdkafka), (KafkaPython, KafkaPython)
])  # fmt: skip
def test_two_consumers_share_and_one_takes_over(
    broker: BrokerProcess, first: type[Member], second: type[Member]
) -> None:
    group = f"{first.__name__}-{second.__name__}"
    left = first(broker, group)
    until(is_shared(left), left)
    until(lambda: len(left.values) == PARTITIONS, left)
    left.commit()
    right = second(broker, group)
    until(is_shared(left, right), left, right)
    left.close()
    until(is_shared(right), right)
    right.poll()
    assert right.values == [], "what was committed is not read again"
    right.close()


def test_cooperative_members_keep_what_they_have(broker: BrokerProcess) -> None:
    sticky = {"partition_assignment_strategy": "cooperative-sticky"}
    left = Librdkafka(broker, "cooperative", **sticky)
    until(is_shared(left), left)
    right = Librdkafka(broker, "cooperative", **sticky)
    until(is_shared(left, right), left, right)
    assert len(left.partitions()) == len(right.partitions()) == PARTITIONS // 2
    right.close()
    until(is_shared(left), left)
    left.close()


@pytest.mark.parametrize("kind", [Librdkafka, KafkaPython])
def test_a_static_member_bounces_without_a_rebalance(broker: BrokerProcess, kind: type[Member]) -> None:
    """The other one is there first and so leads: kafka-python joins twice, which from a leader is a rebalance."""
    group = f"static-{kind.__name__}"
    name = "group_instance_id"
    right = Librdkafka(broker, group, **{name: "r"})
    until(is_shared(right), right)
    left = kind(broker, group, **{name: "l"})
    until(is_shared(left, right), left, right)
    assignments, share = right.assignments, left.partitions()
    left.close()
    again = kind(broker, group, **{name: "l"})
    until(is_shared(again, right), again, right)
    assert again.partitions() == share
    assert right.assignments == assignments, "the other did not notice"
    again.close()
    right.close()


def test_members_are_there_after_a_restart_of_the_broker(tmp_path: Path) -> None:
    settings = (f"num.partitions={PARTITIONS}", "min.free.bytes=0", "group.initial.rebalance.delay.ms=0")
    with BrokerProcess(tmp_path, *settings) as started:
        admin = pytest.importorskip("confluent_kafka.admin")
        client = admin.AdminClient({"bootstrap.servers": started.address})
        client.create_topics([admin.NewTopic(TOPIC, PARTITIONS)])[TOPIC].result(20)
        member = Librdkafka(started, "restarted")
        until(is_shared(member), member)
        member_id = member.consumer.memberid()
        started.kill()
        started.start()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            member.poll()
        assert (member.consumer.memberid(), member.assignments) == (member_id, 1)
        member.close()


def test_kafka_reads_what_is_stored_of_a_group(tmp_path: Path) -> None:
    kafka_script()
    settings = (f"num.partitions={PARTITIONS}", "min.free.bytes=0", "group.initial.rebalance.delay.ms=0")
    with BrokerProcess(tmp_path, *settings) as started:
        admin = pytest.importorskip("confluent_kafka.admin")
        client = admin.AdminClient({"bootstrap.servers": started.address})
        client.create_topics([admin.NewTopic(TOPIC, PARTITIONS)])[TOPIC].result(20)
        member = Librdkafka(started, "dumped", group_instance_id="one")
        until(is_shared(member), member)
        member_id = member.consumer.memberid()
        member.close()
        started.terminate()
    files = sorted((tmp_path / "logs" / "__consumer_offsets-0").glob("*.log"))
    found = dump_log(files, "--offsets-decoder")
    assert complaints(found) == []
    (stored,) = [line for line in found.splitlines() if member_id in line]
    for piece in ("dumped", "consumer", "range", "one", f"{TOPIC}"):
        assert piece in stored, stored


def test_kafkas_tools_show_the_members(broker: BrokerProcess) -> None:
    script = str(kafka_script())
    left, right = Librdkafka(broker, "shown"), KafkaPython(broker, "shown", client_id="snake")
    until(is_shared(left, right), left, right)
    stop = threading.Event()

    def keep_alive() -> None:
        while not stop.is_set():
            with suppress(Exception):
                left.poll()
                right.poll()

    polling = threading.Thread(target=keep_alive)
    polling.start()
    try:

        def tool(*options: str) -> str:
            command = [script, "consumer-groups", "--bootstrap-server", broker.address, *options]
            return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

        members = tool("--describe", "--group", "shown", "--members", "--verbose")
        state = tool("--describe", "--group", "shown", "--state")
        listed = tool("--list", "--state")
    finally:
        stop.set()
        polling.join()
        left.close()
        right.close()
    assert "snake" in members and "rdkafka" in members and "/127.0.0.1" in members
    assert f"{TOPIC}(0,1,2)" in members.replace(" ", "") or f"{TOPIC}:0,1,2" in members, members
    assert "Stable" in state and "range" in state
    assert any(line.split() == ["shown", "Stable"] for line in listed.splitlines()), listed
