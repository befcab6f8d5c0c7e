"""Restoring a key-value store from its changelog: fill it, lose the local state, time the way back."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from streams import App
from streams.runtime.access import caller, send_records
from streams.runtime.run import run_app

NOW_MS = 1_700_000_000_000
CHUNK = 20_000


class RestoreTimer:
    """Wall and CPU time from the first restore to running."""

    def __init__(self) -> None:
        self.began: tuple[float, float] | None = None
        self.ended: tuple[float, float] | None = None

    def event(self, name: str, **fields: object) -> None:
        if name == "restore.started" and self.began is None:
            self.began = (time.perf_counter(), time.process_time())
        elif name == "worker.state" and fields["state"] == "running" and self.ended is None:
            self.ended = (time.perf_counter(), time.process_time())


def restore_seconds(keys: int, directory: str | None) -> tuple[float, float]:
    """Wall and CPU seconds of the restore of ``keys`` distinct keys."""
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=directory) as root:
        app = App("restore", data_dir=root, durability="none")
        app.stream("users", key=bytes, value=bytes).group_by_key().count(store="counts")
        config = app.config()
        with caller(config, None) as call:
            for start in range(0, keys, CHUNK):
                rows = [(b"user-%08d" % index, b"1", NOW_MS, ()) for index in range(start, min(keys, start + CHUNK))]
                call(lambda client, rows=rows: send_records(client, config, "users", rows))
        run_app(app, until_end=True, quiet=True)
        shutil.rmtree(Path(root) / "state")
        timer = RestoreTimer()
        run_app(app, until_end=True, quiet=True, observer=timer, own_process=True)
        assert timer.began is not None and timer.ended is not None, "nothing was restored"
        return timer.ended[0] - timer.began[0], timer.ended[1] - timer.began[1]
