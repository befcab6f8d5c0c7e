"""Java's clients against our broker: Kafka's console, verifiable and performance tools, and Kafka Streams itself.

Administration by Java's tools is ``test_admin_tools``.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.clients.base import Record
from tests.interop.clients.librdkafka import Librdkafka
from tests.interop.kafka_tools import kafka_script
from tests.unit.broker_core.broker_process import BrokerProcess

pytestmark = pytest.mark.interop
OTHER = Librdkafka()
PATIENCE_S = 90
JAVA_ASSIGNORS = "org.apache.kafka.clients.consumer"
LINES = [f"line {number} with some words" for number in range(500)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    kafka_script()
    directory: Path = tmp_path_factory.mktemp("java")
    settings = ("num.partitions=1", "min.free.bytes=0", "group.initial.rebalance.delay.ms=0")
    with BrokerProcess(directory, *settings) as started:
        yield started


def kafka(tool: str, *options: str | Path, text: str = "") -> str:
    """What the tool prints; it must end well."""
    command = [kafka_script(), tool, *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            printed, complaints = process.communicate(text, PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the script and the Java that it started
            raise
    assert process.returncode == 0, printed[-2_000:] + complaints[-2_000:]
    return printed


def server(broker: BrokerProcess) -> tuple[str, str]:
    return "--bootstrap-server", broker.address


class Verifiable:
    """A verifiable client under way, and the events it prints; ended with its whole process group."""

    def __init__(self, tool: str, *options: str) -> None:
        self._command = [str(kafka_script()), tool, *options]
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __enter__(self) -> Verifiable:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def new_events(self) -> list[dict[str, Any]]:
        """Those since the last call, without waiting."""
        return [json.loads(self._lines.get()) for _ in range(self._lines.qsize())]


def lines_of(broker: BrokerProcess, topic: str, count: int) -> list[str]:
    return [(record.value or b"").decode() for record in OTHER.consume(broker.address, topic, count)]


def test_the_console_producer_writes(broker: BrokerProcess, topic: str) -> None:
    """The producer of Kafka 4: idempotent, Produce 12 or 13's offer declined."""
    kafka("console-producer", *server(broker), "--topic", topic, text="\n".join(LINES) + "\n")
    assert lines_of(broker, topic, len(LINES)) == LINES


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_the_console_producer_compresses(broker: BrokerProcess, codec: str, topic: str) -> None:
    options = ("--topic", topic, "--compression-codec", codec)
    kafka("console-producer", *server(broker), *options, text="\n".join(LINES) + "\n")
    assert lines_of(broker, topic, len(LINES)) == LINES


def test_the_console_consumer_reads_keys_headers_and_tombstones(broker: BrokerProcess, topic: str) -> None:
    OTHER.produce(
        broker.address,
        topic,
        [Record(b"key", b"value", (("a", b"1"),)), Record(b"gone", None), Record(None, b"no key")],
    )
    options = ("--topic", topic, "--from-beginning", "--max-messages", "3")
    shown = ("print.key", "print.headers", "print.offset")
    properties = [part for name in shown for part in ("--formatter-property", f"{name}=true")]
    printed = kafka("console-consumer", *server(broker), *options, *properties)
    assert printed.splitlines() == [
        "Offset:0\ta:1\tkey\tvalue",
        "Offset:1\tNO_HEADERS\tgone\tnull",
        "Offset:2\tNO_HEADERS\tnull\tno key",
    ]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_the_console_consumer_unpacks(broker: BrokerProcess, codec: str, topic: str) -> None:
    OTHER.produce(broker.address, topic, [Record(None, line.encode()) for line in LINES], codec=codec)
    options = ("--topic", topic, "--from-beginning", "--max-messages", str(len(LINES)))
    assert kafka("console-consumer", *server(broker), *options).splitlines() == LINES


def test_a_group_goes_on_where_it_committed(broker: BrokerProcess, topic: str) -> None:
    OTHER.produce(broker.address, topic, [Record(None, line.encode()) for line in LINES])
    options = ("--topic", topic, "--group", f"group.{topic}", "--from-beginning", "--max-messages")
    assert kafka("console-consumer", *server(broker), *options, "200").splitlines() == LINES[:200]
    assert OTHER.committed(broker.address, f"group.{topic}", topic) == 200
    assert kafka("console-consumer", *server(broker), *options, "300").splitlines() == LINES[200:]


