"""The log as a server beside Apache Kafka: the same client, the same records, the same machine, taking turns.

``python -m tests.benchmarks wire``: librdkafka produces and consumes records of 100 B and 1 KiB on 1 and 6 partitions
with ``acks=all``, and one record at a time; the processor time of the broker's process is read from ``/proc`` (Linux).
Kafka acknowledges before it syncs; ours is measured synced and unsynced, so that like stands beside like. Where Kafka's
script is not found its rows are left out, and the output says so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.interop.kafka_tools import find_script

Row = dict[str, Any]

SIZES: Final = (100, 1024)
PARTITIONS: Final = (1, 6)
RECORDS: Final = {100: 1_000_000, 1024: 300_000}
LATENCY_RECORDS: Final = 1_000
IDLE_CONNECTIONS: Final = 1_000
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A running broker."""

    name: str
    address: str
    pid: int
    start_s: float

    @property
    def cpu_s(self) -> float:
        """Processor seconds of the process so far, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    @property
    def resident_mib(self) -> float:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES / 2**20


@contextlib.contextmanager
def ours(name: str, *settings: str) -> Iterator[Contender]:
    """A ``python -m broker_core`` of its own."""
    with tempfile.TemporaryDirectory(prefix="streams-wire-") as directory:
        command = [sys.executable, "-m", "broker_core", "--listen", "127.0.0.1:0", "--data-dir", directory]
        begun = time.perf_counter()
        process = subprocess.Popen(
            [*command, *(part for setting in settings for part in ("--set", setting))],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = line.split()[-1].removeprefix("PLAINTEXT://")
            wait_until_answers(address)
            yield Contender(name=name, address=address, pid=process.pid, start_s=time.perf_counter() - begun)
        finally:
            process.terminate()
            process.wait(30)


@contextlib.contextmanager
def apache_kafka(script: Path) -> Iterator[Contender]:
    """A broker of Apache Kafka's, started by the script."""
    with tempfile.TemporaryDirectory(prefix="streams-wire-") as directory:
        place = ("--dir", f"{directory}/kafka")
        begun = time.perf_counter()
        started = subprocess.run(
            [script, "start", "--port", "0", *place], capture_output=True, text=True, check=True, timeout=180
        )
        taken_s = time.perf_counter() - begun
        try:
            pid = int(next(Path(directory).glob("kafka/broker-*/pid")).read_text())
            yield Contender(name="Apache Kafka", address=started.stdout.split()[-1], pid=pid, start_s=taken_s)
        finally:
            subprocess.run([script, "wipe", *place], capture_output=True, check=False, timeout=60)


def wait_until_answers(address: str) -> None:
    """Until a client gets the cluster's description."""
    from confluent_kafka.admin import AdminClient

    AdminClient({"bootstrap.servers": address}).list_topics(timeout=30)


def wire(short: bool, directory: str | None) -> Iterator[Row]:
    """All rows; contenders take turns within each."""
    repetitions = 1 if short else int(os.environ.get("BENCHMARK_REPETITIONS", "3"))
    try:
        script = find_script()
    except FileNotFoundError:
        script = None
    with contextlib.ExitStack() as stack:
        contenders = [
            stack.enter_context(ours("synced")),
            stack.enter_context(ours("unsynced", "durability=none")),
        ]
        if script is not None and not short:
            contenders.append(stack.enter_context(apache_kafka(script)))
        else:
            print("wire: without Apache Kafka", file=sys.stderr)
        for contender in contenders:
            text = f"ready after {contender.start_s:.2f} s, {contender.resident_mib:.0f} MiB"
            yield row("start", contender, text, seconds=contender.start_s, mib=contender.resident_mib)
        for size in SIZES:
            records = RECORDS[size] // (20 if short else 1)
            for partitions in PARTITIONS:
                yield from throughput(contenders, size, partitions, records, repetitions)
        for contender in contenders:
            yield latency(contender, LATENCY_RECORDS // (20 if short else 1))
        for contender in contenders:
            yield idle(contender, IDLE_CONNECTIONS // (20 if short else 1))


def throughput(
    contenders: list[Contender], size: int, partitions: int, records: int, repetitions: int
) -> Iterator[Row]:
    """Produce and fetch, the median of the repetitions; contenders take turns."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for repetition in range(repetitions):
        for contender in contenders:
            topic = f"bytes-{size}-{partitions}-{repetition}"
            create(contender.address, topic, partitions)
            for what, run in (("produce", produce), ("consume", consume)):
                done = timed(contender, lambda run=run: run(contender.address, topic, size, records))  # type: ignore[misc]
                found.setdefault((what, contender.name), []).append(done)
    by_name = {contender.name: contender for contender in contenders}
    for (what, name), runs in found.items():
        wall, broker_cpu, client_cpu = (statistics.median(run[place] for run in runs) for place in range(3))
        text = (
            f"{records / wall:,.0f} records/s, broker {broker_cpu / records * 1e6:.2f} s CPU per million, "
            f"client {client_cpu / records * 1e6:.2f}"
        )
        yield row(
            f"{what} {size} B, {partitions} partition{'s' * (partitions > 1)}",
            by_name[name],
            text,
            records_per_s=records / wall,
            broker_cpu_s_per_million=broker_cpu / records * 1e6,
            client_cpu_s_per_million=client_cpu / records * 1e6,
        )


def timed(contender: Contender, run: Callable[[], None]) -> tuple[float, float, float]:
    """Wall time, the broker's processor time, and the client's (this process), in seconds."""
    broker, client, wall = contender.cpu_s, time.process_time(), time.perf_counter()
    run()
    return time.perf_counter() - wall, contender.cpu_s - broker, time.process_time() - client


def create(address: str, topic: str, partitions: int) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


def produce(address: str, topic: str, size: int, records: int) -> None:
    """``acks=all``, batches as librdkafka makes them with a linger of 5 ms, of at most 64 KiB."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": address,
            "acks": "all",
            "linger.ms": 5,
            "batch.size": 65_536,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_048_576,
        }
    )
    value = os.urandom(size)
    for number in range(records):
        while True:
            try:
                producer.produce(topic, value, partition=-1)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0, "not everything was acknowledged"


