"""Commits of 100 dirty keys: an application fed 100 keys per commit, its commits timed by an observer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator

from streams import App
from streams.runtime.run import run_app

DIRTY_KEYS = 100


class CommitTimer:
    """Wall time from the first step of a commit to its end, for commits that change the store."""

    def __init__(self) -> None:
        self.times_ms: list[float] = []
        self._began = 0.0

    def event(self, name: str, **fields: object) -> None:
        if name == "commit.step" and fields["step"] == "flush_caches" and fields["at"] == "before":
            self._began = time.perf_counter()
        elif name == "commit.done":
            self.times_ms.append((time.perf_counter() - self._began) * 1e3)


def commit_times(commits: int, directory: str | None) -> list[float]:
    """Milliseconds of each commit, warm-up left out."""
    timer = CommitTimer()

    def rows() -> Iterator[tuple[str, str] | None]:
        """The next 100 keys only once the last commit is over; None is "nothing now"."""
        for number in range(commits):
            yield from ((f"key-{index}", str(number)) for index in range(DIRTY_KEYS))
            while len(timer.times_ms) <= number:
                yield None

    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        app = App("commit", data_dir=root)  # the default interval: a commit every 100 ms, as in production
        app.stream("rows", key=str, value=str).group_by_key().count(store="counts").to_stream().to("counts")
        app.feed("rows", rows(), keyed=True)
        run_app(app, until_end=True, quiet=True, observer=timer, own_process=True)
    return timer.times_ms[5:]
