"""The files of a log are verified, dumped and repaired without a broker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from streams.errors import ConfigError, StreamsError
from tests.unit.streams.cli.conftest import Invoke

DATA = ("--data-dir", "data")
LOG = Path("data/log/logs/t-0/00000000000000000000.log")


@pytest.fixture(autouse=True)
def log(here: Path, invoke: Invoke) -> None:
    (here / "data").mkdir()
    invoke("topics", "create", "t", "-p", 1, *DATA)
    for value in ("one", "two", "three"):
        invoke("produce", "t", value, "--key", "k", *DATA)


def damage(here: Path) -> bytes:
    data = (here / LOG).read_bytes()
    position = len(data) // 2  # in the second of three batches
    (here / LOG).write_bytes(data[:position] + bytes((data[position] ^ 1,)) + data[position + 1 :])
    return (here / LOG).read_bytes()


def values(invoke: Invoke) -> list[str]:
    return invoke("consume", "t", *DATA).stdout.split()[1::2]


def test_a_good_log(invoke: Invoke) -> None:
    for directory in ("data", "data/log"):
        (row,) = [line.split() for line in invoke("log", "verify", directory).stdout.splitlines() if "t-0" in line]
        assert row[:3] == ["t-0", "1", "3"]
        assert row[-1] == "good"
    assert "nothing is damaged" in invoke("log", "repair", "data").stdout


def test_damage_is_named_and_cut_off_after_a_copy(here: Path, invoke: Invoke) -> None:
    was = damage(here)
    with pytest.raises(StreamsError, match="damaged: t-0"):
        invoke("log", "verify", "data")
    assert (here / LOG).read_bytes() == was, "verify changes nothing"
    told = invoke("log", "repair", "data", "--yes").stdout
    assert "kept up to offset 1" in told
    assert "t-0: cut off, goes on at offset 3; what was there is in" in told
    (copy,) = (here / "data/log/damaged").rglob("*.log")
    assert copy.read_bytes() == was
    assert values(invoke) == ["one"]
    invoke("log", "verify", "data")


def test_batches_and_records_are_dumped(here: Path, invoke: Invoke) -> None:
    dumped = invoke("log", "dump", "data", "t", "--records").stdout
    assert "offsets 1-1 records 1" in dumped
    assert "b'k' b'two'" in dumped
    damage(here)
    assert "DAMAGE at position" in invoke("log", "dump", "data", "t-0").stdout
    with pytest.raises(ConfigError, match="no log of 'x'"):
        invoke("log", "dump", "data", "x")


def test_a_directory_copied_aside_is_a_log_of_its_own(here: Path, invoke: Invoke) -> None:
    shutil.copytree(here / "data", here / "copy")
    invoke("log", "verify", "copy")
    assert invoke("consume", "t", "--data-dir", "copy").stdout.split()[1::2] == ["one", "two", "three"]


def test_disk_usage_by_topic_and_partition(here: Path, invoke: Invoke) -> None:
    invoke("topics", "create", "large", "-p", 2, *DATA)
    invoke("produce", "large", "x" * 5_000, "--key", "k", *DATA)
    lines = [line.split() for line in invoke("log", "usage", "data").stdout.splitlines()]
    assert [line[0] for line in lines[:4]] == ["topic", "large", "t", "all"]
    assert lines[1][1:3] == ["2", "2"]
    size = (here / LOG).stat().st_size
    assert lines[2][3:5] == [str(size), "B"]
    assert lines[-1][-1] == "free"
    names = [line.split()[0] for line in invoke("log", "usage", "data", "-p").stdout.splitlines()]
    assert sorted(names[1:4]) == ["large-0", "large-1", "t-0"]


def test_what_is_no_log(here: Path, invoke: Invoke) -> None:
    with pytest.raises(ConfigError, match="no directory"):
        invoke("log", "verify", "nowhere")