def consume(address: str, topic: str, size: int, records: int) -> None:
    """All of it, by a consumer without a group."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "wire", "enable.auto.commit": False, "fetch.queue.backoff.ms": 10}
    )
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    left = records
    while left:
        for message in consumer.consume(min(left, 10_000), 10):
            assert message.error() is None, message.error()
            assert len(message.value()) == size
            left -= 1
    consumer.close()


def latency(contender: Contender, records: int) -> Row:
    """One record at a time: until its acknowledgement, and until a consumer that waits for it has it."""
    from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

    topic = "one-at-a-time"
    create(contender.address, topic, 1)
    producer = Producer({"bootstrap.servers": contender.address, "acks": "all", "linger.ms": 0})
    consumer = Consumer(
        {"bootstrap.servers": contender.address, "group.id": "latency", "fetch.wait.max.ms": 500, "fetch.min.bytes": 1}
    )
    consumer.assign([TopicPartition(topic, 0, OFFSET_END)])
    producer.produce(topic, b"warm", partition=0)
    producer.flush(30)
    while consumer.poll(0.1) is None:  # from the end on: whichever of these it sees first
        producer.produce(topic, b"warm", partition=0)
        producer.flush(30)
    while consumer.poll(0.2) is not None:
        pass
    acknowledged, received = [], []
    for _ in range(records):
        begun = time.perf_counter()
        producer.produce(topic, b"x" * 100, partition=0)
        producer.flush(30)
        acknowledged.append(time.perf_counter() - begun)
        message = consumer.poll(10)
        assert message is not None and message.error() is None
        received.append(time.perf_counter() - begun)
    consumer.close()
    figures = {
        f"{what}_{name}_ms": statistics.quantiles(times, n=100)[place] * 1e3
        for what, times in (("acknowledged", acknowledged), ("received", received))
        for name, place in (("p50", 49), ("p99", 98))
    }
    text = (
        f"acknowledged p50 {figures['acknowledged_p50_ms']:.2f} ms, p99 {figures['acknowledged_p99_ms']:.2f}; "
        f"received p50 {figures['received_p50_ms']:.2f} ms, p99 {figures['received_p99_ms']:.2f}"
    )
    return row("one record at a time", contender, text, **figures)


def idle(contender: Contender, connections: int) -> Row:
    """What connections cost that do nothing: memory, and processor time over a second."""
    host, _, port = contender.address.rpartition(":")
    before = contender.resident_mib
    with contextlib.ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(socket.create_connection((host, int(port)), 10))
        wait_until_answers(contender.address)
        cpu = contender.cpu_s
        time.sleep(1)
        cpu = contender.cpu_s - cpu
        grown = contender.resident_mib - before
    text = f"{grown:.0f} MiB more ({contender.resident_mib:.0f} in all), {cpu:.2f} s CPU in a second"
    return row(f"{connections} idle connections", contender, text, mib=grown, cpu_s=cpu)


TARGETS: Final = {
    "produce 1024 B": "4 s CPU per million",
    "consume 1024 B": "1 s CPU per million",
    "produce 100 B": "0.9 s CPU per million",
    "consume 100 B": "0.2 s CPU per million",
    "one record": "0.8 / 1.2 ms unsynced",
}
"""Of performance.md's rows "wire", for the broker."""


def row(what: str, contender: Contender, text: str, **figures: float) -> Row:
    target = next((target for begin, target in TARGETS.items() if what.startswith(begin)), "")
    return {"case": "wire", "variant": f"{what}: {contender.name}", "text": text, "target": target, **figures}
