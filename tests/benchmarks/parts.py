"""Parts of the system by themselves: the codec, the log, a commit, a restore, a start.

Times are CPU where nothing waits, wall clock where the disk is the point (commit, start). Each figure stands beside the
yardstick of the same minute.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from broker_core.config import LogConfig
from broker_core.log.partition_log import PartitionLog
from broker_core.model import Isolation, TopicPartition
from broker_core.os_filesystem import OsFilesystem
from broker_core.ports import NullObserver
from broker_core.protocol.batch import build_batch, decode_batch, read_header
from tests.benchmarks.yardstick import Yardstick

Row = dict[str, Any]
NOW_MS = 1_700_000_000_000
WORD_COUNT_SCRIPT = Path(__file__).parent / "start_app.py"


def row(case: str, variant: str, text: str, target: str = "", **figures: float) -> Row:
    return {"case": case, "variant": variant, "text": text, "target": target, **figures}


def best(action: Callable[[], Any], repetitions: int = 5) -> float:
    """CPU seconds of the fastest repetition."""
    times = []
    for _ in range(repetitions):
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return min(times)


def repeat(action: Callable[[], Any], times: int) -> None:
    """Results are dropped at once: keeping them would measure the allocator."""
    for _ in range(times):
        action()


def codec(short: bool, _directory: str | None) -> Iterator[Row]:
    """Record batches of 100 records of 100 bytes, compiled or as ``STREAMS_COMPILED`` says."""
    count, rounds = 100, 200 if short else 2_000
    keys: list[bytes | None] = [b"key-%04d" % index for index in range(count)]
    values: list[bytes | None] = [b"v" * 92] * count
    timestamps = [NOW_MS + index for index in range(count)]
    batch = build_batch(keys, values, timestamps, None)
    header = read_header(batch)
    encode_s = best(lambda: repeat(lambda: build_batch(keys, values, timestamps, None), rounds))
    decode_s = best(lambda: repeat(lambda: decode_batch(batch, 0, header), rounds))
    yardstick = 1e6 / Yardstick(50_000).rate()
    for name, seconds in (("encode", encode_s), ("decode", decode_s)):
        micros = seconds / rounds / count * 1e6
        yield row("codec", name, f"{micros:.3f} us per record, yardstick {yardstick:.2f} us", "0.04 / 0.05 us",
                  us_per_record=micros, yardstick_us=yardstick)  # fmt: skip


def log(short: bool, directory: str | None) -> Iterator[Row]:
    """Appends of 64 KiB batches without sync, and reads of 1 MiB."""
    rounds = 200 if short else 3_000
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        opened = PartitionLog.open(
            OsFilesystem(root), "bench-0", TopicPartition("bench", 0), LogConfig(), NOW_MS, NullObserver(),
            clean=True, recovery_point=0,
        )  # fmt: skip
        batch = build_batch([b"k"] * 64, [b"v" * 1_000] * 64, [NOW_MS] * 64, None)
        append_s = best(lambda: [opened.append(batch, NOW_MS) for _ in range(rounds)], 1)
        opened.mark_synced(opened.end_offset)
        read_bytes = 0

        def read_all() -> None:
            nonlocal read_bytes
            offset, read_bytes = 0, 0
            while offset < opened.high_watermark:
                found = opened.read(offset, 1024 * 1024, Isolation.READ_COMMITTED)
                read_bytes += len(found.records)
                offset += 64 * (len(found.records) // len(batch))

        read_s = best(read_all, 3)
        opened.close(NOW_MS)
    yield row("log", "append 64 KiB", f"{append_s / rounds * 1e6:.0f} us", "67 us with CRC", us=append_s / rounds * 1e6)
    mebibytes = read_bytes / 2**20
    yield row("log", "read 1 MiB", f"{read_s / mebibytes * 1e6:.0f} us", "188 us", us=read_s / mebibytes * 1e6)


def commit(short: bool, directory: str | None) -> Iterator[Row]:
    """Wall time of exactly-once commits with 100 dirty keys and fdatasync."""
    from tests.benchmarks.commit_app import commit_times

    times = commit_times(20 if short else 300, directory)
    p50, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    text = f"p50 {p50:.1f} ms, p95 {p95:.1f} ms over {len(times)} commits"
    yield row("commit", "100 dirty keys", text, "p50 < 10 ms", p50_ms=p50, p95_ms=p95)


def restore(short: bool, directory: str | None) -> Iterator[Row]:
    """A key-value store from its changelog, through broker and client."""
    from tests.benchmarks.restore_app import restore_seconds

    keys = 50_000 if short else 1_000_000
    wall, cpu = restore_seconds(keys, directory)
    text = f"{wall / keys * 1e6:.2f} s per million keys ({cpu / keys * 1e6:.2f} CPU)"
    yield row("restore", f"{keys:,} keys", text, "4 s", seconds_per_million=wall / keys * 1e6)


def start(short: bool, directory: str | None) -> Iterator[Row]:
    """Wall time from starting the process to the first committed output, empty state; byte code is there already, as
    after an installation."""
    times = []
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = f"{root}/byte-code"
        for number in range(3 if short else 8):
            began = time.time()
            done = subprocess.run(
                [sys.executable, str(WORD_COUNT_SCRIPT), f"{root}/{number}"],
                capture_output=True, text=True, check=True, env=environment,
            )  # fmt: skip
            times.append(float(done.stdout.split()[-1]) - began)
    p50 = statistics.median(times[1:])
    yield row("start", "to first output", f"median {p50:.2f} s of {len(times) - 1}", "1 s", seconds=p50)
