"""Real processes, real RocksDB, real disk: kill -9 again and again, and the numbers must add up.

    python -m tests.simulation.kill                 at least 100 kills, spread as the printed table says
    python -m tests.simulation.kill --kills 24      a short run, as in CI
    python -m tests.simulation.kill --app joins     the same with tables, joins and windows (``joins_app``)
    python -m tests.simulation.kill --broker h:9092 the first on a cluster; makes and deletes topics there

Every incarnation must make progress (a commit of its own, or a part of a restore). At the end the outputs, read
read_committed, and the stores must equal those of an undisturbed run: record by record per partition with the record
cache off, the last value per key and the stores with it on.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams import App
from streams.client.admin import NewTopic
from streams.client.client import Client
from streams.model import Headers
from streams.runtime.access import caller, send_records
from streams.runtime.activity import Activity, wait
from streams.topology.compile import TABLE_CONFIGS
from tests.simulation import joins_app
from tests.simulation.kill_app import BUILDS, COMMIT_STEPS

POINTS = (
    *(f"commit.{step}.{edge}" for step in COMMIT_STEPS for edge in ("before", "after")),
    "restore",
    "batch",
)
VOCABULARY = 3_000
JOINED_KEYS = 200
BATCH_LINES, BATCH_ROWS = 100, 25
"""A batch is fetched whole; small ones keep what an incarnation can do small."""
MAX_RESTART_P95_S = 3.0
MAX_MISSED_KILLS = 2
"""Lives that may end before their point; with more the run has not shown what it says."""
Raw = tuple[bytes | None, bytes | None, int, Headers]


@dataclass(kw_only=True)
class Report:
    """What happened, for the table."""

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(POINTS, 0))
    restarts_s: list[float] = field(default_factory=list)
    without_progress: list[str] = field(default_factory=list)
    incarnations: int = 0


def plans(
    count: int, draw: random.Random, base: dict[str, Any], points: Sequence[str] = POINTS
) -> Iterator[dict[str, Any]]:
    """Points in turn, each at its edge or some microseconds into the step."""
    for index in range(count):
        point = points[index % len(points)]
        plan: dict[str, Any] = {"point": point, "after_commits": draw.randint(1, 3), **base}
        if point == "restore":
            plan["batches"] = draw.randint(1, 3)
        elif point == "batch":
            plan["calls"] = draw.randint(1, 400)
        else:
            plan["delay_us"] = draw.choice((0, 0, 50, 200, 500, 1_000))
        yield plan


def fill(app: App, batches: Iterable[tuple[str, list[Raw]]]) -> None:
    """Write the input, batch by batch. On a cluster whatever a life before left is deleted, and the topics are made."""
    config = app.config()
    with caller(config, None) as call:
        if config.broker is not None:
            call(lambda client: remake_topics(client, app))
        for topic, rows in batches:
            configs = TABLE_CONFIGS if app.is_table(topic) else {}
            call(lambda client, to=topic, of=rows, how=configs: send_records(client, config, to, of, configs=how))


def remake_topics(client: Client, app: App) -> Activity[None]:
    """As if the application had never been there."""
    topology, admin, partitions = app.topology(), client.admin, app.config().partitions
    own = [*topology.external_topics, *topology.output_topics]
    found = yield from wait(admin.list_topics())
    internal = [topic.name for topic in topology.internal_topics]
    yield from wait(admin.delete_topics([name for name in (*own, *internal) if name in found]))
    groups = yield from wait(admin.list_groups())
    yield from wait(admin.delete_groups([group.group_id for group in groups if group.group_id == app.id]))
    yield from wait(admin.create_topics({name: NewTopic(partitions=partitions) for name in own}))
    while set(own) - set(found := (yield from wait(admin.describe_topics(own)))):
        pass  # some broker of a cluster has not heard of them yet


def this_hour_ms() -> int:
    """Where inputs begin: old records would be deleted while they wait, since a broker applies retention when it likes.

    Windows begin at the same distance from it in every run.
    """
    return time.time_ns() // 3_600_000_000_000 * 3_600_000


def words_input(count: int, partitions: int, base_ms: int) -> Iterator[tuple[str, list[Raw]]]:
    """Keyed lines, the same in every run. Some are out of order, and some of those late for some window.

    Arguments:
        base_ms: time of the first.
    """
    draw = random.Random(7)
    weights = [1.0 / (rank + 1) for rank in range(VOCABULARY)]
    rows: list[Raw] = []
    for index in range(count):
        text = " ".join(f"w{rank}" for rank in draw.choices(range(VOCABULARY), weights=weights, k=6))
        rows.append((f"k{index % 997}".encode(), text.encode(), base_ms + index - late_by(index), ()))
    for start in range(0, len(rows), BATCH_LINES):
        yield "lines", rows[start : start + BATCH_LINES]


def joins_input(count: int, partitions: int, base_ms: int) -> Iterator[tuple[str, list[Raw]]]:
    """The rows of ``joins_app``, topic by topic: their timestamps alone say in which order they count.

    Without keys only where there is one partition: such a record, and what is made of it, goes to any of several.
    """
    topics: dict[str, list[Raw]] = {}
    for row in joins_app.rows(count, keys=JOINED_KEYS, null_keys=partitions == 1, start_ms=base_ms):
        key, value = (None if text is None else text.encode() for text in (row.key, row.value))
        topics.setdefault(row.topic, []).append((key, value, row.timestamp, row.headers))
    for topic, rows in topics.items():
        for start in range(0, len(rows), BATCH_ROWS):
            yield topic, rows[start : start + BATCH_ROWS]


def late_by(index: int) -> int:
    """In milliseconds: every 11th line is out of order, every 17th late for all its windows or for some."""
    if index % 17 == 0:
        return 450 + index % 5 * 100
    return index % 90 if index % 11 == 0 else 0


def run(directory: Path, plan: dict[str, Any], report: Report | None = None) -> bool:
    """One incarnation; True if it reached the end of its input."""
    began = time.time()
    process = subprocess.run(
        [sys.executable, "-m", "tests.simulation.kill_app", str(directory), json.dumps(plan)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    events = [json.loads(line) for line in process.stdout.splitlines()]
    names = [event["event"] for event in events]
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"incarnation failed with status {process.returncode}:\n{process.stderr}")
    if report is not None:
        report.incarnations += 1
        for event in events:
            if event["event"] == "processing":
                report.restarts_s.append(event["since_exec"] - began)
            if event["event"] == "killing":
                report.kills[event["point"]] += 1
        restored = plan["point"] == "restore" and "killing" in names
        if not restored and "committed" not in names and "ended" not in names:
            report.without_progress.append(plan["point"])
    return process.returncode == 0


def words_outcome(app: App, *, cache: bool, partitions: int) -> dict[str, Any]:
    """What there is to compare: outputs as read_committed readers see them, and the store."""
    result: dict[str, Any] = {}
    for topic in ("shouted", "counts", "windows"):
        records = list(app.read(topic))
        if topic != "shouted" and cache:
            result[topic] = {record.key: record.value for record in records}
        else:
            found: dict[int, list[Any]] = {}
            for record in records:
                found.setdefault(record.partition, []).append((record.key, record.value, record.timestamp))
            result[topic] = found
    with app.query("counts") as store:
        result["store"] = dict(store.all())
    with app.query("windows") as store:
        rows = dict(store.all())
        newest = max(window.start for window in rows)
        # Older ones are gone with the commit that follows; the last kill may have been after the last commit.
        result["window store"] = {window: count for window, count in rows.items() if window.start > newest - 500}
    return result


def joins_outcome(app: App, *, cache: bool, partitions: int) -> dict[str, Any]:
    """The same of ``joins_app``."""

    def rows(name: str) -> dict[Any, Any]:
        with app.query(name) as store:
            return dict(store.all())

    return joins_app.outcome(app.read, rows, lambda key: int(key.start), cache=cache, partitions=partitions)


@dataclass(frozen=True, kw_only=True)
class Case:
    """An application's input and what there is to compare; ``kill_app`` has the application."""

    records_per_kill: int
    batches: Callable[[int, int, int], Iterable[tuple[str, list[Raw]]]]
    outcome: Callable[..., dict[str, Any]]


