"""The application that is asked to stop: ``python -m tests.trouble.stopped_app DIR POINT [GUARANTEE]``.

At ``POINT`` (``commit.<step>.before`` or ``.after`` of the third commit, ``starting``, ``restore``) it sends itself
SIGTERM and goes on. With ``blocked`` a function of the user's hangs; it reports each Ctrl-C that it saw.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from streams import App
from streams.runtime.run import run_app

LINES = [f"w{index % 7} w{index % 3} line{index}" for index in range(12_000)]
COMMIT = 3
"""Which commit is disturbed."""


class Stopper:
    """Observer that sends SIGTERM at the point, once."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._commits = 0
        self._sent = False

    def event(self, name: str, **fields: object) -> None:
        if name == "commit.done":
            self._commits += 1
        here = {
            "commit.step": f"commit.{fields.get('step')}.{fields.get('at')}",
            "worker.state": str(fields.get("state")),
            "restore.batch": "restore",
        }.get(name)
        is_commit = name == "commit.step"
        if here == self._point and not self._sent and (not is_commit or self._commits == COMMIT - 1):
            self._sent = True
            print("stopping", flush=True)
            os.kill(os.getpid(), signal.SIGTERM)


def build(directory: Path, **settings: Any) -> App:
    """Word count and a stateless branch over a feed, with a commit every millisecond."""
    app = App("stopped", data_dir=directory, **{"partitions": 2, "commit_interval_ms": 1, **settings})
    app.feed("lines", LINES, key=str, value=str)
    lines = app.stream("lines", key=str, value=str)
    lines.map_values(str.upper, value=str).to("shouted")
    lines.flat_map_values(str.split, value=str).group_by(str, key=str, name="by-word").count(store="counts")
    return app


def build_blocked(directory: Path) -> App:
    """An application one of whose functions hangs in the middle of a batch."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)

    def hang(line: str) -> str:
        print("hanging", flush=True)
        while os.read(reader, 1):
            print("asked to stop", flush=True)
        return line

    app = App("stopped", data_dir=directory, partitions=2)
    app.feed("lines", LINES[:10], key=str, value=str)
    app.stream("lines", key=str, value=str).map_values(hang, value=str).to("shouted")
    return app


def main() -> None:
    directory, point = Path(sys.argv[1]), sys.argv[2]
    if point == "blocked":
        build_blocked(directory).run(until_end=True, quiet=True)
        return
    settings = {"guarantee": sys.argv[3]} if len(sys.argv) > 3 else {}
    metrics = run_app(build(directory, **settings), until_end=True, quiet=True, observer=Stopper(point))
    print(metrics.state, flush=True)


if __name__ == "__main__":
    main()
