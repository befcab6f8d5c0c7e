"""Reading outputs: each once, in order, with the types that the topology or the test says."""

from __future__ import annotations

import pytest

from streams import App, SerdeError, StreamsError
from streams.testing import TopologyTestDriver
from tests.unit.streams.testing.apps import word_count


def test_each_record_is_read_once() -> None:
    app, lines, _ = word_count()
    driver = TopologyTestDriver(app)
    driver.send(lines, None, "a b a", timestamp=3)
    first = driver.read_record("counted")
    assert (first.key, first.value, first.timestamp, first.topic) == ("a", 1, 3, "counted")
    assert [(record.key, record.value) for record in driver.read("counted")] == [("b", 1), ("a", 2)]
    assert driver.read("counted") == []
    with pytest.raises(AssertionError, match=r"no unread record in topic 'counted'.*words-counts-changelog"):
        driver.read_record("counted")


def test_types_may_be_given_and_a_misfit_loses_nothing() -> None:
    app, lines, _ = word_count()
    driver = TopologyTestDriver(app)
    driver.send(lines, None, "ä")
    with pytest.raises(SerdeError, match="is no key of topic 'counted'"):
        driver.read("counted", key=int, value=int)
    (record,) = driver.read("counted", key=bytes, value=str)
    assert (record.key, record.value) == ("ä".encode(), "1")


def test_internal_topics_can_be_read_and_others_are_refused() -> None:
    app, lines, _ = word_count()
    driver = TopologyTestDriver(app)
    driver.send(lines, None, "a b")
    assert driver.read_values("words-counts-changelog") == [1, 1]
    with pytest.raises(StreamsError, match="does not write to topic 'lines'; it writes to counted"):
        driver.read("lines")


def test_topics_that_a_function_names_are_known_once_written() -> None:
    app = App("routes")
    app.stream("in", key=str, value=str).to(lambda value: f"to-{value}")
    driver = TopologyTestDriver(app)
    driver.send("in", "k", "x")
    assert driver.read("to-y") == [], "a function may name any topic"
    assert driver.read_values("to-x", value=str) == ["x"]


def test_what_nobody_read_is_listed() -> None:
    app, lines, _ = word_count()
    driver = TopologyTestDriver(app)
    driver.assert_drained()
    driver.send(lines, None, "a b", timestamp=7)
    driver.read_record("counted")
    with pytest.raises(AssertionError, match=r"counted: 1 unread\n  'b' = 1 at 7"):
        driver.assert_drained()
    driver.read("counted")
    driver.assert_drained()


def test_unread_records_of_unknown_type_are_listed_as_bytes() -> None:
    app = App("bad")
    app.stream("in", key=bytes, value=bytes).to("out")
    app.stream("out-too", key=str, value=int).to("out")  # the types by which "out" is read
    driver = TopologyTestDriver(app)
    driver.send("in", b"k", b"\xff")
    with pytest.raises(AssertionError, match=r"out: 1 unread\n  b'k' = b'\\xff'"):
        driver.assert_drained()
