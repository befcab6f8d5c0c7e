"""A process for the start benchmark: one record through filter and store, then the time of its commit."""

from __future__ import annotations

import sys
import time

from streams import App
from streams.runtime.run import run_app


class FirstCommit:
    """Notes when the first commit was done."""

    at = 0.0

    def event(self, name: str, **fields: object) -> None:
        if name == "commit.done" and not self.at:
            self.at = time.time()


app = App("start", data_dir=sys.argv[1], commit_interval_ms=1)
app.stream("lines", key=str, value=str).group_by_key().count(store="counts").to_stream().to("counts")
app.feed("lines", [("a", "first")], keyed=True)
observer = FirstCommit()
run_app(app, until_end=True, quiet=True, observer=observer, own_process=True)
print(observer.at)
