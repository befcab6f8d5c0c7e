"""The log and the disk: cold starts, reads from the end, cold reads, both at once; syncs side by side; preallocation.

Wall clock, for the disk is the point; "cold" means that the page cache was asked to drop the files. What a preallocated
file saves, and what several syncs at a time do, is said in docs/performance.md.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from broker_core.config import LogConfig
from broker_core.log.partition_log import PartitionLog
from broker_core.model import Isolation, TopicPartition
from broker_core.os_filesystem import OsFilesystem
from broker_core.ports import NullObserver
from broker_core.protocol.batch import build_batch, iterate_batches
from tests.benchmarks.parts import row
from tests.benchmarks.yardstick import Yardstick

Row = dict[str, Any]
NOW_MS = 1_700_000_000_000
CONFIG = LogConfig(segment_bytes=64 << 20)
BATCH = build_batch([b"k"] * 64, [b"v" * 1_000] * 64, [NOW_MS] * 64)
PREALLOCATED_BYTES = 128 << 20
FILES = 8


def forget(directory: str) -> None:
    """Let the page cache drop what it holds of the files below."""
    for path in Path(directory).rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def opened(root: str, end: int) -> PartitionLog:
    return PartitionLog.open(
        OsFilesystem(root), "bench-0", TopicPartition("bench", 0), CONFIG, NOW_MS, NullObserver(),
        clean=end > 0, recovery_point=end,
    )  # fmt: skip


def read_on(log: PartitionLog, offset: int, stop: int) -> Iterator[int]:
    """Bytes of each read of up to 1 MiB."""
    while offset < stop:
        records = log.read(offset, 1 << 20, Isolation.READ_COMMITTED).records
        yield len(records)
        *_, (_, last) = iterate_batches(records)
        offset = last.next_offset


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"p50 {statistics.median(ordered) * 1e3:.2f} ms, p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.2f} ms"


def log_reads(short: bool, directory: str | None) -> Iterator[Row]:
    size = (64 if short else 1024) << 20
    yardstick = 1e6 / Yardstick(50_000).rate()
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        log = opened(root, 0)
        while log.size_bytes < size:
            log.append(BATCH, NOW_MS)
        log.mark_synced(log.end_offset)
        log.close(NOW_MS)
        end = log.end_offset
        forget(root)
        began = time.perf_counter()
        log = opened(root, end)
        seconds = time.perf_counter() - began
        text = f"{seconds * 1e3:.1f} ms to open {size >> 20} MiB, yardstick {yardstick:.2f} us"
        yield row("log-reads", "cold start", text, ms=seconds * 1e3)
        for variant in ("cold read", "warm read"):
            cpu, began = time.process_time(), time.perf_counter()
            total = sum(read_on(log, 0, end)) / 2**20
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            text = f"{total / seconds:,.0f} MiB/s, {cpu / total * 1e6:.0f} us CPU per MiB"
            yield row("log-reads", variant, text, mib_s=total / seconds)
        yield row("log-reads", "tail read", _tail(log, 200 if short else 2_000))
        forget(root)
        yield row("log-reads", "mixed", _mixed(log, end))
        log.close(NOW_MS)


def _tail(log: PartitionLog, rounds: int) -> str:
    """64 KiB are appended, and read by one who waits for them."""
    times = []
    for _ in range(rounds):
        offset = log.append(BATCH, NOW_MS).base_offset
        log.mark_synced(log.end_offset)
        began = time.perf_counter()
        log.read(offset, 1 << 20, Isolation.READ_COMMITTED)
        times.append(time.perf_counter() - began)
    return f"64 KiB: {quantiles(times)}"


def _mixed(log: PartitionLog, end: int) -> str:
    """One reader of history that no cache holds, and after each of its reads a synced append and a tail read."""
    appends, tails, read_s, total = [], [], 0.0, 0
    reads = read_on(log, 0, end)
    while True:
        began = time.perf_counter()
        size = next(reads, 0)
        if not size:
            break
        total, read_s = total + size, read_s + time.perf_counter() - began
        began = time.perf_counter()
        offset = log.append(BATCH, NOW_MS).base_offset
        pending = log.pending_sync()
        assert pending is not None
        for file in pending.files:
            file.sync()
        log.mark_synced(pending.end_offset)
        appends.append(time.perf_counter() - began)
        began = time.perf_counter()
        log.read(offset, 1 << 20, Isolation.READ_COMMITTED)
        tails.append(time.perf_counter() - began)
    return (
        f"history {total / 2**20 / read_s:,.0f} MiB/s; append and fdatasync {quantiles(appends)}; "
        f"tail {quantiles(tails)}"
    )


def preallocation(short: bool, directory: str | None) -> Iterator[Row]:
    """64 KiB appended and synced, in a file that grows, in one whose space is reserved, and in one that was written."""
    rounds = 50 if short else 300
    data = random.Random(1).randbytes(64 << 10)
    for variant in ("grows", "fallocate", "written over"):
        with tempfile.NamedTemporaryFile(prefix="streams-bench-", dir=directory) as file:
            descriptor = file.fileno()
            if variant == "written over":
                for start in range(0, rounds * len(data), 1 << 20):
                    os.pwrite(descriptor, bytes(1 << 20), start)
            elif variant != "grows":
                os.posix_fallocate(descriptor, 0, PREALLOCATED_BYTES)
            os.fsync(descriptor)
            times = []
            for index in range(rounds):
                began = time.perf_counter()
                os.pwrite(descriptor, data, index * len(data))
                os.fdatasync(descriptor)
                times.append(time.perf_counter() - began)
        yield row("preallocation", variant, f"append and fdatasync of 64 KiB: {quantiles(times)}")


def syncs(short: bool, directory: str | None) -> Iterator[Row]:
    """A wave of dirty files, one after the other and side by side."""
    rounds = 20 if short else 100
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        files = [os.open(f"{root}/{index}", os.O_RDWR | os.O_CREAT) for index in range(FILES)]
        for threads in (1, 2, 4, 8):
            with ThreadPoolExecutor(threads) as pool:
                times = []
                for index in range(rounds):
                    for descriptor in files:
                        os.pwrite(descriptor, BATCH, index * len(BATCH))
                    began = time.perf_counter()
                    list(pool.map(os.fdatasync, files))
                    times.append(time.perf_counter() - began)
            yield row("syncs", f"{FILES} files, {threads} threads", quantiles(times))
        for descriptor in files:
            os.close(descriptor)
