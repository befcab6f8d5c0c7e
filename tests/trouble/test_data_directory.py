"""A data directory that cannot be used: held, of a newer version, of another application, not writable."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker_core.errors import DataDirectoryError
from state.errors import StateError, StateTooNew
from streams import App
from streams.errors import ConfigError
from tests.trouble.kit import Console, counting, counts, environment, run, send_lines, written

APPLICATION = """
from streams import App
app = App("words", data_dir="data", partitions=2)
app.stream("lines", key=str, value=str).group_by_key().count(store="counts").to_stream().to("out")
"""
HOLDER = """
import sys
from streams import App

app = App("words", data_dir="data", partitions=2)

def lines(position):
    print("holding", flush=True)
    yield sys.stdin.readline()

app.feed("lines", lines, key=str, value=str)
app.stream("lines", key=str, value=str).group_by_key().count(store="counts").to_stream().to("out")
app.run(until_end=True, quiet=True)
"""


@contextmanager
def held(directory: Path) -> Iterator[int]:
    """Another process that runs the application in ``directory/data``, until the end of the block; its id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=directory, env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        try:
            yield process.pid
        finally:
            process.stdin.write("enough\n")
            process.stdin.flush()
            assert process.wait(60) == 0


def test_used_by_another_process(console: Console) -> None:
    """Every command that opens the log says who has it; the owner notices nothing."""
    console.file("holding.py", APPLICATION)
    with held(console.directory) as owner:
        for command in (
            ("run", "holding.py", "--until-end"),
            ("topics", "list", "--data-dir", "data"),
            ("consume", "out", "--data-dir", "data"),
            ("produce", "lines", "x", "--data-dir", "data"),
        ):
            done = console(*command)
            assert done.status == 1, (command, done)
            assert f"held by process {owner}" in done.error
            assert "stop that process or choose another directory" in done.error
        app = counting(console.directory)
        with pytest.raises(StateError, match=f"in use by process {owner}; stop it or choose another data_dir"):
            app.query("counts")
    assert console("run", "holding.py", "--until-end", "--quiet").status == 0


def test_used_by_this_very_process(tmp_path: Path) -> None:
    """Two Apps in one process are two owners, too."""
    app = counting(tmp_path)
    send_lines(app, "a")

    def intrude(line: str) -> list[str]:
        with pytest.raises(DataDirectoryError, match="in use.*held by this process already"):
            counting(tmp_path).send("lines", "k", "x")
        return line.split()

    run(counting(tmp_path, split=intrude))
    assert counts(app) == {"a": 1}


@pytest.mark.parametrize(
    ("file", "text", "error", "message"),
    [
        ("log/format-version", "99\n", DataDirectoryError, "has format version 99, this program knows up to"),
        ("log/format-version", "words\n", DataDirectoryError, "format-version holds 'words' instead of a number"),
        ("state/FORMAT", "99\n", StateTooNew, "was written in format 99, this program knows up to 1; upgrade it, or"),
        ("state/FORMAT", "x", StateError, "holds 'x', not a format version; move .*state away, stores are rebuilt"),
        (
            "manifest.json",
            '{"format_version": 99}',
            ConfigError,
            "manifest has format version 99, this program knows 1",
        ),
        ("manifest.json", "{", ConfigError, "manifest cannot be read .*restore it, or use another data directory"),
    ],
)
def test_of_a_newer_version_or_not_ours(
    tmp_path: Path, file: str, text: str, error: type[Exception], message: str
) -> None:
    """Refused before anything is changed; with the old file back, everything is there and works."""
    app = counting(tmp_path)
    send_lines(app, "a b")
    run(app)
    path = tmp_path / "data" / file
    before = path.read_text()
    path.write_text(text)
    for _ in range(2):
        with pytest.raises(error, match=message) as refused:
            run(app)
        assert str(tmp_path) in str(refused.value), "the message does not say which directory"
        assert path.read_text() == text
    path.write_text(before)
    send_lines(app, "b")
    run(app)
    assert counts(app) == {"a": 1, "b": 2}


