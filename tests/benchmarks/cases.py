"""Which benchmarks there are, with their variants, and how their figures are told.

Works run in processes of their own (``measure``), repeated and interleaved with the yardstick; parts of the system are
measured in this process (``parts``).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks import client, log_reads, messages, parts, scale, wire

Row = dict[str, Any]

EOS = {"guarantee": "exactly_once"}
ALO = {"guarantee": "at_least_once", "commit_interval_ms": 1_000}

VARIANTS: dict[str, dict[str, Any]] = {
    "exactly once, fdatasync": {"settings": EOS},
    "exactly once, no fdatasync": {"settings": {**EOS, "durability": "none"}},
    "at least once, fdatasync": {"settings": ALO},
    "exactly once, combiners": {"settings": {**EOS, "combiners": True}, "only": ("w2",)},
    "exactly once, cache off": {"settings": EOS, "cache": False, "only": ("w2", "w3", "w4")},
    "exactly once, interpreted": {"settings": EOS, "interpreted": True},
}
ROWS = {
    "w1": 2_000_000, "w2": 300_000, "w3": 1_500_000, "w3-2k": 1_500_000, "w3-decoded": 1_000_000, "w3-1m": 1_000_000,
    "w4": 600_000, "w5": 500_000,
}  # fmt: skip
SHORT_ROWS = {**dict.fromkeys(ROWS, 100_000), "w2": 20_000, "w4": 50_000}
TARGETS = {
    "w1": "0.20 Y",
    "w2": "0.12 Y per word",
    "w3": "0.10 Y",
    "w3-2k": "0.12 Y",
    "w3-decoded": "(as the peers do it)",
    "w3-1m": "(memory)",
    "w4": "20 us",
    "w5": "7 us (3 x Kafka Streams)",
}
REPETITIONS = int(os.environ.get("BENCHMARK_REPETITIONS", "5"))


def run_work(work: str, short: bool, directory: str | None) -> Iterator[Row]:
    """One row per variant, the median of the repetitions; variants take turns."""
    names = [name for name, variant in VARIANTS.items() if work in variant.get("only", (work,))]
    if short:
        names = [name for name in names if name == names[0] or "combiners" in name]
    runs: dict[str, list[Row]] = {name: [] for name in names}
    for _ in range(1 if short else REPETITIONS):
        for name in names:
            slow = "interpreted" in name or "cache off" in name
            rows = (SHORT_ROWS if short else ROWS)[work] // (4 if slow else 1)
            runs[name].append(_measure(work, {**VARIANTS[name], "rows": rows, "directory": directory}))
    for name, results in runs.items():
        median = {key: statistics.median(run[key] for run in results) for key in results[0] if key != "work"}
        text = (
            f"{median['y']:.3f} Y, {median['cpu_us_per_row']:.2f} us CPU per row, {median['rows_per_s']:,.0f} rows/s, "
            f"yardstick {median['yardstick_us']:.2f} us, peak {median['peak_rss_mib']:.0f} MiB"
        )
        yield {"case": work, "variant": name, "text": text, "target": TARGETS[work], **median, "runs": len(results)}


MEMORY: dict[str, tuple[str, dict[str, Any]]] = {
    "2 k keys": ("w3-2k", {"settings": EOS}),
    "1 M keys": ("w3-1m", {"settings": EOS}),
    "1 M keys, all kept": ("w3-1m-kept", {"settings": EOS}),
    "1 M keys, cache off": ("w3-1m", {"settings": EOS, "cache": False}),
    "1 M keys, state in memory": ("w3-1m", {"settings": {**EOS, "state_backend": "memory"}}),
}


def memory(short: bool, directory: str | None) -> Iterator[Row]:
    """What a worker with its embedded log needs at most while it counts per window: W3 with few keys and with many."""
    for name, (work, options) in MEMORY.items():
        rows = (SHORT_ROWS if short else ROWS)["w3-1m"]
        result = _measure(work, {**options, "rows": rows, "directory": directory})
        grown = result["peak_rss_mib"] - result["loaded_rss_mib"]
        text = (
            f"peak {result['peak_rss_mib']:.0f} MiB, {grown:.0f} above the {result['loaded_rss_mib']:.0f} before, "
            f"{rows:,} rows, {result['cpu_us_per_row']:.2f} us CPU per row, yardstick {result['yardstick_us']:.2f} us"
        )
        yield {"case": "memory", "variant": name, "text": text, "target": "(memory)", **result}


def _measure(work: str, options: dict[str, Any]) -> Row:
    environment = dict(os.environ)
    if options.pop("interpreted", False):
        environment["STREAMS_COMPILED"] = "0"
    output = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.measure", work, json.dumps(options)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if output.returncode:
        raise SystemExit(f"benchmark {work} failed:\n{output.stderr}")
    result: Row = json.loads(output.stdout.splitlines()[-1])
    return result


CASES: dict[str, Callable[[bool, str | None], Iterator[Row]]] = {
    "w1": lambda short, directory: run_work("w1", short, directory),
    "w2": lambda short, directory: run_work("w2", short, directory),
    "w3": lambda short, directory: run_work("w3", short, directory),
    "w3-2k": lambda short, directory: run_work("w3-2k", short, directory),
    "w3-decoded": lambda short, directory: run_work("w3-decoded", short, directory),
    "w3-1m": lambda short, directory: run_work("w3-1m", short, directory),
    "w4": lambda short, directory: run_work("w4", short, directory),
    "w5": lambda short, directory: run_work("w5", short, directory),
    "memory": memory,
    "codec": parts.codec,
    "messages": messages.messages,
    "log": parts.log,
    "commit": parts.commit,
    "restore": parts.restore,
    "start": parts.start,
    "scale": scale.scale,
    "log-reads": log_reads.log_reads,
    "preallocation": log_reads.preallocation,
    "syncs": log_reads.syncs,
    "wire": wire.wire,
    "client": client.client,
}


def run_case(name: str, *, short: bool, directory: str | None) -> Iterator[Row]:
    return CASES[name](short, directory)