CASES = {
    "words": Case(records_per_kill=2_000, batches=words_input, outcome=words_outcome),
    "joins": Case(records_per_kill=1_000, batches=joins_input, outcome=joins_outcome),
}


def one_run(
    name: str, kills: int, seed: int, *, cache: bool, partitions: int, root: Path
) -> Report:  # fmt: skip
    """Undisturbed and killed, side by side; raises ``AssertionError`` with the first difference."""
    report = Report()
    case, build = CASES[name], BUILDS[name]
    calm, killed = root / f"calm-{cache}", root / f"killed-{cache}"
    count = max(3_000, kills * case.records_per_kill)
    fill(build(calm, partitions=partitions), case.batches(count, partitions, this_hour_ms()))
    shutil.copytree(calm, killed)
    base = {"app": name, "cache": cache, "partitions": partitions}
    assert run(calm, {"point": "none", **base}), "the undisturbed run did not end"
    live_and_die(killed, plans(kills, random.Random(seed), base), base, report, kills)
    expected, got = (case.outcome(build(directory), cache=cache, partitions=partitions) for directory in (calm, killed))
    assert got == expected, f"cache={cache}: {joins_app.difference(expected, got)}"
    return report


def live_and_die(
    directory: Path, lives: Iterable[dict[str, Any]], base: dict[str, Any], report: Report, kills: int
) -> None:  # fmt: skip
    """One incarnation after the other, and at last one that nobody kills."""
    for plan in lives:
        ended = run(directory, plan, report)
        print(f"\r{report.incarnations}/{kills} {plan['point']:<36}", end="", file=sys.stderr, flush=True)
        if ended and plan["point"] != "restore":
            print(f"\nthe input ended after {report.incarnations} incarnations", file=sys.stderr)
            break
    while not run(directory, {"point": "none", **base}):
        pass
    print(file=sys.stderr)