def test_the_verifiable_producer_and_consumer(broker: BrokerProcess, topic: str) -> None:
    OTHER.create_topic(broker.address, topic, 3, {})
    options = ("--topic", topic, "--max-messages", "2000")
    sent = [json.loads(line) for line in kafka("verifiable-producer", *server(broker), *options).splitlines()]
    assert sum(event["name"] == "producer_send_success" for event in sent) == 2_000
    assert not [event for event in sent if event["name"] == "producer_send_error"]
    read = kafka("verifiable-consumer", *server(broker), *options, "--group-id", f"group.{topic}")
    events = [json.loads(line) for line in read.splitlines()]
    assert sum(event["count"] for event in events if event["name"] == "records_consumed") == 2_000
    assert all(event["success"] for event in events if event["name"] == "offsets_committed")


@pytest.mark.parametrize("assignor", ["RangeAssignor", "CooperativeStickyAssignor"])
def test_a_java_consumer_shares_a_group_with_librdkafka(broker: BrokerProcess, assignor: str, topic: str) -> None:
    """Both get partitions; what is written then is read once."""
    OTHER.create_topic(broker.address, topic, 4, {})
    name = "range" if assignor == "RangeAssignor" else "cooperative-sticky"
    member = OTHER.join(broker.address, f"group.{topic}", topic, assignor=name)
    options = ("--topic", topic, "--group-id", f"group.{topic}", "--assignment-strategy")
    java_has: set[int] = set()
    consumed = 0
    with Verifiable("verifiable-consumer", *server(broker), *options, f"{JAVA_ASSIGNORS}.{assignor}") as java:
        end = time.monotonic() + PATIENCE_S
        is_shared = False
        while consumed < 200:
            assert time.monotonic() < end, f"Java has {java_has}, the other {member.assignment()}; {consumed} consumed"
            consumed += len(member.poll(0.1))
            for event in java.new_events():
                places = {place["partition"] for place in event.get("partitions", ()) if "partition" in place}
                if event["name"] == "partitions_assigned":
                    java_has |= places
                elif event["name"] == "partitions_revoked":
                    java_has -= places
                elif event["name"] == "records_consumed":
                    consumed += event["count"]
            if not is_shared and len(java_has) == len(member.assignment()) == 2:
                is_shared = True
                for partition in range(4):
                    OTHER.produce(broker.address, topic, [Record(None, b"x", partition=partition)] * 50)
        assert java_has | member.assignment() == {0, 1, 2, 3}
        assert consumed == 200
    member.close()


def test_the_performance_tools(broker: BrokerProcess, topic: str) -> None:
    OTHER.create_topic(broker.address, topic, 2, {})
    options = ("--num-records", "20000", "--record-size", "100", "--throughput", "-1")
    printed = kafka(
        "producer-perf",
        "--topic",
        topic,
        *options,
        "--command-property",
        f"bootstrap.servers={broker.address}",
        "acks=all",
    )
    assert "20000 records sent" in printed
    printed = kafka("consumer-perf", *server(broker), "--topic", topic, "--num-records", "20000")
    assert re.search(r", 20\d{3}, ", printed), printed


def test_kafka_streams_counts_words_exactly_once(broker: BrokerProcess, topic: str, tmp_path: Path) -> None:
    """Kafka Streams 4 with exactly_once_v2 on our broker: its topics, its group, its transactions (KIP-890)."""
    lines = [f"{'even' if number % 2 == 0 else 'odd'} and {number % 7}" for number in range(300)]
    for name in (topic, f"{topic}.counts"):
        OTHER.create_topic(broker.address, name, 1, {})
    OTHER.produce(broker.address, topic, [Record(None, line.encode()) for line in lines])
    words = [word for line in lines for word in line.split()]
    source = Path(__file__).parent / "java" / "WordCount.java"
    kafka("java", source, broker.address, topic, f"{topic}.counts", tmp_path / "state", str(len(words)))
    counts = {}
    for record in OTHER.consume(broker.address, f"{topic}.counts", len(words)):
        assert record.key is not None and record.value is not None
        word, count = record.key.decode(), int.from_bytes(record.value, "big")
        assert count == counts.get(word, 0) + 1
        counts[word] = count
    assert counts == {word: words.count(word) for word in set(words)}
    group = f"java-word-count-{topic}"
    assert OTHER.committed(broker.address, group, topic) == len(lines)
    internal = [name for name in OTHER.topics(broker.address) if name.startswith(group)]
    assert sorted(name.rpartition("-")[2] for name in internal) == ["changelog", "repartition"]
