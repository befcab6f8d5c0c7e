"""Topics by hand: made, listed, described, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ClientError, ConfigError
from tests.unit.broker_core.broker_process import BrokerProcess
from tests.unit.streams.cli.conftest import Invoke

DATA = ("--data-dir", "data")


@pytest.fixture(autouse=True)
def log(here: Path) -> None:
    (here / "data").mkdir()


def test_a_topics_life(invoke: Invoke) -> None:
    assert (
        "created t with 3 partitions"
        in invoke(
            "topics", "create", "t", "-p", 3, "-c", "retention.ms=1000", "-c", "cleanup.policy=compact", *DATA
        ).stdout
    )
    invoke("produce", "t", "v", "--key", "k", *DATA)
    assert invoke("topics", "list", *DATA).stdout.split() == ["topic", "partitions", "offsets", "t", "3", "1"]
    described = invoke("topics", "describe", "t", *DATA).stdout
    assert described.split()[:4] == ["partition", "start", "end", "bytes"]
    assert "retention.ms = 1000\n" in described
    assert "cleanup.policy = compact\n" in described
    assert "deleted t" in invoke("topics", "delete", "t", *DATA).stdout
    assert "t" not in invoke("topics", "list", *DATA).stdout.split()


def sizes_told(described: str) -> tuple[list[int], int]:
    """The column, and the sum that is told."""
    lines = [line.split() for line in described.splitlines()]
    (total,) = [int(line[0].replace(",", "")) for line in lines if line[1:] == ["bytes", "on", "disk"]]
    rows = [line for line in lines if len(line) == 4 and line[0].isdecimal() and line[1:] != ["bytes", "on", "disk"]]
    return [int(row[3].replace(",", "")) for row in rows], total


def test_bytes_on_disk_are_told_by_partition_and_in_all(invoke: Invoke, here: Path) -> None:
    """Those of the log: what is reserved for it is not counted."""
    invoke("topics", "create", "t", "-p", 2, "-c", "preallocate=true", "-c", "segment.bytes=100000", *DATA)
    assert sizes_told(invoke("topics", "describe", "t", *DATA).stdout) == ([0, 0], 0)
    invoke("produce", "t", "v" * 1_000, *DATA)
    each, total = sizes_told(invoke("topics", "describe", "t", *DATA).stdout)
    assert sorted(each) == [0, total] and 1_000 < total < 2_000


def test_bytes_on_disk_of_a_broker(invoke: Invoke, tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "served", "min.free.bytes=0") as broker:
        at = ("--broker", broker.address)
        invoke("topics", "create", "t", "-p", 1, "-c", "preallocate=true", "-c", "segment.bytes=100000", *at)
        invoke("produce", "t", "v" * 1_000, *at)
        log = next((tmp_path / "served").rglob("t-0/*.log"))
        each, total = sizes_told(invoke("topics", "describe", "t", *at).stdout)
        assert 1_000 < each[0] == total < 2_000 < log.stat().st_size == 100_000
        broker.terminate()
    assert log.stat().st_size == total, "trimmed when the broker ended"


def test_internal_topics_are_shown_on_request(invoke: Invoke) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    assert "__transaction_state" not in invoke("topics", "list", *DATA).stdout
    assert "__transaction_state" in invoke("topics", "list", "--internal", *DATA).stdout


def test_what_cannot_be(invoke: Invoke) -> None:
    invoke("topics", "create", "t", *DATA)
    with pytest.raises(ConfigError, match="topic 't' exists already; 'streams topics describe t' shows it"):
        invoke("topics", "create", "t", *DATA)
    with pytest.raises(ConfigError, match="there is no topic 'x'; 'streams topics list' names those"):
        invoke("topics", "describe", "x", *DATA)
    with pytest.raises(ClientError, match="x"):
        invoke("topics", "delete", "x", *DATA)
    with pytest.raises(ClientError, match=r"retention.ms"):
        invoke("topics", "create", "u", "-c", "retention.ms=soon", *DATA)
    assert "'nonsense' is not name=value" in invoke("topics", "create", "u", "-c", "nonsense", *DATA, status=2).stderr
    invoke("topics", "create", "u", "-p", 0, *DATA, status=2)


def test_the_first_topic_makes_the_log_and_says_so(invoke: Invoke, here: Path) -> None:
    new = ("--data-dir", "new")
    with pytest.raises(ConfigError, match=r"there is no embedded log in new; .*streams topics create"):
        invoke("produce", "t", "v", *new)
    assert "makes a new log in new" in invoke("topics", "create", "t", "-p", 8, *new).stderr
    assert "new log" not in invoke("topics", "create", "u", *new).stderr
    assert invoke("topics", "list", *new).stdout.split()[3:6] == ["t", "8", "0"]


def test_settings_are_altered(invoke: Invoke) -> None:
    invoke("topics", "create", "t", "-p", 1, "-c", "retention.ms=1000", *DATA)
    told = invoke("topics", "alter", "t", "-c", "segment.ms=5", "-c", "retention.ms=", *DATA).stdout
    assert told.splitlines() == ["t: segment.ms = 5", "t: retention.ms = default"]
    described = invoke("topics", "describe", "t", *DATA).stdout
    assert "segment.ms = 5\n" in described
    assert "retention.ms = -1\n" in described
    with pytest.raises(ClientError, match=r"segment\.ms.*'x' is no long"):
        invoke("topics", "alter", "t", "-c", "segment.ms=x", *DATA)
    with pytest.raises(ClientError, match="no such topic"):
        invoke("topics", "alter", "u", "-c", "segment.ms=5", *DATA)


def test_records_are_counted(invoke: Invoke) -> None:
    invoke("topics", "create", "t", "-p", 1, *DATA)
    for value in ("a", "bb"):
        invoke("produce", "t", value, "--key", "k", *DATA)
    row = invoke("topics", "records", "t", *DATA).stdout.splitlines()[-1].split()
    assert row[:5] == ["0", "2", "5", "3", "0"]
