"""What our client library costs beside librdkafka's: processor seconds of the client's process per million records.

``python -m tests.benchmarks client``: 100 B records on one partition of our own server (unsynced, so that the client is
what is measured), produced and consumed in turns by confluent-kafka and by ``streams.client``, record by record and in
columns. All threads of this process count; the broker's process does not.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from typing import Final

from streams.client import Consumer, Producer
from tests.benchmarks import wire
from tests.benchmarks.wire import Contender, Row

SIZE: Final = 100
RECORDS: Final = 500_000
BATCH_RECORDS: Final = 5_000
Run = Callable[[str, str, int], None]
TARGETS: Final = {"produce": "1.0, goal 0.5 in batches", "consume": "0.5, goal 0.2 in batches"}


def client(short: bool, directory: str | None) -> Iterator[Row]:
    """One row per way, the median of the repetitions; ways take turns."""
    repetitions = 1 if short else int(os.environ.get("BENCHMARK_REPETITIONS", "3"))
    records = RECORDS // (20 if short else 1)
    producers: dict[str, Run] = {
        "confluent-kafka": lambda address, topic, count: wire.produce(address, topic, SIZE, count),
        "ours, send": send,
        "ours, send without types": send_bytes,
        "ours, send_batch": send_batch,
    }
    consumers: dict[str, Run] = {
        "confluent-kafka": lambda address, topic, count: wire.consume(address, topic, SIZE, count),
        "ours, records": records_one_by_one,
        "ours, poll": poll,
        "ours, poll_batches": poll_batches,
    }
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with wire.ours("unsynced", "durability=none") as broker:
        for repetition in range(repetitions):
            for place, (name, run) in enumerate(producers.items()):
                topic = f"client-{repetition}-{place}"
                wire.create(broker.address, topic, 1)
                found.setdefault(("produce", name), []).append(measured(broker, run, topic, records))
            for name, run in consumers.items():
                done = measured(broker, run, f"client-{repetition}-0", records)
                found.setdefault(("consume", name), []).append(done)
    for (what, name), runs in found.items():
        wall, cpu = (statistics.median(run[place] for run in runs) for place in range(2))
        text = f"{cpu / records * 1e6:.2f} s client CPU per million, {records / wall:,.0f} records/s"
        yield {
            "case": "client", "variant": f"{what}: {name}", "text": text, "target": TARGETS[what],
            "client_cpu_s_per_million": cpu / records * 1e6, "records_per_s": records / wall,
        }  # fmt: skip


def measured(broker: Contender, run: Run, topic: str, records: int) -> tuple[float, float]:
    wall, _, cpu = wire.timed(broker, lambda: run(broker.address, topic, records))
    return wall, cpu


def send(address: str, topic: str, records: int) -> None:
    value = os.urandom(SIZE)
    with Producer(broker=address, key=bytes, value=bytes) as producer:
        for _ in range(records):
            producer.send(topic, value=value)


def send_bytes(address: str, topic: str, records: int) -> None:
    value = os.urandom(SIZE)
    with Producer(broker=address) as producer:
        for _ in range(records):
            producer.send(topic, value=value)


def send_batch(address: str, topic: str, records: int) -> None:
    values = [os.urandom(SIZE)] * BATCH_RECORDS
    with Producer(broker=address, value=bytes) as producer:
        for _ in range(records // BATCH_RECORDS):
            producer.send_batch(topic, values=values)


def records_one_by_one(address: str, topic: str, records: int) -> None:
    left = records
    with beginning(address, topic) as consumer:
        for record in consumer:
            assert len(record.value) == SIZE
            left -= 1
            if not left:
                break


def poll(address: str, topic: str, records: int) -> None:
    left = records
    with beginning(address, topic) as consumer:
        while left:
            for record in consumer.poll(max_records=min(left, 10_000)):
                assert len(record.value) == SIZE
                left -= 1


def poll_batches(address: str, topic: str, records: int) -> None:
    left = records
    with beginning(address, topic) as consumer:
        while left > 0:
            for batch in consumer.poll_batches():
                for value in batch.values:
                    assert value is not None
                    assert len(value) == SIZE
                left -= len(batch.values)


def beginning(address: str, topic: str) -> Consumer:
    consumer = Consumer(broker=address, auto_offset_reset="earliest")
    consumer.assign([(topic, 0)])
    return consumer
