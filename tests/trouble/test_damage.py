"""Bytes that changed on disk: never served, named by file and position; what is local is rebuilt from the log."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from broker_core.errors import StorageError
from state.errors import CorruptState
from streams import App
from streams.errors import ClientError
from tests.trouble.kit import Console, counting, counts, put, run, send_lines, written

ROUNDS = 5
LINES = [f"a b{index} c{index % 7}" for index in range(60)]


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x55
    path.write_bytes(data)


def filled(directory: Path) -> App:
    """An application that has worked on half of its input, which is some segments' bytes long."""
    app = counting(directory, partitions=1)
    for _ in range(ROUNDS):
        send_lines(app, *LINES)
    run(app)
    for _ in range(ROUNDS):
        send_lines(app, *LINES)
    return app


def segment(directory: Path, log: str) -> Path:
    return next((directory / "data/log/logs" / log).glob("*.log"))


def check_correct(app: App) -> None:
    assert written(app, "shouted") == [line.upper() for line in LINES * ROUNDS * 2]
    assert counts(app)["a"] == len(LINES) * ROUNDS * 2


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize(
    ("log", "where", "without_state"),
    [
        ("lines-0", 0.6, False),
        ("lines-0", 0.95, False),
        ("words-counts-changelog-0", 0.3, True),
        ("words-by-word-repartition-0", 0.9, False),
        ("__consumer_offsets-0", 0.5, False),
        ("__transaction_state-0", 0.5, False),
    ],
)
def test_a_changed_byte_in_a_segment(tmp_path: Path, log: str, where: float, without_state: bool, clean: bool) -> None:
    """The run stops, names the file and the position, and so does the next one; with the byte restored from a backup,
    the results are as if nothing had happened."""
    app = filled(tmp_path)
    path = segment(tmp_path, log)
    position = int(path.stat().st_size * where)
    flip(path, position)
    if without_state:
        shutil.rmtree(tmp_path / "data/state")
    if not clean:
        (tmp_path / "data/log/clean-shutdown").unlink()
    for _ in range(2):
        with pytest.raises((StorageError, ClientError)) as refused:
            run(app)
        found = re.search(rf"{re.escape(str(path))}, position (\d+): .*damaged on disk", str(refused.value))
        assert found is not None, refused.value
        assert int(found[1]) <= position
        assert "Nothing from there on is served; restore the file from a backup" in str(refused.value)
    flip(path, position)
    run(app)
    check_correct(app)


def test_reading_by_hand_names_the_damage_too(console: Console) -> None:
    filled(console.directory)
    path = segment(console.directory, "lines-0")
    flip(path, path.stat().st_size // 2)
    done = console("consume", "lines", "--data-dir", "data")
    assert done.status == 1
    assert "/lines-0/00000000000000000000.log, position " in done.error
    assert len(done.out.splitlines()) in range(ROUNDS * len(LINES) + 1), "what lies before the damage may be shown"
    assert "restore the file from a backup" in done.error


def damage_blocks(database: Path) -> None:
    for path in database.glob("*.sst"):
        for position in range(100, path.stat().st_size // 2, 1_000):
            flip(path, position)


def cut(*paths: Path) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble_current(database: Path) -> None:
    (database / "CURRENT").write_text("garbage\n")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "blocks of tables": damage_blocks,
    "a table gone": lambda database: max(database.glob("*.sst"), key=lambda path: path.stat().st_size).unlink(),
    "tables cut": lambda database: cut(*database.glob("*.sst")),
    "manifest": lambda database: flip(next(database.glob("MANIFEST-*")), 100),
    "CURRENT": garble_current,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_corrupt_database_is_set_aside_and_rebuilt(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Found when it is opened, or only when a block of it is read: the run goes on, and says what it did."""
    app = counting(tmp_path, partitions=1)
    send_lines(app, *(f"a b{index}" for index in range(2_000)))
    run(app)
    DAMAGES[damage](tmp_path / "data/state/1_0")
    send_lines(app, *(f"a b{index}" for index in range(2_000)))
    with caplog.at_level(logging.WARNING, "streams"):
        run(app)
    found = counts(app)
    assert (found["a"], found["b7"], len(found)) == (4_000, 2, 2_001)
    assert len(written(app, "shouted")) == 4_000
    assert (tmp_path / "data/state/1_0.corrupt-1").is_dir()
    (told,) = caplog.messages
    assert "is corrupt" in told
    assert told.endswith(f"it is now {tmp_path}/data/state/1_0.corrupt-1, and the stores are being rebuilt")


def test_a_query_of_a_corrupt_database_says_what_to_do(tmp_path: Path) -> None:
    app = counting(tmp_path, partitions=1)
    send_lines(app, *(f"a b{index}" for index in range(2_000)))
    run(app)
    damage_blocks(tmp_path / "data/state/1_0")
    with pytest.raises(
        CorruptState, match=r"1_0, store counts is corrupt .*move the directory away, its stores are reb"
    ):
        counts(app)


def test_state_without_its_log(tmp_path: Path) -> None:
    """The log was deleted, the state was not: it is newer than its changelog, and starts over with it."""
    app = counting(tmp_path, partitions=1)
    send_lines(app, "a", "a")
    run(app)
    shutil.rmtree(tmp_path / "data/log")
    put(app, "lines", (b"k", b"a"))
    run(app)
    assert counts(app) == {"a": 1}
