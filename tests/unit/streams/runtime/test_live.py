"""What the live line says, and how often."""

from __future__ import annotations

import io

from rich.console import Console

from streams.runtime.live import LiveLine, live_text, size_text
from streams.runtime.metrics import WorkerMetrics


def metrics(**changes: object) -> WorkerMetrics:
    return WorkerMetrics(**{"state": "running", **changes})  # type: ignore[arg-type]


def test_sizes() -> None:
    assert [size_text(size) for size in (0, 1023, 1536, 5 * 2**20, 3 * 2**30)] == [
        "0 B", "1023 B", "1.5 KiB", "5.0 MiB", "3.0 GiB",
    ]  # fmt: skip


def test_the_line_names_rate_lag_state_and_drops() -> None:
    text = live_text(
        "app",
        metrics(records_processed=1200, lag=7, commits=3, last_commit_ms=4, state_rows=10, state_bytes=2048,
                dropped={"count: null key": 2}),
        600.0,
    )  # fmt: skip
    assert text == (
        "app: running | 600 records/s | 1,200 processed | lag 7 | 3 commits (last 4 ms) | state 10 rows, 2.0 KiB | "
        "dropped 2"
    )


def test_what_ended_early_is_told_apart() -> None:
    text = live_text("app", metrics(late={"w": 1}, skipped={"a": 1, "b": 2}, dead_lettered={"c": 4}, waiting=1), 0.0)
    assert text.endswith("| late 1 | skipped 3 | dead letters 4 | waiting for a retry 1")


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert (
        live_text("app", metrics(), 0.0) == "app: running | 0 records/s | 0 processed | lag 0 | 0 commits (last 0 ms)"
    )


def test_without_a_terminal_a_line_now_and_then() -> None:
    out = io.StringIO()
    line = LiveLine("app", Console(file=out, force_terminal=False, width=200))
    shown = []
    for now_ms in range(0, 12_000, 1_000):
        if line.is_due(now_ms):
            line.show(metrics(records_processed=now_ms), now_ms)
            shown.append(now_ms)
    assert shown == [0, 5_000, 10_000]
    assert "1,000 records/s" in out.getvalue().splitlines()[1]


def test_the_last_word_is_the_average() -> None:
    out = io.StringIO()
    line = LiveLine("app", Console(file=out, force_terminal=False, width=200))
    line.close(metrics(state="stopped", records_processed=10_000), started_ms=1_000, now_ms=3_000)
    assert "app: stopped | 5,000 records/s" in out.getvalue()
    assert out.getvalue().rstrip().endswith("2.0 s")
