"""``python -m broker_core`` as a process of its own, on a free port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.broker_core.server_kit import PATIENCE_S, WireClient

REPOSITORY = Path(__file__).parent.parent.parent.parent


class BrokerProcess:
    """A context manager; killed at the end if it still runs. ``start`` again after ``kill`` or ``terminate``.

    Arguments:
        settings: ``name=value`` each.
        command: what Python is to run, before the options.
    """

    def __init__(self, data_dir: Path, *settings: str, command: tuple[str, ...] = ("-m", "broker_core")) -> None:
        self.data_dir = data_dir
        self.command = command
        self.settings = settings
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> BrokerProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """On the same port as before, or a free one at first."""
        options = [option for setting in self.settings for option in ("--set", setting)]
        self._process = subprocess.Popen(
            [
                sys.executable,
                *self.command,
                "--listen",
                self.address,
                "--data-dir",
                str(self.data_dir),
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.kill()
            raise AssertionError(f"it does not say where it listens but {line!r}")
        self.port = int(line.rpartition(":")[2])

    def connect(self) -> WireClient:
        return WireClient(self.port)

    def kill(self) -> None:
        """kill -9."""
        self._end(lambda process: process.kill())

    def terminate(self) -> int:
        """SIGTERM; returns the exit status."""
        return self._end(lambda process: process.terminate())

    def _end(self, how: object) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        how(process)  # type: ignore[operator]
        status = process.wait(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()
        return status
