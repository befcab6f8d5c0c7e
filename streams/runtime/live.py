"""The live line: what a running application shows a person. Rendering only; the supervisor says when."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from streams.runtime.metrics import WorkerMetrics

LIVE_INTERVAL_MS: Final = 200
PLAIN_INTERVAL_MS: Final = 5_000
"""Where output is not a terminal, a line now and then is enough."""


def size_text(size_bytes: float) -> str:
    """``1.5 MiB`` and the like."""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GiB"


def live_text(name: str, metrics: WorkerMetrics, rate: float) -> str:
    """One line: state, rate, totals, lag, commits, size of the state."""
    # A commit comes several times a second: as a state it would only flicker.
    state = "running" if metrics.state == "committing" else metrics.state
    parts = [f"{name}: {state}", f"{rate:,.0f} records/s", f"{metrics.records_processed:,} processed"]
    if metrics.records_fed:
        parts.append(f"{metrics.records_fed:,} fed")
    parts.append(f"lag {metrics.lag:,}")
    parts.append(f"{metrics.commits:,} commits (last {metrics.last_commit_ms:.0f} ms)")
    if metrics.state_rows or metrics.state_bytes:
        parts.append(f"state {metrics.state_rows:,} rows, {size_text(metrics.state_bytes)}")
    counted = {
        "dropped": metrics.dropped,
        "late": metrics.late,
        "skipped": metrics.skipped,
        "dead letters": metrics.dead_lettered,
    }
    parts += [f"{what} {sum(counts.values()):,}" for what, counts in counted.items() if counts]
    if metrics.waiting:
        parts.append(f"waiting for a retry {metrics.waiting}")
    return " | ".join(parts)


class LiveLine:
    """Shows metrics on a terminal in place, elsewhere as a plain line now and then.

    Arguments:
        name: of the application.
        console: where to; standard error in production.
    """

    def __init__(self, name: str, console: Console) -> None:
        self._name = name
        self._console = console
        self._live: Live | None = None
        self._shown_ms: int | None = None
        self._counted = (0, 0)
        self._rate = 0.0

    def is_due(self, now_ms: int) -> bool:
        interval = LIVE_INTERVAL_MS if self._console.is_terminal else PLAIN_INTERVAL_MS
        return self._shown_ms is None or now_ms - self._shown_ms >= interval

    def show(self, metrics: WorkerMetrics, now_ms: int) -> None:
        """Draw the line anew."""
        elapsed_ms = now_ms - self._counted[0]
        if self._shown_ms is not None and elapsed_ms > 0:
            self._rate = (metrics.records_processed - self._counted[1]) * 1000 / elapsed_ms
        self._counted = (now_ms, metrics.records_processed)
        self._shown_ms = now_ms
        text = Text(live_text(self._name, metrics, self._rate), no_wrap=True, overflow="ellipsis")
        if not self._console.is_terminal:
            self._console.print(text, soft_wrap=True)
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(text, refresh=True)

    def say(self, message: str) -> None:
        """A line that stays."""
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)

    def close(self, metrics: WorkerMetrics, started_ms: int, now_ms: int) -> None:
        """The last word: what was done, at which average rate."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        seconds = max(0.001, (now_ms - started_ms) / 1000)
        self._rate = metrics.records_processed / seconds
        self.say(f"{live_text(self._name, metrics, self._rate)} | {seconds:.1f} s")
