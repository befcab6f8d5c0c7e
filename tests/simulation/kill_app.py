"""The application that is killed, and the process that kills itself: ``python -m tests.simulation.kill_app DIR PLAN``.

``PLAN`` is JSON: ``{"point": "commit.end_transaction.before", "after_commits": 2, "delay_us": 300, "cache": true}``.
The process runs the application until its input ends, or sends itself SIGKILL at the point. It reports on standard
output, one JSON object a line, unbuffered: ``running``, ``processing``, ``committed``, ``killing``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from streams import App, hopping
from tests.simulation import joins_app

COMMIT_STEPS = ("flush_caches", "flush_producer", "send_offsets", "end_transaction", "apply")


class Killer:
    """Observer that ends the process at the planned point."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._commits = 0
        self._restored_batches = 0
        self._calls = 0
        self._began = time.monotonic()

    def event(self, name: str, **fields: object) -> None:
        if name == "worker.state" and fields["state"] == "running" and self._commits == 0:
            self._report_once("running")
        elif name == "commit.step" and self._commits >= self._plan.get("after_commits", 1):
            if self._plan.get("point") == f"commit.{fields['step']}.{fields['at']}":
                self._kill()
        elif name == "commit.done":
            self._commits += 1
            report(event="committed", commits=self._commits)
            if self._plan.get("point") == "restore":  # there was nothing to restore
                self._kill("commit.apply.after")
        elif name == "restore.batch":
            self._restored_batches += 1
            if self._plan.get("point") == "restore" and self._restored_batches >= self._plan["batches"]:
                self._kill()
        elif name == "restore.done" and self._plan.get("point") == "restore" and self._restored_batches:
            self._kill()  # there were fewer batches than planned

    def called(self) -> None:
        """Called for every word, or every joined record, in the middle of a batch."""
        if self._calls == 0:
            self._report_once("processing")
        self._calls += 1
        if self._plan.get("point") == "batch" and self._commits >= self._plan.get("after_commits", 1):
            self._plan["calls"] -= 1
            if self._plan["calls"] <= 0:
                self._kill()

    def _report_once(self, event: str) -> None:
        report(event=event, seconds=round(time.monotonic() - self._began, 3), since_exec=time.time())

    def _kill(self, point: str | None = None) -> None:
        """At once, or some microseconds later from another thread: inside the step, not at its edge."""
        delay_us = self._plan.get("delay_us", 0)
        report(event="killing", point=point or self._plan["point"])
        if not delay_us:
            os.kill(os.getpid(), signal.SIGKILL)
        self._plan["point"] = "done"
        threading.Thread(target=_kill_after, args=(delay_us,), daemon=True).start()


def _kill_after(delay_us: int) -> None:
    until = time.perf_counter() + delay_us / 1e6
    while time.perf_counter() < until:
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def report(**fields: object) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


KILLER = Killer({})


def called() -> None:
    KILLER.called()


def words_of(line: str) -> list[str]:
    KILLER.called()
    return line.split()


def word(value: str) -> str:
    return value


SMALL = {"commit_interval_ms": 5, "buffered_records": 200, "fetch_max_bytes": 16_384}


def build_words(data_dir: Path, **settings: Any) -> App:
    """A stateless branch, a counted one and a windowed one, over one source."""
    app = App("killed", data_dir=data_dir, **{**SMALL, **settings})
    lines = app.stream("lines", key=str, value=str)
    lines.map_values(str.upper, value=str).to("shouted")
    counts = lines.flat_map_values(words_of).group_by(word).count(store="counts")
    counts.to_stream().to("counts")
    windows = lines.group_by_key().windowed_by(hopping("400ms", advance="200ms", grace="100ms")).count(store="windows")
    windows.to_stream().to("windows")
    return app


def build_joins(data_dir: Path, **settings: Any) -> App:
    """Several sources, tables, joins and windows: ``joins_app``."""
    smaller = {**SMALL, "buffered_records": 25, "fetch_max_bytes": 4_096}  # there are four inputs
    app = App("killed-joins", data_dir=data_dir, **{**smaller, **settings})
    return joins_app.declare(app, touch=called)


BUILDS = {"words": build_words, "joins": build_joins}


def main() -> None:
    global KILLER  # noqa: PLW0603  # the application's functions are module-level, as a user's are
    directory, plan = Path(sys.argv[1]), json.loads(sys.argv[2])
    KILLER = Killer(plan)
    from streams.runtime.run import run_app

    # State on disk is flushed rarely, so that a kill loses some and the next start has something to restore.
    app = BUILDS[plan["app"]](directory, partitions=plan["partitions"], broker=plan.get("broker"))
    run_app(app, until_end=True, quiet=True, cache=plan.get("cache", True), observer=KILLER)
    report(event="ended")


if __name__ == "__main__":
    main()
