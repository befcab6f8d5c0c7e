"""One measurement in a process of its own: load a log, run the work over it, count all its CPU time.

``python -m tests.benchmarks.measure WORK '{"rows": ..., ...}'`` prints one JSON object. One pinned core, broker and all
threads included; the input is on the log before the clock starts.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks.works import WORKS, Work
from tests.benchmarks.yardstick import Yardstick

ROWS_PER_BATCH = 500


def measure(work: Work, options: dict[str, Any]) -> dict[str, Any]:
    """Run once; options: ``rows``, ``settings`` of the application, ``cache``."""
    pin()
    yardstick = Yardstick()
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=options.get("directory")) as directory:
        app = work.build(Path(directory), options.get("settings", {}))
        load(app, work, options["rows"])
        before = yardstick.rate()
        from streams.runtime.run import run_app

        loaded_mib = resident_mib()
        cpu, wall = time.process_time(), time.perf_counter()
        metrics = run_app(app, until_end=True, quiet=True, cache=options.get("cache", True), own_process=True)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # the check below needs memory of its own
        after = yardstick.rate()
        check(app, work, options["rows"])
    units = options["rows"] * work.units_per_row
    rate = max(before, after)
    return {
        "work": work.name,
        "rows": options["rows"],
        "cpu_s": cpu,
        "wall_s": wall,
        "cpu_us_per_row": cpu / options["rows"] * 1e6,
        "rows_per_s": options["rows"] / wall,
        "y": units / cpu / rate,
        "yardstick_us": 1e6 / rate,
        "commits": metrics.commits,
        "loaded_rss_mib": loaded_mib,
        "peak_rss_mib": peak_mib,
    }


def load(app: Any, work: Work, rows: int) -> None:
    """Write the input in batches as a producer with some load would."""
    from streams.client.admin import NewTopic
    from streams.runtime.access import caller, send_records
    from streams.runtime.activity import wait

    config = app.config({"durability": "none"})
    inputs = [(work.topic, work.rows(rows))]
    if work.table is not None:
        inputs.insert(0, (work.table[0], work.table[1]()))
    with caller(config, None) as call:
        if work.table is not None:
            compacted = NewTopic(partitions=config.partitions, configs={"cleanup.policy": "compact"})
            call(lambda client: wait(client.admin.create_topics({inputs[0][0]: compacted})))
        for topic, source in inputs:
            for chunk in chunks(source):
                records = [(key, value, timestamp, ()) for key, value, timestamp in chunk]
                call(lambda client, topic=topic, chunk=records: send_records(client, config, topic, chunk))


def chunks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(rows, 4 * ROWS_PER_BATCH)):
        yield chunk


def check(app: Any, work: Work, rows: int) -> None:
    """A wrong answer has no speed."""
    if work.name == "w1":
        from tests.benchmarks.inputs import MIN_PRICE

        expected = [json.loads(value)["price"] for _, value, _ in work.rows(rows)]
        wanted = [price * 908 // 1000 for price in expected if price > MIN_PRICE]
        got = [record.value.euros for record in app.read("converted")]
        assert (len(got), sum(got)) == (len(wanted), sum(wanted)), "W1 gave a wrong answer"
        return
    if work.name == "w5":
        categories = {key: json.loads(value)["category"] for key, value, _ in work.table[1]()} if work.table else {}
        wanted = [json.loads(value)["price"] * categories[key] for key, value, _ in work.rows(rows)]
        got = [record.value.price * record.value.category for record in app.read("sold")]
        assert (len(got), sum(got)) == (len(wanted), sum(wanted)), "W5 gave a wrong answer"
        return
    if work.name in ("w3", "w4"):
        check_windows(app, work, rows)
        return
    counts: dict[str, int] = {}
    for _, value, _ in work.rows(rows):
        for word in value.decode().split():
            counts[word] = counts.get(word, 0) + 1
    got_counts = {record.key: record.value for record in app.read("word-counts")}
    assert got_counts == counts, "W2 gave a wrong answer"


def check_windows(app: Any, work: Work, rows: int) -> None:
    """The last value of each auction and window."""
    counts: dict[tuple[bytes, int], int] = {}
    for key, _, timestamp in work.rows(rows):
        first = timestamp // 2_000 * 2_000 - 8_000 if work.name == "w4" else timestamp // 10_000 * 10_000
        for start in range(first, timestamp + 1, 2_000 if work.name == "w4" else 10_000):
            counts[key, start] = counts.get((key, start), 0) + 1
    got: dict[tuple[bytes, int], int] = {}
    for record in app.read("bids-per-auction"):
        got[record.key.key, record.key.start] = record.value if isinstance(record.value, int) else record.value.count
    assert got == counts, f"{work.name} gave a wrong answer"


def resident_mib() -> float:
    """What the process holds in memory now; 0 where the platform does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 1024 / 1024


def pin() -> None:
    """To one core, where the platform can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    print(json.dumps(measure(WORKS[sys.argv[1]], json.loads(sys.argv[2]))))
