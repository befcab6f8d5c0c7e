"""What history costs: starts, memory and appends of a broker over many partitions and segments, and over 10 GiB.

``python -m tests.benchmarks scale`` simulates the metadata: a thousand partitions with up to 100 000 sealed segments,
of which only names, sizes and seals exist. ``python -m tests.benchmarks.scale DIRECTORY [GiB]`` writes a real log,
of 10 GiB if nothing else is said.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from broker_core.broker import Broker
from broker_core.catalog import Catalog
from broker_core.config import BrokerConfig, Durability, LogConfig
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS
from broker_core.log.checkpoint import write_partition_metadata
from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.format import LOG_SUFFIX, SEAL_SUFFIX, SIDE_SUFFIXES, file_name, parse_file_name
from broker_core.log.producer_state import ProducerStates
from broker_core.log.seal import Seal, encode_seal
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation, TopicPartition
from broker_core.os_filesystem import OsFilesystem
from broker_core.ports import NullObserver
from broker_core.protocol.batch import build_batch
from broker_core.recovery_points import RecoveryPoints
from tests.benchmarks.yardstick import Yardstick

Row = dict[str, Any]
PARTITIONS = 1_000
SEGMENTS = (1_000, 10_000, 100_000)
RECORDS_PER_SEGMENT = 1_000
SEGMENT_BYTES = 1 << 20
NOW_MS = 1_700_000_000_000
APPENDS = 2_000
BATCH = build_batch([b"k"] * 10, [b"v" * 90] * 10, [NOW_MS] * 10)
MEBIBYTE_BATCH = build_batch([b"k"] * 64, [b"v" * 16_300] * 64, [NOW_MS] * 64)


class SparseFilesystem(MemoryFilesystem):
    """Every partition's directory also holds ``phantoms`` sealed segments that are names, sizes and seals only."""

    def __init__(self, phantoms: int) -> None:
        super().__init__()
        self.phantoms = phantoms

    def list_directory(self, path: str) -> list[str]:
        names = super().list_directory(path)
        if not path.startswith("logs/"):
            return names
        bases = range(0, self.phantoms * RECORDS_PER_SEGMENT, RECORDS_PER_SEGMENT)
        return sorted([*names, *(file_name(base, suffix) for base in bases for suffix in (LOG_SUFFIX, *SIDE_SUFFIXES))])

    def size_of(self, path: str) -> int:
        return super().size_of(path) if super().exists(path) else SEGMENT_BYTES

    def read_file(self, path: str) -> bytes:
        parsed = parse_file_name(path.rpartition("/")[2])
        if parsed is None or parsed[1] != SEAL_SUFFIX or super().exists(path):
            return super().read_file(path)
        return encode_seal(_seal(parsed[0]))


def _seal(base: int) -> Seal:
    return Seal(
        size_bytes=SEGMENT_BYTES, next_offset=base + RECORDS_PER_SEGMENT, first_timestamp=NOW_MS, max_timestamp=NOW_MS,
        max_timestamp_offset=base, places_crc=0, index_crc=0, time_index_crc=0, transaction_index_crc=0,
        epochs_before_crc=0, epochs_crc=0,
    )  # fmt: skip


