"""Records in and out by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from streams.errors import ConfigError
from tests.unit.streams.cli.conftest import Invoke

DATA = ("--data-dir", "data")


@pytest.fixture(autouse=True)
def log(here: Path) -> None:
    (here / "data").mkdir()


def test_values_or_lines_of_standard_input(invoke: Invoke) -> None:
    assert "2 records written to lines" in invoke("produce", "lines", "a", "b", *DATA, "-k", "k").stderr
    invoke("produce", "lines", *DATA, "--key-separator", ":", "-k", "k", stdin="x:1\nno separator\n")
    out = invoke("consume", "lines", *DATA).stdout
    assert sorted(out.splitlines()) == ["k\ta", "k\tb", "k\tno separator", "x\t1"]
    invoke("produce", "lines", *DATA, stdin="")


def test_positions_and_a_limit(invoke: Invoke) -> None:
    invoke("produce", "lines", "a", "b", "c", "--key", "k", *DATA)
    lines = invoke("consume", "lines", "--positions", "--limit", 2, *DATA).stdout.splitlines()
    assert [line.split("\t")[1::2] for line in lines] == [["0", "k"], ["1", "k"]]
    invoke("consume", "lines", "--limit", 0, *DATA, status=2)


@pytest.mark.parametrize(
    ("form", "shown"), [("text", "12345678"), ("json", "12345678"), ("hex", "3132333435363738"),
                        ("int64", str(0x3132333435363738)), ("float64", str(struct.unpack(">d", b"12345678")[0]))],
)  # fmt: skip
def test_formats(invoke: Invoke, form: str, shown: str) -> None:
    invoke("produce", "numbers", "12345678", *DATA)
    assert invoke("consume", "numbers", "--value", form, *DATA).stdout == f"null\t{shown}\n"


def test_bytes_of_another_format_are_shown_as_they_are(invoke: Invoke) -> None:
    """A look never fails."""
    invoke("produce", "words", "text", "--key", "k", *DATA)
    assert invoke("consume", "words", "-k", "int64", "-v", "json", *DATA).stdout == "b'k'\tb'text'\n"


def test_a_topic_that_is_not_there(invoke: Invoke) -> None:
    with pytest.raises(ConfigError, match="there is no topic 'nowhere'"):
        invoke("consume", "nowhere", *DATA)


def test_a_topic_that_is_made_by_the_way_is_told(invoke: Invoke) -> None:
    """A mistyped name is not an error, as with Kafka's tools; it is not to go unnoticed either."""
    first = invoke("produce", "lnes", "a", *DATA).stderr
    assert first == "there was no topic lnes; made it, with 4 partitions\n1 record written to lnes\n"
    assert invoke("produce", "lnes", "a", "b", *DATA).stderr == "2 records written to lnes\n"
