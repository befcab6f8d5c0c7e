"""What the three durabilities cost and give: one table, measured on this machine.

    python -m tests.benchmarks.durability [DIRECTORY]

Rows: a producer that waits for each acknowledgement, one that has many batches under way, and commits of transactions.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from broker_core.config import BrokerConfig, Durability, LogConfig
from streams.client.admin import NewTopic
from streams.client.client import Client
from streams.client.settings import ClientSettings
from streams.runtime.connection import clock_ms
from streams.runtime.embedded import open_embedded

WAITS = 300
BATCHES = 400
RECORDS_PER_BATCH = 1_000
VALUE = b"x" * 100


def main() -> None:
    place = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"{'durability':<12}{'produce and wait, median':>28}{'99 %':>12}{'throughput':>18}{'transaction':>16}")
    for durability in Durability:
        with tempfile.TemporaryDirectory(dir=place) as directory:
            waits, rate, commit = measure(Path(directory), durability)
        median, slow = statistics.median(waits), sorted(waits)[int(len(waits) * 0.99)]
        print(f"{durability.value:<12}{median:>25.2f} ms{slow:>9.2f} ms{rate:>14,.0f} r/s{commit:>13.2f} ms")


def measure(directory: Path, durability: Durability) -> tuple[list[float], float, float]:
    """Milliseconds of each wait, records per second, and milliseconds of a transaction of one record, the median."""
    config = BrokerConfig(durability=durability, min_free_bytes=0, log=LogConfig(check_records=False))
    embedded = open_embedded(str(directory), config, clock_ms())
    settings = ClientSettings(batch_bytes=64 * 1024)
    client = Client(embedded.connect("bench"), client_id="bench", random=random.Random(1), settings=settings)
    client.complete(client.admin.create_topics({"t": NewTopic(partitions=4)}), clock_ms)
    producer = client.producer()

    def one() -> None:
        producer.append("t", 0, [None], [VALUE], [clock_ms()])
        client.complete(producer.flush(), clock_ms)

    waits = [timed(one) for _ in range(WAITS)]

    def many() -> None:
        for batch in range(BATCHES):
            rows = [VALUE] * RECORDS_PER_BATCH
            producer.append("t", batch % 4, [None] * len(rows), rows, [clock_ms()] * len(rows))
            client.poll(clock_ms())
        client.complete(producer.flush(), clock_ms)

    rate = BATCHES * RECORDS_PER_BATCH / timed(many) * 1_000
    transactional = client.producer(transactional_id="tx")
    client.complete(transactional.init_transactions(), clock_ms)

    def transaction() -> None:
        transactional.begin()
        transactional.append("t", 0, [None], [VALUE], [clock_ms()])
        client.complete(transactional.flush(), clock_ms)
        client.complete(transactional.commit(), clock_ms)

    commits = [timed(transaction) for _ in range(WAITS // 3)]
    embedded.close(clock_ms())
    return waits, rate, statistics.median(commits)


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1_000


if __name__ == "__main__":
    main()
