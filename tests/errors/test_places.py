"""Wherever something can fail: operators with a function, sources, sinks, aggregations, and below a record cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, KStream, ProcessingError, dead_letter, fail, retry, serde, skip
from streams.dead_letters import origin_of
from streams.on_error import OnError
from streams.testing import TopologyTestDriver
from tests.errors.kit import Flaky, run

CACHE = pytest.mark.parametrize("cache", [False, True], ids=["uncached", "cached"])
Numbers = KStream[Any, Any]
LOOSE: serde.Serde[Any] = serde.of(lambda value: value if isinstance(value, bytes) else b"%d" % value, int, id="loose")
"""Integers; writes whatever bytes a test wants to be there."""


def to_out(stream: Numbers) -> None:
    stream.to("out", value=int)


OPERATORS: dict[str, Callable[[Numbers, Any, OnError], None]] = {
    "filter": lambda s, f, e: to_out(s.filter(f, name="x", on_error=e)),
    "filter_not": lambda s, f, e: to_out(s.filter_not(lambda value: not f(value), name="x", on_error=e)),
    "map": lambda s, f, e: to_out(s.map(lambda value: ("k", f(value)), key=str, value=int, name="x", on_error=e)),
    "map_values": lambda s, f, e: to_out(s.map_values(f, value=int, name="x", on_error=e)),
    "flat_map": lambda s, f, e: to_out(
        s.flat_map(lambda value: [("k", f(value))], key=str, value=int, name="x", on_error=e)
    ),
    "flat_map_values": lambda s, f, e: to_out(s.flat_map_values(lambda v: [f(v)], value=int, name="x", on_error=e)),
    "select_key": lambda s, f, e: to_out(s.select_key(f, key=int, name="x", on_error=e)),
    "peek": lambda s, f, e: to_out(s.peek(f, name="x", on_error=e)),
    "branch": lambda s, f, e: to_out(s.split(name="s").branch(f, "x", on_error=e)),
    "to": lambda s, f, e: s.to(lambda value: f(value) and "out", value=int, name="x", on_error=e),
    "partitioner": lambda s, f, e: s.to(
        "out", value=int, name="x", on_error=e, partitioner=lambda topic, key, value, count: f(value) and 0
    ),
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("policy", ["skip", "dead letter", "retry", "fail"])
@pytest.mark.parametrize("bad", [1, 3, 5])
def test_every_operator_with_a_function(operator: str, policy: str, bad: int) -> None:
    given: OnError = {"skip": skip, "dead letter": dead_letter("dlq"), "retry": retry("1s"), "fail": fail}[policy]
    app = App("app")
    flaky = Flaky({bad: 1})
    OPERATORS[operator](app.stream("in", key=str, value=int), flaky, given)
    good = [value for value in range(1, 6) if value != bad]
    if policy == "fail":
        with pytest.raises(ProcessingError, match=rf"x .*offset {bad - 1}, key 'a'"):
            run(app, range(1, 6))
        return
    driver = run(app, range(1, 6), waits=["1s"])
    assert driver.read_values("out", value=int) == (list(range(1, 6)) if policy == "retry" else good)
    assert flaky.calls == ([*range(1, bad), bad, *range(bad, 6)] if policy == "retry" else list(range(1, 6)))
    name = "s-x" if operator == "branch" else "x"
    reason = "skipped" if policy == "skip" else "dead letter"
    assert driver.drop_reasons == ({} if policy == "retry" else {(name, reason): 1})


def test_for_each() -> None:
    app = App("app")
    flaky = Flaky({2: 1, 4: -1})
    app.stream("in", key=str, value=int).for_each(flaky, name="x", on_error=retry("1s", attempts=2, then=skip))
    driver = run(app, range(1, 6), waits=["1s", "1s"])
    assert flaky.calls == [1, 2, 2, 3, 4, 4, 5]
    assert driver.drop_reasons == {("x", "skipped"): 1}


def test_a_record_that_a_branch_failed_on_goes_to_no_other_branch() -> None:
    app = App("app")
    split = app.stream("in", key=str, value=int).split()
    split.branch(Flaky({2: -1}, lambda value: value > 3), on_error=skip).to("large")
    split.branch(lambda value: value == 1).to("one")
    split.default().to("rest")
    driver = run(app, range(1, 6))
    assert (driver.read_values("large"), driver.read_values("one"), driver.read_values("rest")) == ([4, 5], [1], [3])


def test_a_generator_that_fails_midway_gives_nothing() -> None:
    """All results or none: a second attempt must not repeat the first ones."""
    fails = [True]

    def pieces(value: int) -> Any:
        yield value
        if value == 2 and fails.pop():
            raise ValueError
        yield -value

    for policy, expected in ((skip, [1, -1, 3, -3]), (retry("1s"), [1, -1, 2, -2, 3, -3])):
        fails[:] = [False, True]
        app = App("app")
        app.stream("in", key=str, value=int).flat_map_values(pieces, value=int, on_error=policy).to("out")
        assert run(app, [1, 2, 3], waits=["1s"]).read_values("out") == expected


def test_generators_above_a_retry_are_asked_once() -> None:
    asked: list[int] = []

    def pieces(value: int) -> Any:
        asked.append(value)
        yield from (value, value * 10)

    app = App("app")
    flaky = Flaky({20: 1})
    pieces_of = app.stream("in", key=str, value=int).flat_map_values(pieces, value=int)
    pieces_of.map_values(flaky, value=int, on_error=retry("1s")).to("out")
    driver = run(app, [1, 2, 3])
    assert driver.read_values("out") == [1, 10], "nothing of the record that waits, its first piece included"
    driver.advance_wall_clock("1s")
    assert driver.read_values("out") == [2, 20, 3, 30]
    assert (asked, flaky.calls) == ([1, 2, 3], [1, 10, 2, 20, 20, 3, 30])


class TestSources:
    def app(self, on_error: OnError, **source: Any) -> App:
        app = App("app")
        numbers = app.stream("in", key=str, value=LOOSE, on_error=on_error, **source)
        numbers.to("copy")
        numbers.map_values(lambda value: value * 2, value=int).to("out")
        return app

    def send(self, app: App, *values: Any) -> TopologyTestDriver:
        return run(app, values)

    @pytest.mark.parametrize("bad", [0, 1, 2])
    def test_what_cannot_be_decoded_has_no_effect_at_all(self, bad: int) -> None:
        """Also not in a branch that would have passed the bytes on: as if it had been decoded before everything."""
        values = [b"1", b"2", b"3"]
        values[bad] = b"{"
        driver = self.send(self.app(dead_letter("dlq")), *values)
        good = [int(value) for value in values if value != b"{"]
        assert driver.read_values("copy") == good
        assert driver.read_values("out") == [value * 2 for value in good]
        letter = driver.read_record("dlq", value=bytes)
        origin = origin_of(letter.headers)
        assert origin is not None
        assert (letter.value, origin.operator, origin.offset) == (b"{", "in-source", bad)
        assert driver.drop_reasons == {("in-source", "dead letter"): 1}

    def test_keys_too(self) -> None:
        app = App("app", on_error=skip)
        app.stream("in", key=LOOSE, value=bytes).map(lambda key, value: (key, value), key=int, value=bytes).to("out")
        with TopologyTestDriver(app) as driver:
            driver.send("in", b"{", b"")
            driver.send("in", 1, b"")
            assert len(driver.read("out")) == 1
        assert driver.drop_reasons == {("in-source", "skipped"): 1}

    def test_what_nobody_looks_at_passes(self) -> None:
        app = App("app", on_error=skip)
        app.stream("in", key=str, value=LOOSE).to("out")
        assert self.send(app, b"{").read_values("out", value=bytes) == [b"{"]

    @pytest.mark.parametrize("bad", [0, 1, 2])
    def test_a_timestamp_that_cannot_be_taken(self, bad: int) -> None:
        def time_of(value: int) -> int:
            if value == bad:
                raise ValueError(f"no time {value}")
            return 1_000 + value

        app = self.app(dead_letter("dlq"), timestamp=time_of)
        driver = run(app, [0, 1, 2])
        good = [value for value in range(3) if value != bad]
        assert [(record.value, record.timestamp) for record in driver.read("copy")] == [(v, 1_000 + v) for v in good]
        letter = driver.read_record("dlq", value=int)
        assert (letter.value, letter.timestamp) == (bad, bad), "the timestamp that it came with"

    def test_many_bad_records_in_one_batch(self) -> None:
        app = self.app(skip, timestamp=Flaky(dict.fromkeys((0, 1, 3, 4, 7), -1), lambda value: value))
        driver = run(app, range(8))
        assert driver.read_values("out") == [4, 10, 12]
        assert driver.drop_reasons == {("in-source", "skipped"): 5}

    def test_a_timestamp_may_be_there_later(self) -> None:
        flaky = Flaky({1: 2}, lambda value: 1_000 + value)
        driver = run(self.app(retry("1s"), timestamp=flaky), range(3))
        assert driver.read_values("copy") == [0]
        driver.advance_wall_clock("1s")
        driver.advance_wall_clock("2s")
        assert [record.timestamp for record in driver.read("copy")] == [1_001, 1_002]
        assert driver.read_values("out") == [0, 2, 4]

    def test_and_if_not_the_error_is_the_usual_one(self) -> None:
        flaky = Flaky({1: -1}, lambda value: value)
        with pytest.raises(ProcessingError, match=r"in-source .*offset 1, key 'a': .*ValueError: no 1"):
            run(self.app(retry("1s", attempts=2), timestamp=flaky), range(3), waits=["1s"])

    def test_without_a_policy_the_operator_below_is_not_to_blame(self) -> None:
        """A decoding error belongs to the source, whose policy is to fail, not to the operator that looked first."""
        app = App("app")
        app.stream("in", key=str, value=LOOSE).map_values(lambda value: value, value=int, on_error=skip).to("out")
        with pytest.raises(ProcessingError, match=r"in-source .*offset 0"):
            self.send(app, b"{")


class TestSinks:
    @pytest.mark.parametrize("policy", [skip, dead_letter("dlq"), skip(whole_record=True)])
    def test_a_value_that_does_not_fit(self, policy: OnError) -> None:
        app = App("app")
        numbers = app.stream("in", key=str, value=int)
        numbers.to("before")
        numbers.map_values(lambda value: "text" if value == 2 else value, value=int).to(
            "out", name="x", on_error=policy
        )
        driver = run(app, [1, 2, 3])
        assert driver.read_values("out") == [1, 3]
        undone = policy == skip(whole_record=True)
        assert driver.read_values("before") == ([1, 3] if undone else [1, 2, 3])
        assert sum(driver.drop_reasons.values()) == 1

    def test_headers_stay_with_their_records(self) -> None:
        app = App("app")
        app.stream("in", key=str, value=int).map_values(lambda value: "" if value == 2 else value, value=int).to(
            "out", on_error=skip(whole_record=True)
        )
        with TopologyTestDriver(app, partitions=1) as driver:
            for value, headers in ((1, ()), (2, [("h", b"2")]), (3, [("h", b"3")]), (2, [("h", b"2")]), (4, ())):
                driver.enqueue("in", "a", value, headers=headers)
            driver.process()
            assert [(r.value, r.headers) for r in driver.read("out")] == [(1, ()), (3, (("h", b"3"),)), (4, ())]

    def test_a_repartition_topic(self) -> None:
        app = App("app")
        texts = app.stream("in", key=str, value=int).map_values(lambda value: "" if value == 2 else value, value=int)
        texts.repartition(name="moved", on_error=skip).to("out")
        driver = run(app, [1, 2, 3])
        assert driver.read_values("out") == [1, 3]
        assert driver.drop_reasons == {("moved-repartition-sink", "skipped"): 1}

    def test_a_topic_function_of_an_undone_record_leaves_no_columns(self) -> None:
        app = App("app")
        numbers = app.stream("in", key=str, value=int)
        numbers.to(lambda value: f"to-{value}")
        numbers.for_each(Flaky({2: -1}), on_error=skip(whole_record=True))
        driver = run(app, [1, 2, 1])
        assert driver.read_values("to-1", value=int) == [1, 1]
        assert driver.read("to-2") == []


class TestAggregates:
    def app(self, adder: Callable[[list[int], int], Any], on_error: OnError) -> App:
        app = App("app")
        grouped = app.stream("in", key=str, value=int).group_by_key()
        table = grouped.aggregate(list, adder, value=list[int], store="lists", on_error=on_error)
        table.to_stream().to("out")
        grouped.count(store="counts")
        return app

    @CACHE
    @pytest.mark.parametrize("at_once", [False, True])
    @pytest.mark.parametrize("bad", [0, 2, 4])
    @pytest.mark.parametrize("policy", [skip, dead_letter("dlq"), lambda error: skip, skip(whole_record=True)])
    def test_an_aggregate_that_was_changed_and_then_failed_is_as_before(
        self, cache: bool, at_once: bool, bad: int, policy: OnError
    ) -> None:
        def add(values: list[int], value: int) -> list[int]:
            values.append(value)
            if value == bad:
                raise ValueError("changed, and failed")
            return values

        driver = run(self.app(add, policy), range(5), cache=cache, at_once=at_once)
        good = [value for value in range(5) if value != bad]
        assert driver.store("lists")["a"] == driver.read_values("out")[-1] == good
        assert driver.store("counts")["a"] == (4 if policy == skip(whole_record=True) else 5)
        driver.crash()
        assert driver.store("lists")["a"] == good

    @CACHE
    def test_a_retried_adder_starts_from_what_was_before(self, cache: bool) -> None:
        fails = [2]

        def add(values: list[int], value: int) -> list[int]:
            values.append(value)
            if value == 1 and fails[0]:
                fails[0] -= 1
                raise ValueError
            return values

        driver = run(self.app(add, retry("1s")), range(3), cache=cache, waits=["1s", "2s"])
        assert driver.store("lists")["a"] == [0, 1, 2]
        assert driver.store("counts")["a"] == 3

    @CACHE
    @pytest.mark.parametrize("kind", ["initializer", "reduce", "key"])
    def test_the_other_functions(self, cache: bool, kind: str) -> None:
        app = App("app")
        grouped = app.stream("in", key=str, value=int).group_by_key()
        flaky = Flaky({1: -1})
        fails = [True]

        def start() -> int:
            if fails.pop():
                fails.append(False)
                raise ValueError
            fails.append(False)
            return 0

        if kind == "initializer":
            grouped.aggregate(start, lambda total, value: total + value, value=int, store="s", on_error=skip)
        elif kind == "reduce":
            grouped.reduce(lambda total, value: total + flaky(value), store="s", on_error=skip)
        else:
            add: Any = lambda key, total, value: total + flaky(value)  # noqa: E731
            grouped.aggregate(int, add, value=int, store="s", on_error=skip)
        driver = run(app, [10, 1, 5], cache=cache)
        assert driver.store("s")["a"] == (6 if kind == "initializer" else 15)
        assert driver.drop_reasons == {("s", "skipped"): 1}

    @CACHE
    def test_a_result_of_another_type_is_found_at_its_record(self, cache: bool) -> None:
        """With the cache it would be written at the next flush only, when nobody knows any more whose fault it was."""
        add: Any = lambda values, value: "text" if value == 1 else [*values, value]  # noqa: E731
        driver = run(self.app(add, dead_letter("dlq")), range(3), cache=cache)
        assert driver.store("lists")["a"] == [0, 2]
        assert driver.read_values("dlq") == [b"1"]

    @CACHE
    def test_timestamps_and_deletions(self, cache: bool) -> None:
        add: Any = lambda total, value: None if value == 3 else total + Flaky({2: -1})(value)  # noqa: E731
        app = App("app")
        grouped = app.stream("in", key=str, value=int).group_by_key()
        grouped.aggregate(int, add, value=int, store="s", on_error=skip).to_stream().to("out")
        with TopologyTestDriver(app, partitions=1, cache=cache) as driver:
            for value, timestamp in ((1, 50), (2, 900), (1, 20), (3, 60), (2, 7), (1, 5)):
                driver.send("in", "a", value, timestamp=timestamp)
            found = [(record.value, record.timestamp) for record in driver.read("out")]
            assert found == [(1, 50), (2, 50), (None, 60), (1, 5)]


class TestBelowACache:
    def app(self, function: Any, on_error: OnError) -> App:
        app = App("app")
        counts = app.stream("in", key=str, value=int).group_by(lambda value: value, key=int).count(store="counts")
        counts.to_stream().map_values(function, value=int, name="x", on_error=on_error).to("out")
        return app

    @CACHE
    def test_a_change_that_fails_ends_there(self, cache: bool) -> None:
        driver = run(self.app(Flaky({2: -1}), dead_letter("dlq")), [7, 8, 8, 9], cache=cache)
        assert sorted(driver.read_values("out")) == ([1, 1] if cache else [1, 1, 1])
        assert driver.store("counts")[8] == 2, "the row stays"
        letter = driver.read_record("dlq", key=int)
        origin = origin_of(letter.headers)
        assert origin is not None
        assert letter.key == 8
        if cache:
            assert (origin.topic, origin.partition, origin.offset) == ("", -1, -1), "no single record caused it"
        else:
            assert origin.topic == "app-counts-repartition"

    @CACHE
    def test_a_retry_there_belongs_to_its_record(self, cache: bool) -> None:
        """A store whose changes reach an operator that may wait has no record cache."""
        flaky = Flaky({2: 1})
        driver = run(self.app(flaky, retry("1s")), [7, 8, 8, 9], cache=cache)
        assert sorted(driver.read_values("out")) == [1, 1]
        driver.advance_wall_clock("1s")
        assert driver.read_values("out") == [2, 1]
        assert flaky.calls == [1, 1, 2, 2, 1]
