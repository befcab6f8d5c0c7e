"""A growing log file, followed live: lines per level and minute, by the time in the line; late lines are counted.

python examples/follow_log.py LOGFILE [--once]

A line is `2026-11-25T12:00:00 LEVEL text`. The position in the file is committed with the lines: after a crash no line
is read twice. Ctrl-C stops; `--once` stops at the end of the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from streams import App, tumbling


class Line(BaseModel):
    at: datetime
    level: str
    end: int  # position in the file after the line


app = App("follow-log")
lines = app.stream("lines", key=str, value=Line, timestamp="at").group_by(lambda line: line.level, key=str)
per_minute = lines.windowed_by(tumbling("1m", grace="10s")).count(store="per-minute", retention="1d")


def read(file: Path, position: int, follow: bool) -> Iterator[Line | None]:
    """Whole lines from ``position`` on; None is "nothing new yet"."""
    with file.open("rb") as source:
        source.seek(position)
        while follow or source.peek(1):
            line = source.readline()
            if line.endswith(b"\n"):
                at, name, _ = line.decode().split(" ", 2)
                yield Line(at=datetime.fromisoformat(at).replace(tzinfo=UTC), level=name, end=source.tell())
            else:
                source.seek(-len(line), 1)
                yield None


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Count a log's lines per level and minute.")
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--once", action="store_true", help="stop at the end of the file")
    given = arguments.parse_args()
    app.feed("lines", lambda position: read(given.file, position or 0, not given.once), resume=lambda line: line.end)
    app.run(until_end=given.once)
    with app.query(per_minute) as table:
        for window, count in table.all():
            print(f"{datetime.fromtimestamp(window.start / 1000, UTC):%H:%M}  {window.key:<8} {count}")
    print(f"late     {sum(app.metrics.late.values())}")
