"""How long requests wait for housekeeping: ``python -m tests.benchmarks.housekeeping [DIRECTORY]``.

Creates 100 partitions, fills a compacted log, and times every step of its compaction on a real disk.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time

from broker_core.broker import SyncResult
from broker_core.config import BrokerConfig
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS
from broker_core.model import TopicPartition
from broker_core.os_filesystem import OsFilesystem
from broker_core.protocol.batch import build_batch
from tests.unit.broker_core.broker_kit import Kit

RECORDS = 600_000
KEYS = 100_000
BATCH = 500


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"p50 {p50 * 1e3:.1f}, p99 {p99 * 1e3:.1f}, longest {ordered[-1] * 1e3:.1f} ms"


def fill(kit: Kit) -> None:
    """A log of small records, each key some six times."""
    partitions, generator = kit.broker._partitions, random.Random(1)
    log = partitions.find(TopicPartition("table", 0))
    while log.end_offset < RECORDS:
        keys: list[bytes | None] = [b"key-%d" % generator.randrange(KEYS) for _ in range(BATCH)]
        partitions.append(log, build_batch(keys, [b"v" * 100] * BATCH, [kit.now_ms] * BATCH), kit.now_ms)
    kit.sync_all()


def main(directory: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as path:
        kit = Kit(filesystem=OsFilesystem(path), config=BrokerConfig(min_free_bytes=0)).open()
        begun = time.perf_counter()
        kit.create("many", partitions=100)
        print(f"100 partitions created in {(time.perf_counter() - begun) * 1e3:.0f} ms")
        kit.create("table", cleanup_policy="compact", segment_bytes=str(16 << 20))
        fill(kit)
        steps: list[float] = []
        syncs: list[float] = []
        cpu = time.process_time()
        kit.now_ms += CHECK_INTERVAL_MS
        while not kit.events.named("log.compacted"):
            begun = time.perf_counter()
            kit.broker.tick(kit.now_ms)
            steps.append(time.perf_counter() - begun)
            kit.now_ms += STEP_PAUSE_MS
            wave = kit.broker.pending_syncs()
            begun = time.perf_counter()
            for pending in wave:
                for file in pending.files:
                    file.sync()
            if wave:
                syncs.append(time.perf_counter() - begun)
                kit.broker.synced(SyncResult(done=wave), kit.now_ms)
        cpu = time.process_time() - cpu
        freed = kit.events.named("log.compacted")[0]["freed_bytes"]
        print(f"compaction of {RECORDS:,} records to {KEYS:,} keys: {freed:,} bytes freed, {cpu:.2f} s CPU")
        print(
            f"{len(steps)} steps on the broker's thread: {cpu / len(steps) * 1e3:.1f} ms CPU each, {quantiles(steps)}"
        )
        print(f"{len(syncs)} syncs beside it, in the waves: {quantiles(syncs)}")
        kit.broker.close(kit.now_ms)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
