"""Dead letters by hand: listed with origin and error, sent back once."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ConfigError
from tests.unit.streams.cli.conftest import Invoke

DATA = ("--data-dir", "data")
APPLICATION = """
from streams import App, dead_letter

app = App("numbers", data_dir="data", partitions=2)
app.stream("in", key=str, value=str).map_values(int, name="parse", on_error=dead_letter("dlq")).to("out")
"""


@pytest.fixture(autouse=True)
def letters(here: Path, invoke: Invoke) -> None:
    (here / "app_file.py").write_text(APPLICATION)
    (here / "data").mkdir()
    invoke("produce", "in", "one", "2", "three", "--key", "k", *DATA)
    invoke("run", "app_file.py", "--until-end", "-q")


def test_a_letter_is_listed_and_sent_back_once(invoke: Invoke) -> None:
    listed = invoke("dlq", "list", "dlq", *DATA).stdout
    assert listed.count("parse") == 2 and listed.count("ValueError") == 2 and "in-" in listed
    assert "yes" not in listed.split()
    assert "sent 1 records back" in invoke("dlq", "redrive", "dlq", "--limit", "1", *DATA).stdout
    assert invoke("dlq", "list", "dlq", *DATA).stdout.split().count("yes") == 1
    assert "sent 1 records back" in invoke("dlq", "redrive", "dlq", *DATA).stdout
    assert "sent 0 records back" in invoke("dlq", "redrive", "dlq", *DATA).stdout
    assert invoke("consume", "in", *DATA).stdout.splitlines() == ["k\tone", "k\t2", "k\tthree", "k\tone", "k\tthree"]


def test_a_limit_shows_the_first(invoke: Invoke) -> None:
    assert invoke("dlq", "list", "dlq", "-n", 1, *DATA).stdout.count("parse") == 1


def test_an_empty_topic_and_one_that_is_none(invoke: Invoke) -> None:
    invoke("topics", "create", "empty", *DATA)
    assert "no dead letters in empty" in invoke("dlq", "list", "empty", *DATA).stdout
    for command in ("list", "redrive"):
        with pytest.raises(ConfigError, match="there is no topic 'nowhere'"):
            invoke("dlq", command, "nowhere", *DATA)