def sparse(segments: int) -> SparseFilesystem:
    """A data directory that was closed cleanly, as far as an open can see."""
    filesystem = SparseFilesystem(segments // PARTITIONS)
    catalog = Catalog(filesystem, random.Random(1))
    catalog.load()
    (topic,) = catalog.add({"many": (PARTITIONS, {"retention.ms": "-1"})})
    filesystem.replace_file("format-version", b"1\n")
    filesystem.replace_file("clean-shutdown", b"")
    base = filesystem.phantoms * RECORDS_PER_SEGMENT
    ends = {}
    for index in range(PARTITIONS):
        partition = TopicPartition("many", index)
        directory = LogDirectory(
            filesystem=filesystem, path=f"logs/{partition}", topic_partition=partition, config=LogConfig()
        )
        filesystem.make_directory(directory.path)
        active = directory.segment(base)
        active.create()
        epochs = LeaderEpochs([(1, 0)])
        epochs.changed = True
        directory.seal(active, epochs)
        directory.write_epochs(epochs)
        directory.write_snapshot(base, ProducerStates())
        write_partition_metadata(filesystem, directory.path, topic.id)
        active.close()
        ends[partition] = base
    points = RecoveryPoints(filesystem, NullObserver())
    points.write(ends, dict.fromkeys(ends, 0), {})
    return filesystem


def measure_sparse(segments: int) -> Row:
    """One process: open, append, tend all logs once."""
    filesystem = sparse(segments)
    yardstick = Yardstick(50_000)
    rate = yardstick.rate()
    before = resident_bytes()
    began = time.perf_counter()
    broker = Broker(
        BrokerConfig(min_free_bytes=0, durability=Durability.NONE), filesystem, random.Random(1), NullObserver()
    )
    broker.open(NOW_MS)
    start_s = time.perf_counter() - began
    grown = resident_bytes() - before
    partitions = broker._partitions
    generator = random.Random(2)
    appends = []
    for _ in range(APPENDS):
        log = partitions.logs[TopicPartition("many", generator.randrange(PARTITIONS))]
        began = time.perf_counter()
        partitions.append(log, BATCH, NOW_MS)
        appends.append(time.perf_counter() - began)
    steps = []
    now_ms = NOW_MS + CHECK_INTERVAL_MS
    for _ in range(PARTITIONS // 16):
        began = time.perf_counter()
        broker.tick(now_ms)
        steps.append(time.perf_counter() - began)
        now_ms += STEP_PAUSE_MS
    return {
        "start_s": start_s, "memory_mib": grown / 2**20, "append_us": statistics.median(appends) * 1e6,
        "step_ms": max(steps) * 1e3, "yardstick_us": 1e6 / max(rate, yardstick.rate()),
    }  # fmt: skip


def resident_bytes() -> int:
    """Of this process, now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def scale(short: bool, _directory: str | None) -> Iterator[Row]:
    """Each number of segments in a process of its own."""
    for segments in SEGMENTS[: 2 if short else 3]:
        found = _process("sparse", str(segments))
        text = (
            f"start {found['start_s']:.2f} s, memory {found['memory_mib']:.0f} MiB, "
            f"append {found['append_us']:.0f} us, longest step of housekeeping {found['step_ms']:.1f} ms, "
            f"yardstick {found['yardstick_us']:.2f} us"
        )
        yield {"case": "scale", "variant": f"{PARTITIONS:,} partitions, {segments:,} segments", "text": text,
               "target": "0.1 ms and 2 KiB per segment", **found}  # fmt: skip


def _process(*arguments: str) -> Row:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scale", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


# -- a real log


def fill(directory: str, size_bytes: int) -> Row:
    """Appends of 1 MiB until the log is so large; the medians of the first and the last gibibyte."""
    broker = _opened(directory)
    broker._topics.create("big", 1, {"retention.ms": "-1"}, NOW_MS)
    log = broker._partitions.find(TopicPartition("big", 0))
    times = []
    while log.size_bytes < size_bytes:
        began = time.perf_counter()
        broker._partitions.append(log, MEBIBYTE_BATCH, NOW_MS)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    broker.close(NOW_MS)
    first, last = statistics.median(times[:1024]), statistics.median(times[-1024:])
    return {
        "first_us": first * 1e6,
        "last_us": last * 1e6,
        "total_s": sum(times),
        "close_s": time.perf_counter() - began,
    }


def reopen(directory: str) -> Row:
    """A start, its memory, and a read from the middle of what no cache holds."""
    _forget(Path(directory))
    before, began = resident_bytes(), time.perf_counter()
    broker = _opened(directory)
    found = {"start_ms": (time.perf_counter() - began) * 1e3, "memory_mib": (resident_bytes() - before) / 2**20}
    log = broker._partitions.find(TopicPartition("big", 0))
    began = time.perf_counter()
    log.read(log.end_offset // 2, 1 << 20, Isolation.READ_COMMITTED)
    found["first_cold_read_ms"] = (time.perf_counter() - began) * 1e3
    broker.close(NOW_MS)
    return found


def killed(directory: str) -> Row:
    """The same start without the mark of a clean close: the last segment is scanned."""
    (Path(directory) / "clean-shutdown").unlink()
    return reopen(directory)


def _opened(directory: str) -> Broker:
    config = BrokerConfig(min_free_bytes=0, durability=Durability.NONE)
    broker = Broker(config, OsFilesystem(directory), random.Random(1), NullObserver())
    broker.open(NOW_MS)
    return broker


def _forget(directory: Path) -> None:
    """Let the page cache drop what it holds of these files."""
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def real(directory: str, gibibytes: float) -> None:
    """The whole run, each part in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        print(f"yardstick {1e6 / Yardstick(50_000).rate():.2f} us")
        print("written", _process("fill", root, str(int(gibibytes * 2**30))))
        print("start after a clean close", _process("reopen", root))
        print("start after kill -9", _process("killed", root))


PARTS: dict[str, Callable[..., Row]] = {
    "fill": lambda root, size: fill(root, int(size)),
    "reopen": reopen,
    "killed": killed,
    "sparse": lambda segments: measure_sparse(int(segments)),
}

if __name__ == "__main__":
    if sys.argv[1] in PARTS:
        print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
    else:
        real(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
