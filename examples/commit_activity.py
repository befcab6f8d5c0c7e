"""Commits per author and hour of a git repository, by the time of the commit: event-time windows and late records.

python examples/commit_activity.py [REPOSITORY]

`git log` gives commits in the order of the history, which is not the order of their times: what comes more than the
grace after its hour is dropped and counted.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import BaseModel

from streams import App, tumbling


class Commit(BaseModel):
    author: str
    at_ms: int


def author(commit: Commit) -> str:
    return commit.author


app = App("commit-activity")
commits = app.stream("commits", key=str, value=Commit, timestamp="at_ms")
hours = commits.group_by(author).windowed_by(tumbling("1h", grace="1d"))
per_hour = hours.count(store="commits-per-hour", retention="36500d")  # queried for as long as the history is


def history(repository: str) -> Iterator[Commit]:
    """All commits, oldest first as git orders them."""
    command = ["git", "-C", repository, "log", "--reverse", "--format=%ct%x09%an"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        seconds, _, name = line.partition("\t")
        yield Commit(author=name, at_ms=int(seconds) * 1000)


if __name__ == "__main__":
    app.feed("commits", history(sys.argv[1] if len(sys.argv) > 1 else "."))
    app.run(until_end=True)
    with app.query(per_hour) as table:
        busiest = sorted(table.all(), key=lambda row: row[1], reverse=True)[:10]
    for window, count in busiest:
        hour = datetime.fromtimestamp(window.start / 1000, UTC)
        print(f"{count:>5}  {hour:%Y-%m-%d %H}:00  {window.key}")
    print(f"{sum(app.metrics.late.values()):>5}  more than a day late")
