"""Draws what windows do with some records, as the pictures in docs/operators/windows.md: ``python -m`` prints them.

The arithmetic and the counts are the product's own, so that a picture cannot say what the program does not do.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams import App, hopping
from streams.testing import TopologyTestDriver
from streams.windows import TimeWindows

SECOND = 1_000
WIDTH = 2
"""Characters per second."""
TIMES_S = (3, 7, 12, 8, 16, 4)
"""Of the records, in the order of their arrival."""


def seconds(start: int, end: int) -> str:
    return f"[{start // SECOND}, {end // SECOND})"


def lifetimes(windows: TimeWindows, until_s: int) -> str:
    """One line per window: ``=`` while its time runs, ``-`` during its grace."""
    marks = "".join(f"{second:<{5 * WIDTH}}" for second in range(0, until_s + 1, 5)).rstrip()
    lines = [f"{'seconds':<10}{marks}"]
    for start in range(0, until_s * SECOND - windows.size_ms + 1, windows.advance_ms):
        before = " " * (start // SECOND * WIDTH)
        body, grace = "=" * (windows.size_ms // SECOND * WIDTH - 1), "-" * (windows.grace_ms // SECOND * WIDTH)
        lines.append(f"{seconds(start, windows.end(start)):<10}{before}|{body}{grace}|")
    return "\n".join(lines)


def counts(size_s: int, advance_s: int, grace_s: int, times_s: Sequence[int] = TIMES_S) -> str:
    """One line per record: the count of each of its windows, or ``late``."""
    app = App("timeline")
    stream = app.stream("in", key=str, value=str)
    windows = hopping(f"{size_s}s", f"{advance_s}s", grace=f"{grace_s}s")
    stream.group_by_key().windowed_by(windows).count().to_stream().to("out")
    driver = TopologyTestDriver(app, partitions=1)
    starts = range(0, max(times_s) * SECOND + 1, windows.advance_ms)
    heads = [seconds(start, windows.end(start)) for start in starts]
    lines = ["record at  stream time  " + "  ".join(f"{head:>8}" for head in heads)]
    stream_time = 0
    for time_s in times_s:
        stream_time = max(stream_time, time_s)
        driver.send(stream, "k", "v", timestamp=time_s * SECOND)
        counted = {record.key.start: record.value for record in driver.read("out")}
        cells = []
        for start in starts:
            inside = start in windows.starts(time_s * SECOND)
            cells.append(str(counted[start]) if start in counted else "late" if inside else "")
        lines.append(f"{time_s:>7} s  {stream_time:>9} s  " + "  ".join(f"{cell:>8}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def pictures() -> list[str]:
    """Those of the page, in its order."""
    return [
        lifetimes(TimeWindows(size_ms=10_000, advance_ms=10_000, grace_ms=2_000), 30),
        lifetimes(TimeWindows(size_ms=10_000, advance_ms=5_000, grace_ms=2_000), 25),
        counts(10, 5, 2),
    ]


if __name__ == "__main__":
    print("\n\n".join(pictures()))
