"""SIGTERM and Ctrl-C at awkward moments, to real processes: what is under way is finished, nothing lost or doubled."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streams import App
from streams.runtime.run import run_app
from tests.trouble.kit import ROOT, counting, counts, environment, run, send_lines, streams, written
from tests.trouble.stopped_app import COMMIT, LINES, Stopper, build

STEPS = ("flush_caches", "flush_producer", "send_offsets", "end_transaction", "apply")
POINTS = [f"commit.{step}.{at}" for step in STEPS for at in ("before", "after")]


def stopped(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.trouble.stopped_app", str(directory), *arguments],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def check_whole(app: App, *, complete: bool) -> None:
    """What is visible is the effect of a prefix of the feed, once: outputs, counts and the fed topic agree."""
    fed = written(app, "lines")
    assert sorted(fed) == sorted(LINES[: len(fed)])
    shouted = Counter(written(app, "shouted"))
    assert set(shouted.values()) <= {1}
    assert set(shouted) <= {line.upper() for line in fed}
    if complete:
        assert len(fed) == len(LINES) == len(shouted)
        assert counts(app) == Counter(word for line in LINES for word in line.split())


@pytest.mark.parametrize("point", POINTS[::2])
def test_sigterm_in_each_step_of_a_commit(tmp_path: Path, point: str) -> None:
    """A real process: the commit under way is completed, the process ends well, and the next one goes on from there."""
    done = stopped(tmp_path, point)
    assert done.stdout.split() == ["stopping", "stopped"], done
    assert (done.returncode, done.stderr) == (0, "")
    app = build(tmp_path)
    assert 0 < len(written(app, "shouted")) < len(LINES), "it did not stop in the middle"
    check_whole(app, complete=False)
    run(app)
    check_whole(app, complete=True)


@pytest.mark.parametrize("point", POINTS[1::2])
def test_sigterm_after_each_step(tmp_path: Path, point: str) -> None:
    """The same in this process; pytest's thread is the main one, which is where signals arrive."""
    app = build(tmp_path)
    assert run_app(app, until_end=True, quiet=True, observer=Stopper(point)).commits in (COMMIT, COMMIT + 1)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "the handler of before is back"
    check_whole(app, complete=False)
    run(app)
    check_whole(app, complete=True)


@pytest.mark.parametrize("step", ["flush_caches", "flush_producer", "commit_offsets", "apply"])
def test_sigterm_in_a_commit_at_least_once(tmp_path: Path, step: str) -> None:
    """A clean stop repeats nothing, whichever the guarantee."""
    app = build(tmp_path, guarantee="at_least_once")
    run_app(app, until_end=True, quiet=True, observer=Stopper(f"commit.{step}.before"))
    check_whole(app, complete=False)
    run(app)
    check_whole(app, complete=True)


def test_a_stop_does_not_wait_for_the_backlog(tmp_path: Path) -> None:
    """However much input is left: what was processed is committed, the rest is the next run's."""
    app = counting(tmp_path, commit_interval_ms=1)
    send_lines(app, *(["a b c"] * 30_000))
    metrics = run_app(app, until_end=True, quiet=True, observer=Stopper("commit.flush_caches.before"))
    assert metrics.state == "stopped"
    assert 0 < len(written(app, "shouted")) < 30_000
    run(app)
    assert counts(app) == {"a": 30_000, "b": 30_000, "c": 30_000}


@pytest.mark.parametrize("point", ["starting", "restore"])
def test_sigterm_before_anything_is_processed(tmp_path: Path, point: str) -> None:
    """A stop during a restore does not wait for its end; what was restored is kept or restored again."""
    app = counting(tmp_path, fetch_max_bytes=1_024)
    send_lines(app, *(f"a b{index}" for index in range(500)))
    run(app)
    expected = counts(app)
    import shutil

    shutil.rmtree(tmp_path / "data/state")
    metrics = run_app(app, until_end=True, quiet=True, observer=Stopper(point))
    assert (metrics.state, metrics.records_processed) == ("stopped", 0)
    run(app)
    assert counts(app) == expected


def test_ctrl_c_twice(tmp_path: Path) -> None:
    """The first waits for the user's function; the second ends the process like a crash, and nothing is lost."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.trouble.stopped_app", str(tmp_path), "blocked"],
        cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "asked to stop\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in err
    app = build(tmp_path)
    assert written(app, "shouted") == []
    run(app)
    check_whole(app, complete=True)


def test_a_stop_by_a_function_of_the_users(tmp_path: Path) -> None:
    """KeyboardInterrupt raised in user code is no record's failure: the process ends, the record is processed anew."""

    def interrupt(line: str) -> list[str]:
        raise KeyboardInterrupt

    app: Any = counting(tmp_path, split=interrupt)
    send_lines(app, "a b")
    with pytest.raises(KeyboardInterrupt):
        run(app)
    run(counting(tmp_path))
    assert counts(app) == {"a": 1, "b": 1}


SIGNALLED = """
import os, signal
from streams import App

app = App("signalled", commit_interval_ms=1)


def once(value: str) -> str:
    if value == "line 50":
        os.kill(os.getpid(), signal.SIGTERM)
    return value


app.stream("lines", key=str, value=str).map_values(once).to("out")
app.feed("lines", (f"line {number}" for number in range(100_000)))
"""


def test_the_command_line_says_that_a_signal_stopped_it(tmp_path: Path) -> None:
    """Status 128 + 15 as of any process that SIGTERM ended, so that a script does not take it for the end."""
    (tmp_path / "signalled.py").write_text(SIGNALLED)
    done = streams("run", "signalled.py", "--until-end", cwd=tmp_path)
    assert done.status == 128 + signal.SIGTERM
    assert done.error == "stopped by SIGTERM: what was processed is committed; run it again to go on from there"