class ClusterRun:
    """The same on a cluster: one life after the other there, each over topics made anew.

    Arguments:
        lines: of input, the same for every life, of today.
    """

    def __init__(self, broker: str, *, cache: bool, partitions: int, lines: int, root: Path) -> None:
        self.base = {"app": "words", "cache": cache, "partitions": partitions, "broker": broker}
        self._lines, self._root = lines, root
        self._base_ms = this_hour_ms()
        self._settings = {"partitions": partitions, "broker": broker}
        self._cache, self._partitions = cache, partitions

    def life(self, name: str, live: Callable[[Path], None]) -> dict[str, Any]:
        """What a life leaves; ``live`` leads it to the end of its input."""
        directory = self._root / f"{name}-{self._cache}"
        fill(
            BUILDS["words"](directory, **self._settings), words_input(self._lines, self._partitions, self._base_ms)
        )  # fmt: skip
        live(directory)
        app = BUILDS["words"](directory, **self._settings)
        return CASES["words"].outcome(app, cache=self._cache, partitions=self._partitions)

    def calm(self, directory: Path) -> None:
        assert run(directory, {"point": "none", **self.base}), "the undisturbed run did not end"


def run_on_cluster(
    broker: str, kills: int, seed: int, *, cache: bool, partitions: int, root: Path, points: Sequence[str] = POINTS,
    lines_per_kill: int = 2_000,
) -> Report:  # fmt: skip
    """As ``one_run``."""
    report = Report()
    runs = ClusterRun(broker, cache=cache, partitions=partitions, lines=max(3_000, kills * lines_per_kill), root=root)
    expected = runs.life("calm", runs.calm)
    lives = plans(kills, random.Random(seed), runs.base, points)
    got = runs.life("killed", lambda directory: live_and_die(directory, lives, runs.base, report, kills))
    assert got == expected, f"cache={cache}: {joins_app.difference(expected, got)}"
    return report


def table(reports: dict[bool, Report]) -> str:
    lines = [f"{'kill point':<36} {'cache off':>9} {'cache on':>9}"]
    for point in POINTS:
        lines.append(f"{point:<36} {reports[False].kills[point]:>9} {reports[True].kills[point]:>9}")
    lines.append(f"{'all':<36} {sum(reports[False].kills.values()):>9} {sum(reports[True].kills.values()):>9}")
    restarts = sorted(second for report in reports.values() for second in report.restarts_s)
    if restarts:
        p95 = restarts[min(len(restarts) - 1, int(len(restarts) * 0.95))]
        lines.append(
            f"start of the process to first record: median {statistics.median(restarts):.2f} s, p95 {p95:.2f} s "
            f"(limit {MAX_RESTART_P95_S} s), {len(restarts)} restarts"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=144)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--app", choices=CASES, default="words")
    parser.add_argument("--directory", type=Path, default=None, help="where the data goes; a temporary one by default")
    parser.add_argument("--broker", default=None, help="host:port of a cluster; default: the embedded log")
    options = parser.parse_args(arguments)
    if options.broker is not None and options.app != "words":
        parser.error("on a cluster only --app words: retention may drop the others' old records")
    reports = {}
    with tempfile.TemporaryDirectory(prefix="streams-kill-", dir=options.directory) as root:
        for cache in (False, True):
            how = {"cache": cache, "partitions": 3 if cache else 1, "root": Path(root)}
            kills, seed = options.kills // 2, options.seed + cache
            if options.broker is None:
                reports[cache] = one_run(options.app, kills, seed, **how)
            else:
                reports[cache] = run_on_cluster(options.broker, kills, seed, **how)
    print(table(reports))
    fewest = min(sum(report.kills.values()) for report in reports.values())
    if fewest < options.kills // 2 - MAX_MISSED_KILLS:
        print(f"only {fewest} kills of {options.kills // 2}: the input ended before")
        return 1
    idle = [point for report in reports.values() for point in report.without_progress]
    if idle:
        print(f"incarnations without progress: {idle}")
        return 1
    print("outputs and stores equal those of the undisturbed runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
