"""What every stateless operator keeps: headers, timestamps, tombstones; and the ways in and out beside plain topics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from streams import App, KStream, ProcessingError
from streams.testing import TopologyTestDriver

Lines = KStream[Any, Any]
HEADERS = (("trace", b"7"), ("nothing", None), ("trace", b"8"))

OPERATORS: dict[str, Callable[[Lines], Lines]] = {
    "filter": lambda lines: lines.filter(lambda value: True),
    "filter_not": lambda lines: lines.filter_not(lambda value: False),
    "map": lambda lines: lines.map(lambda key, value: (key, value), key=str, value=str),
    "map_values": lambda lines: lines.map_values(lambda value: value, value=str),
    "flat_map": lambda lines: lines.flat_map(lambda key, value: [(key, value)], key=str, value=str),
    "flat_map_values": lambda lines: lines.flat_map_values(lambda value: [value], value=str),
    "select_key": lambda lines: lines.select_key(lambda key, value: key, key=str),
    "peek": lambda lines: lines.peek(lambda value: None),
    "merge": lambda lines: lines.merge(lines.filter(lambda value: False)),
    "branch": lambda lines: lines.split().branch(lambda value: True),
    "default": lambda lines: lines.split().default(),
    "repartition": lambda lines: lines.repartition(),
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("value", ["text", None])
@pytest.mark.parametrize("headers", [(), HEADERS])
def test_headers_timestamps_and_tombstones_pass(operator: str, value: str | None, headers: Any) -> None:
    app = App("app")
    OPERATORS[operator](app.stream("in", key=str, value=str)).to("out")
    with TopologyTestDriver(app) as driver:
        driver.send("in", "a", value, timestamp=17, headers=headers)
        found = driver.read_record("out")
        assert (found.key, found.value, found.timestamp, found.headers) == ("a", value, 17, headers)
        driver.assert_drained()


def test_several_topics_are_one_source() -> None:
    app = App("app")
    both = app.stream(["north", "south"], key=str, value=int, timestamp=lambda value: value)
    both.map_values(lambda key, value, context: f"{context.topic} {value}", value=str).to("out")
    both.group_by_key().count(store="counts")
    with TopologyTestDriver(app, topics={"north": 1, "south": 1}) as driver:
        driver.enqueue("north", "a", 30)
        driver.enqueue("south", "a", 10)
        driver.enqueue("north", "a", 40)
        driver.process()
        assert driver.read_values("out") == ["south 10", "north 30", "north 40"]
        assert driver.store("counts")["a"] == 3


class TestTopicOfTheRecord:
    def app(self, choose: Callable[..., Any]) -> App:
        app = App("app")
        app.stream("in", key=str, value=str).to(choose)
        return app

    def test_each_record_goes_where_the_function_says(self) -> None:
        with TopologyTestDriver(self.app(lambda key, value: f"to-{key}")) as driver:
            driver.send("in", "a", "1", headers=HEADERS)
            driver.send("in", "b", "2")
            driver.send("in", "a", None)
            first, second = driver.read("to-a", value=str)
            assert (first.value, first.headers, second.value, second.headers) == ("1", HEADERS, None, ())
            assert driver.read_values("to-b", value=str) == ["2"]

    def test_the_context_names_the_origin(self) -> None:
        with TopologyTestDriver(self.app(lambda key, value, context: f"{context.topic}-copy")) as driver:
            driver.send("in", "a", "1")
            assert driver.read_values("in-copy", value=str) == ["1"]

    @pytest.mark.parametrize("answer", [None, "", 7, "no spaces", "ü", "x" * 250, "."])
    def test_what_is_no_topic_is_an_error_at_the_sink(self, answer: Any) -> None:
        with TopologyTestDriver(self.app(lambda value: answer)) as driver:
            said = "in-sink .*topic in, partition .* offset 0, key 'a'.*name of a topic"
            with pytest.raises(ProcessingError, match=said):
                driver.send("in", "a", "1")


class TestExtractors:
    def send(self, extractor: Callable[[int], Any], value: int | None) -> list[int]:
        app = App("app")
        app.stream("in", key=str, value=int, timestamp=extractor).to("out")
        with TopologyTestDriver(app, partitions=1) as driver:
            driver.enqueue("in", "good", 1, timestamp=5)
            driver.enqueue("in", "b", value, timestamp=5)
            driver.process()
            return [record.timestamp for record in driver.read("out")]

    def test_a_tombstone_keeps_its_own(self) -> None:
        assert self.send(lambda value: 30, None) == [30, 5]

    @pytest.mark.parametrize(
        ("extractor", "reason"),
        [
            (lambda value: 1 if value == 1 else 1 // 0, "raised .*ZeroDivisionError"),
            (lambda value: 1 if value == 1 else "1970", "an int of milliseconds or an aware datetime, not '1970'"),
            (lambda value: 1 if value == 1 else True, "not True"),
            (lambda value: 1 if value == 1 else None, "not None"),
            (lambda value: 1 if value == 1 else datetime(2024, 1, 1), "has no time zone"),
        ],
    )
    def test_a_wrong_answer_names_source_record_and_reason(self, extractor: Any, reason: str) -> None:
        with pytest.raises(ProcessingError, match=f"in-source .*offset 1, key 'b': .*{reason}"):
            self.send(extractor, 2)

    def test_a_negative_time_drops_the_record(self) -> None:
        assert self.send(lambda value: -value if value > 1 else value, 2) == [1]
