"""What the tests of trouble share: the command line as a process or in this one, and applications on a real disk."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams import App
from streams.runtime.access import caller, send_records

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 120
COMMAND = "import sys; sys.argv[0] = 'streams'; from streams.cli.main import main; main()"


class Finished(NamedTuple):
    """How a command ended. ``error`` is its last line on standard error."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else ""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, without settings of streams, and able to import it from anywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **(extra or {})}


def streams(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None, **options: Any) -> Finished:
    """The command ``streams`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        cwd=cwd, env=environment(env), capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **options,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


def python(file: Path) -> Finished:
    """A user's file, run with ``python file.py``."""
    done = subprocess.run(
        [sys.executable, file.name], cwd=file.parent, env=environment(), capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


class Console:
    """The command ``streams`` in this process, from its arguments to its exit status, in a directory of its own."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        monkeypatch.chdir(directory)
        monkeypatch.setattr(sys, "path", list(sys.path))

    def __call__(self, *arguments: object) -> Finished:
        from streams.cli.main import main

        self._monkeypatch.setattr(sys, "argv", ["streams", *map(str, arguments)])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capfd.readouterr()
        status = ended.value.code
        return Finished(status if isinstance(status, int) else int(status is not None), out, err)

    def file(self, name: str, text: str) -> str:
        """Write a file of the user's; its module name must be new to this process."""
        return write(self.directory / name, text).name


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text))
    return path


def counting(directory: Path, *, split: Callable[[str], Iterable[str]] = str.split, **settings: Any) -> App:
    """Word count with a stateless branch, on a real disk under ``directory``."""
    app = App("words", data_dir=directory / "data", **{"partitions": 2, **settings})
    lines = app.stream("lines", key=str, value=str)
    lines.map_values(str.upper, value=str, name="shout").to("shouted")
    words = lines.flat_map_values(split, value=str, name="split").group_by(str, key=str, name="by-word")
    words.count(store="counts").to_stream().to("counts")
    return app


def put(app: App, topic: str, *records: tuple[bytes | None, bytes | None]) -> None:
    """Write records as bytes, over one connection."""
    config = app.config()
    rows = [(key, value, 1_000 + index, ()) for index, (key, value) in enumerate(records)]
    with caller(config, None) as call:
        call(lambda client: send_records(client, config, topic, rows))


def send_lines(app: App, *lines: str, key: str = "k") -> None:
    """Lines in one partition, in order."""
    put(app, "lines", *((key.encode(), line.encode()) for line in lines))


def run(app: App, **options: Any) -> None:
    """To the end of the input."""
    app.run(until_end=True, quiet=True, **options)


def counts(app: App) -> dict[str, int]:
    """The store's rows."""
    with app.query("counts") as store:
        return dict(store.all())


def written(app: App, topic: str) -> list[Any]:
    """Committed values of a topic, in order per partition."""
    return [record.value for record in app.read(topic)]