def test_a_format_version_stops_the_command_line(console: Console) -> None:
    name = console.file("newer.py", APPLICATION)
    assert console("run", name, "--until-end", "--quiet").status == 0
    (console.directory / "data/log/format-version").write_text("2000\n")
    for command in (("run", name), ("topics", "list", "--data-dir", "data")):
        done = console(*command)
        assert done.status == 1
        assert "format version 2000" in done.error
        assert "use the newer program, or another directory" in done.error


def test_of_another_application(tmp_path: Path) -> None:
    run(counting(tmp_path))
    other = App("other", data_dir=tmp_path / "data")
    other.stream("lines", key=str, value=str).to("out")
    with pytest.raises(ConfigError, match="belongs to application 'words', not 'other'; give each application a direc"):
        run(other)


def test_a_topology_that_would_orphan_or_break_state(tmp_path: Path) -> None:
    """Orphans need consent; a format that cannot be read is refused even so. Nothing is changed by a refusal."""

    def declare(store: str, kind: type) -> App:
        app = App("words", data_dir=tmp_path / "data", partitions=2)
        grouped: Any = app.stream("lines", key=str, value=kind).group_by_key()
        grouped.reduce(lambda old, new: new, store=store)
        return app

    app = declare("last", str)
    send_lines(app, "a")
    run(app)
    manifest = (tmp_path / "data/manifest.json").read_bytes()
    with pytest.raises(ConfigError, match=r"store 'last' orphans: .*run with --accept to let go of it. Nothing was ch"):
        run(declare("latest", str))
    for accept in (False, True):
        with pytest.raises(ConfigError, match="store 'last' breaks: its value was utf8 and is json:int now"):
            run(declare("last", int), accept=accept)
    assert (tmp_path / "data/manifest.json").read_bytes() == manifest
    with app.query("last") as store:
        assert store["k"] == "a"
    run(declare("latest", str), accept=True)
    assert written(app, "lines") == ["a"]


@pytest.mark.parametrize("part", ["", "log", "state", "manifest.json"])
def test_a_file_where_a_directory_should_be(tmp_path: Path, part: str) -> None:
    """And a directory where the manifest should be."""
    path = tmp_path / "data" / part
    path.parent.mkdir(exist_ok=True)
    if part == "manifest.json":
        path.mkdir()
    else:
        path.write_text("")
    with pytest.raises((DataDirectoryError, StateError, ConfigError), match=str(path)) as refused:
        run(counting(tmp_path))
    assert "permissions" in str(refused.value) or "data_dir" in str(refused.value) or "directory" in str(refused.value)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere, so it is nobody meanwhile; everything that is needed is imported already."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)


@pytest.mark.parametrize("part", ["", "log", "state"])
def test_not_writable(console: Console, part: str) -> None:
    """The whole data directory, or one part of it, belongs to somebody else."""
    name = console.file("readonly.py", APPLICATION)
    assert console("run", name, "--until-end", "--quiet").status == 0
    assert console("run", "nowhere.py").status == 1
    data = console.directory / "data"
    everything = [console.directory, data, *data.rglob("*")]
    for path in everything:
        path.chmod(0o777 if path.is_dir() else 0o666)
    locked = data / part
    for path in [locked, *locked.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    with as_nobody():
        done = console("run", name, "--until-end", "--quiet")
    for path in everything:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.status == 1
    assert "Traceback" not in done.err
    assert done.error.startswith("error: ")
    assert "Permission denied" in done.err
    assert f"data/{part or 'log'}" in done.err
    assert console("run", name, "--until-end", "--quiet").status == 0


def test_a_place_where_nothing_can_be_made(console: Console) -> None:
    name = console.file("readonly_root.py", APPLICATION)
    assert console("run", "nowhere.py").status == 1
    console.directory.chmod(0o555)
    with as_nobody():
        done = console("run", name, "--until-end", "--quiet")
    console.directory.chmod(0o755)
    assert done.status == 1
    assert done.error.startswith("error: log in data/log: the data directory cannot be written")
    assert "check that it exists, its owner and its permissions" in done.error


def test_a_manifest_that_cannot_be_replaced(tmp_path: Path) -> None:
    """The rename target is writable, the place for the new file is not."""
    app = counting(tmp_path)
    (tmp_path / "data/manifest.tmp").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"manifest.tmp.*permissions"):
        run(app)
