"""Records that cannot be processed: one message with operator, place and fix; restarted, nothing lost or doubled."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams import App, serde
from streams.errors import ProcessingError, SerdeError, StreamsError
from tests.trouble.kit import counting, counts, put, run, send_lines, written

LINES = ["a b", "b c", "bad", "c d", "d e"]
CORRECT = {"a": 1, "b": 2, "bad": 1, "c": 2, "d": 2, "e": 1}


class Unlucky(Exception):
    """What the user's function raises."""


def splitting_all_but(bad: str) -> Callable[[str], list[str]]:
    def split(line: str) -> list[str]:
        if line == bad:
            raise Unlucky("cannot split this")
        return line.split()

    return split


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("bad", ["a b", "bad", "d e"])
def test_a_failing_function_names_the_record_and_a_corrected_one_goes_on(
    tmp_path: Path, bad: str, cache: bool, guarantee: str
) -> None:
    """First, middle and last record of a batch; exactly once, the results are then as if nothing had happened."""
    app = counting(tmp_path, split=splitting_all_but(bad), guarantee=guarantee)
    send_lines(app, *LINES, key="kk")
    for _ in range(2):  # it fails again, at the same place: nothing was skipped
        with pytest.raises(ProcessingError) as failed:
            run(app, cache=cache)
        error = failed.value
        assert (error.operator, error.offset, error.key) == ("split", LINES.index(bad), "kk")
        assert error.topic_partition is not None and error.topic_partition.topic == "lines"
        place = rf"topic lines, partition {error.topic_partition.partition}, offset {error.offset}, key 'kk'"
        assert re.search(rf"^split \(kit.py:\d+\) failed at {place}: \S*split raised", str(error))
        assert "Unlucky: cannot split this" in str(error)
        assert "correct it and start again" in str(error)
        assert isinstance(error.__cause__, Unlucky)
    corrected = counting(tmp_path, guarantee=guarantee)
    if guarantee == "exactly_once":
        assert written(corrected, "shouted") == []
    run(corrected, cache=cache)
    if guarantee == "exactly_once":
        assert written(corrected, "shouted") == [line.upper() for line in LINES]
        assert counts(corrected) == CORRECT
    else:
        assert set(written(corrected, "shouted")) == {line.upper() for line in LINES}
        assert all(counts(corrected)[word] >= count for word, count in CORRECT.items())


def test_what_was_committed_before_the_bad_record_stays(tmp_path: Path) -> None:
    app = counting(tmp_path, split=splitting_all_but("bad"))
    send_lines(app, *LINES[:2])
    run(app)
    before = written(app, "shouted"), counts(app)
    assert before == (["A B", "B C"], {"a": 1, "b": 2, "c": 1})
    send_lines(app, *LINES[2:])
    with pytest.raises(ProcessingError, match="offset 2, key 'k'"):
        run(app)
    assert (written(app, "shouted"), counts(app)) == before
    run(counting(tmp_path))
    assert (written(app, "shouted"), counts(app)) == ([line.upper() for line in LINES], CORRECT)


def sums(directory: Path, key: Any, value: Any) -> App:
    app = App("sums", data_dir=directory / "data", partitions=1)
    numbers = app.stream("numbers", key=key, value=value)
    numbers.filter(lambda key, value: bool(key) and value > 0, name="positive").to("out")
    return app


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (b"k", b"x77", r"value's 3 bytes are not value=int: b'x77' .*plain text, declare value=str"),
        (b"k", b"\0\0\0\0\0\0\0\7", r"value's 8 bytes are not value=int: .*declare value=serde.int64"),
        (b"\xff\xfe", b"7", r"key b'\\xff\\xfe': the key's 2 bytes are not key=str: .*key=bytes takes everything"),
    ],
    ids=["text for a number", "Kafka's binary number", "key"],
)
def test_an_undecodable_record(tmp_path: Path, key: bytes, value: bytes, message: str) -> None:
    """The message says what the bytes are and what to declare; declared so, the same records are all processed."""
    app = sums(tmp_path, str, int)
    raw = App("raw", data_dir=tmp_path / "data", partitions=1)
    put(raw, "numbers", (b"k", b"1"), (key, value), (b"k", b"2"))
    with pytest.raises(ProcessingError, match=r"^numbers-source \(test_bad_records.py:\d+\) failed at topic numbers, "
                       "partition 0, offset 1, key ") as failed:  # fmt: skip
        run(app)
    assert re.search(message, str(failed.value))
    assert written(app, "out") == []
    tolerant = App("sums", data_dir=tmp_path / "data", partitions=1)
    tolerant.stream("numbers", key=bytes, value=bytes).to("out")
    run(tolerant)
    assert written(raw, "out") == [b"1", value, b"2"]


def test_a_result_that_does_not_fit_its_type_names_the_writer(tmp_path: Path) -> None:
    app = App("misfit", data_dir=tmp_path / "data", partitions=1)
    app.stream("in", key=str, value=str).map_values(len, name="length").to("out", value=str)  # type: ignore[arg-type]
    app.send("in", "k", "four")
    with pytest.raises(ProcessingError, match=r"^out-sink .*offset 0, key 'k': the value 4 is of type int, but "
                       r"value=str is declared. Declare value=int, or return a str"):  # fmt: skip
        run(app)


def test_a_null_key_is_dropped_by_group_by_and_counted(tmp_path: Path) -> None:
    """As in Kafka Streams: a record of no key belongs to no group. It is counted, and nothing else is touched."""
    app = App("nulls", data_dir=tmp_path / "data", partitions=2)
    lines = app.stream("lines", key=str, value=str)

    def word_or_nobody(line: str) -> Any:
        return None if line == "nobody" else line

    lines.group_by(word_or_nobody, key=str, name="by").count(store="counts")
    lines.group_by_key().count(store="by-key")
    put(app, "lines", (b"k", b"a"), (None, b"a"), (b"k", b"nobody"), (None, b"nobody"), (b"k", b"b"))
    from streams.runtime.run import run_app

    metrics = run_app(app, until_end=True, quiet=True)
    assert counts(app) == {"a": 2, "b": 1}
    with app.query("by-key") as by_key:
        assert dict(by_key.all()) == {"k": 3}
    dropped = {name.split(": ")[1]: count for name, count in metrics.dropped.items()}
    assert sum(metrics.dropped.values()) == 4, metrics.dropped
    assert set(dropped) == {"null key"}


def test_sending_what_does_not_fit_says_what_to_declare(tmp_path: Path) -> None:
    app = sums(tmp_path, str, int)
    with pytest.raises(SerdeError, match="sending to topic 'numbers': the value 'x' is of type str, but value=int is"):
        app.send("numbers", "k", "x")
    with pytest.raises(
        SerdeError, match="sending to topic 'numbers': the key 7 is of type int, but key=str is declared"
    ):
        app.send("numbers", 7, 7)
    with pytest.raises(StreamsError, match="numbers"):
        list(app.read("numbers"))  # nothing was written, not even the topic


def test_reading_what_does_not_fit_names_the_record(tmp_path: Path) -> None:
    app = sums(tmp_path, str, int)
    App("raw", data_dir=tmp_path / "data", partitions=1).send("numbers", b"k", b"12")
    assert [record.value for record in app.read("numbers")] == [12]
    with pytest.raises(SerdeError, match=r"^topic numbers, partition 0, offset 0: the value's 2 bytes are not "
                       r"value=serde.int64: .*text of a number: declare value=int"):  # fmt: skip
        list(app.read("numbers", value=serde.int64))
