"""Every example is run, as a user runs it, on real input; what it prints is checked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
LIMIT_LINES = 60
LATE = ["1", "more", "than", "a", "day", "late"]


def run(cwd: Path, name: str, *arguments: object) -> str:
    """Standard output of an example that runs in ``cwd``."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_examples_are_short() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) < LIMIT_LINES, path.name


def test_word_count_twice(tmp_path: Path) -> None:
    """The second run goes on where the first one ended: nothing is counted again."""
    (tmp_path / "input.txt").write_text("The quick brown fox.\nThe lazy dog; the end\n")
    for _ in range(2):
        lines = run(tmp_path, "word_count.py", "--input", "input.txt").split("\n")
        assert lines[0].split() == ["3", "the"]
        assert Counter(line.split()[0] for line in lines if line) == {"3": 1, "1": 6}


def test_orders_meet_their_customers(tmp_path: Path) -> None:
    """The order of an unknown customer is left out."""
    assert sorted(run(tmp_path, "orders.py").splitlines()) == ["FI  99.00", "UK  17.00"]


def test_clients_without_a_topology(tmp_path: Path) -> None:
    """Two consumers of a group and a transactional producer; every text is measured once."""
    said = run(tmp_path, "clients.py").splitlines()
    assert said[0].startswith("the last one is in partition ")
    assert sorted(said[1:]) == ["10 jum", "12 the", "19 the"]


def test_commit_activity(tmp_path: Path) -> None:
    """A repository with commits in two hours, one of them more than a day after its time."""
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    for at in ("2024-05-01T10:05:00Z", "2024-05-01T10:55:00Z", "2024-05-03T09:00:00Z", "2024-05-01T10:56:00Z"):
        subprocess.run(
            ["git", "-C", str(repository), "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q",
             "--allow-empty", "-m", "work"],
            env={**os.environ, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}, check=True,
        )  # fmt: skip
    lines = [line.split() for line in run(tmp_path, "commit_activity.py", repository).splitlines()]
    assert lines == [["2", "2024-05-01", "10:00", "Ada"], ["1", "2024-05-03", "09:00", "Ada"], LATE]


def test_follow_a_log(tmp_path: Path) -> None:
    """A second run reads only what the file has grown by; a line that is too late is not counted."""
    log = tmp_path / "app.log"
    log.write_text("2026-11-25T12:00:01 INFO a\n2026-11-25T12:00:02 WARN b\n2026-11-25T12:01:30 INFO c\n")
    first = run(tmp_path, "follow_log.py", log, "--once")
    assert sorted(first.splitlines()) == ["12:00  INFO     1", "12:00  WARN     1", "12:01  INFO     1", "late     0"]
    with log.open("a") as file:
        file.write("2026-11-25T12:01:31 INFO d\n2026-11-25T12:00:03 INFO late\n")
    second = run(tmp_path, "follow_log.py", log, "--once")
    assert sorted(second.splitlines()) == ["12:00  INFO     1", "12:00  WARN     1", "12:01  INFO     2", "late     1"]


def test_follow_a_log_while_it_grows(tmp_path: Path) -> None:
    """What is appended while the example runs is counted, half a line only once it is whole; Ctrl-C ends in order."""
    log = tmp_path / "app.log"
    log.write_text("2026-11-25T12:00:01 INFO a\n2026-11-25T12:01:30 INFO b\n2026-11-25T12:01:31 WARN ")
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "follow_log.py"), str(log)], cwd=tmp_path, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        assert next(line for line in process.stderr if "| 2 fed |" in line)
        with log.open("a") as file:
            file.write("c\n2026-11-25T12:00:03 INFO late\n")
        assert next(line for line in process.stderr if "| 4 fed |" in line)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate()
    assert process.returncode == 0
    assert sorted(printed.splitlines()) == ["12:00  INFO     1", "12:01  INFO     1", "12:01  WARN     1", "late     1"]


def test_dead_letters_are_read_by_a_corrected_program(tmp_path: Path) -> None:
    lines = run(tmp_path, "dead_letters.py", tmp_path / "data").splitlines()
    assert lines[0] == "{'ada': 20.0} {'read-amount': 1}"
    assert any("orders-0 @ 1" in line for line in lines)
    assert lines[-2:] == ["sent 1 records back", "{'ada': 20.0, 'bob': 1299.0} {}"]
