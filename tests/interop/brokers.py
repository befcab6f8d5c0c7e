"""Brokers in processes of their own: Apache Kafka, and ours. Started, killed and started again by tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.interop.kafka_tools import REPOSITORY, kafka_script, run_tool

TOOL_TIMEOUT_S = 120


class ApacheKafka:
    """One cluster of Apache Kafka brokers in ``directory``; a context manager."""

    def __init__(self, directory: Path, *, brokers: int = 1, settings: tuple[str, ...] = ()) -> None:
        self._script = str(kafka_script())
        self._directory = str(directory)
        self._options = ["--brokers", str(brokers), *(part for text in settings for part in ("--set", text))]
        self.address = ""

    def __enter__(self) -> ApacheKafka:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run("wipe")

    def start(self, broker: int | None = None) -> None:
        """Start what is down; the address stays the same."""
        options = self._options if not self.address else []
        port = ["--port", "0"] if not self.address else []
        which = [] if broker is None else ["--broker", str(broker)]
        self.address = self._run("start", *port, *options, *which).strip() or self.address

    def kill(self, broker: int | None = None) -> None:
        self._run("stop", "--hard", *([] if broker is None else ["--broker", str(broker)]))

    def tool(self, name: str, *arguments: str) -> str:
        """What one of Kafka's tools prints about this cluster."""
        return run_tool(name, "--bootstrap-server", self.address, *arguments)

    def _run(self, command: str, *options: str) -> str:
        environment = {"KAFKA_BROKER_OPTS": "-XX:TieredStopAtLevel=1", **os.environ}
        environment.pop("COLUMNS", None)  # set for parallel tests; the script asks ps for whole command lines
        done = subprocess.run(
            [self._script, command, "--dir", self._directory, *options],
            capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class OwnBroker:
    """``python -m broker_core`` over ``directory``; a context manager."""

    def __init__(self, directory: Path, *, settings: tuple[str, ...] = ()) -> None:
        self._directory = directory
        self._settings = [part for text in settings for part in ("--set", text)]
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> OwnBroker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)

    def start(self) -> None:
        """Start it, the first time on a free port, later on that one again; returns when it listens."""
        listen = self.address or "127.0.0.1:0"
        command = [sys.executable, "-m", "broker_core", "--listen", listen, "--data-dir", str(self._directory)]
        self._process = subprocess.Popen([*command, *self._settings], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said.startswith("listening on "):
            self.kill()
            raise AssertionError(f"the broker does not listen: {said!r}")
        self.address = said.removeprefix("listening on ").strip()

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


Broker = ApacheKafka | OwnBroker
