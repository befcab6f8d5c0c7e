"""What each policy leaves behind: which effects of a failing record stay, and which functions are called again.

On the compiled path as users run it, in the middle of a batch and record by record, with the record cache on and off.
"""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, ErrorContext, ProcessingError, StreamsError, dead_letter, fail, retry, skip
from streams.dead_letters import origin_of
from streams.on_error import OnError
from streams.testing import TopologyTestDriver
from tests.errors.kit import Flaky, run

CACHE = pytest.mark.parametrize("cache", [False, True], ids=["uncached", "cached"])
AT_ONCE = pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "one batch"])
PLACE = pytest.mark.parametrize("bad", [0, 2, 4], ids=["first", "middle", "last"])
ENDING: dict[str, OnError] = {
    "skip": skip,
    "dead letter": dead_letter("dlq"),
    "chosen": lambda error: skip,
    "exhausted": retry("1s", attempts=1, then=skip),
}


def branches(function: Any, on_error: OnError, calls: list[Any] | None = None) -> App:
    """A record goes to ``before``, through the function that may fail to ``out``, and to the store ``counts``."""
    app = App("app")
    numbers = app.stream("in", key=str, value=int)
    numbers.peek((calls if calls is not None else []).append).to("before")
    numbers.map_values(function, name="flaky", value=int, on_error=on_error).to("out")
    numbers.group_by_key().count(store="counts").to_stream().to("counted")
    return app


@CACHE
@AT_ONCE
@PLACE
@pytest.mark.parametrize("policy", ENDING)
def test_the_record_ends_at_the_operator_and_its_other_effects_stay(
    cache: bool, at_once: bool, bad: int, policy: str
) -> None:
    """KIP-1033: in one branch of two nothing comes out; the other, before and after it, does not notice."""
    flaky = Flaky({bad: -1}, lambda value: value * 10)
    driver = run(branches(flaky, ENDING[policy]), range(5), cache=cache, at_once=at_once)
    assert driver.read_values("before") == [0, 1, 2, 3, 4]
    assert driver.read_values("out") == [value * 10 for value in range(5) if value != bad]
    assert driver.read_values("counted")[-1] == driver.store("counts")["a"] == 5
    assert flaky.calls == [0, 1, 2, 3, 4]
    reason = "dead letter" if policy == "dead letter" else "skipped"
    assert driver.drop_reasons == {("flaky", reason): 1}


@CACHE
@AT_ONCE
@PLACE
@pytest.mark.parametrize(
    "policy", [skip(whole_record=True), dead_letter("dlq", whole_record=True), lambda error: skip(whole_record=True)]
)
def test_a_whole_record_leaves_nothing(cache: bool, at_once: bool, bad: int, policy: OnError) -> None:
    flaky = Flaky({bad: -1})
    driver = run(branches(flaky, policy), range(5), cache=cache, at_once=at_once)
    good = [value for value in range(5) if value != bad]
    assert driver.read_values("before") == driver.read_values("out") == good
    assert driver.read_values("counted")[-1] == driver.store("counts")["a"] == 4
    assert flaky.calls == [0, 1, 2, 3, 4]
    assert sum(driver.drop_reasons.values()) == 1


@CACHE
@AT_ONCE
@PLACE
@pytest.mark.parametrize(
    "policy", [retry("1s"), lambda error: retry("1s"), retry("1s", attempts=3, then=dead_letter("dlq"))]
)
def test_a_retry_calls_only_what_failed(cache: bool, at_once: bool, bad: int, policy: OnError) -> None:
    """The record keeps its place, its effects come once, and no other function is called for it again."""
    flaky, seen = Flaky({bad: 2}), list[int]()
    driver = run(branches(flaky, policy, seen), range(5), cache=cache, at_once=at_once)
    assert driver.read_values("before") == list(range(bad)), "nothing of a record that waits, or of those behind it"
    assert driver.store("counts").get("a") == (bad or None)
    driver.advance_wall_clock("999ms")
    assert len(flaky.calls) == bad + 1, "not due yet"
    driver.advance_wall_clock("1ms")
    assert len(flaky.calls) == bad + 2, "failed again: due in 2 s"
    driver.advance_wall_clock("2s")
    assert driver.read_values("before") == list(range(bad, 5))
    assert driver.read_values("out") == [0, 1, 2, 3, 4]
    assert driver.read_values("counted")[-1] == driver.store("counts")["a"] == 5
    assert flaky.calls == [*range(bad), bad, bad, *range(bad, 5)]
    assert seen == [0, 1, 2, 3, 4]
    assert driver.drop_reasons == {}


def test_what_follows_the_last_attempt() -> None:
    for then, reason in ((skip, "skipped"), (dead_letter("dlq"), "dead letter")):
        flaky = Flaky({1: -1})
        driver = run(branches(flaky, retry("1s", attempts=3, then=then)), range(3), waits=["1s", "2s"])
        assert flaky.calls == [0, 1, 1, 1, 2]
        assert (driver.read_values("out"), driver.drop_reasons) == ([0, 2], {("flaky", reason): 1})
    with pytest.raises(ProcessingError, match=r"flaky .*offset 1, key 'a'.*ValueError: no 1"):
        run(branches(Flaky({1: -1}), retry("1s", attempts=2)), range(3), waits=["1s"])


@CACHE
def test_a_crash_during_a_wait_begins_the_record_anew(cache: bool) -> None:
    """The committed position is exactly that record; attempts are not remembered."""
    flaky = Flaky({1: 3})
    driver = run(branches(flaky, retry("1s", attempts=3, then=skip)), range(3), cache=cache, waits=["1s"])
    assert (driver.read_values("before"), flaky.calls) == ([0], [0, 1, 1])
    driver.crash()
    driver.process()
    driver.advance_wall_clock("1s")
    assert driver.read_values("before") == [1, 2]
    assert driver.read_values("out") == [0, 1, 2]
    assert driver.store("counts")["a"] == 3
    assert flaky.calls == [0, 1, 1, 1, 1, 2]


def test_other_tasks_do_not_wait() -> None:
    flaky = Flaky({1: 1})
    app = branches(flaky, retry("1s"))
    with TopologyTestDriver(app, partitions=2) as driver:
        driver.send("in", "a", 1, partition=0)
        driver.send("in", "a", 2, partition=0)
        driver.send("in", "b", 3, partition=1)
        assert driver.read_values("out") == [3]
        driver.advance_wall_clock("1s")
        assert driver.read_values("out") == [1, 2]


def test_a_record_that_waits_comes_before_what_arrives_meanwhile() -> None:
    """Results depend on the order of records, never on when they arrive: the choice has been made."""
    flaky = Flaky({1: 1})
    app = App("app")
    both = app.stream("in", key=str, value=int).merge(app.stream("late", key=str, value=int))
    both.map_values(flaky, value=int, on_error=retry("1s")).to("out")
    driver = run(app, [0, 1])
    driver.send("late", "a", 7, timestamp=0)
    assert driver.read_values("out") == [0]
    driver.advance_wall_clock("1s")
    assert driver.read_values("out") == [1, 7]


def test_a_wait_in_front_of_an_internal_topic_and_behind_it() -> None:
    app = App("app")
    moved = Flaky({2: 1}, str)
    counted = Flaky({2: 1})
    grouped = app.stream("in", key=str, value=int).group_by(moved, key=str, name="moved", on_error=retry("1s"))
    grouped.count(store="counts").to_stream().map_values(counted, value=int, on_error=retry("1s")).to("out")
    driver = run(app, [2, 2])
    assert driver.read("out") == []
    driver.advance_wall_clock("1s")
    assert driver.read_values("out") == [1]
    driver.advance_wall_clock("1s")
    assert driver.read_values("out") == [2]
    assert (moved.calls, counted.calls) == ([2, 2, 2], [1, 2, 2])


class TestChoosing:
    def test_the_function_learns_of_error_and_record(self) -> None:
        heard: list[tuple[str, ErrorContext]] = []

        def choose(error: Exception, context: ErrorContext) -> Any:
            heard.append((str(error), context))
            return retry("1s") if context.attempt < 3 else dead_letter("dlq")

        driver = run(branches(Flaky({1: -1}), choose), range(3), waits=["1s", "2s"])
        assert [(message, context.attempt) for message, context in heard] == [("no 1", 1), ("no 1", 2), ("no 1", 3)]
        context = heard[0][1]
        assert (context.operator, context.topic, context.partition, context.offset) == ("flaky", "in", 0, 1)
        assert (context.key, context.value, context.timestamp, context.headers) == (b"a", b"1", 1, ())
        assert len(driver.read("dlq")) == 1

    def test_it_may_choose_to_fail(self) -> None:
        with pytest.raises(ProcessingError, match=r"flaky .*offset 1"):
            run(branches(Flaky({1: -1}), lambda error: fail), range(3))

    def test_another_answer_is_an_error_of_its_own(self) -> None:
        with pytest.raises(StreamsError, match="on_error of flaky returned 'skip'; it must return fail, skip"):
            run(branches(Flaky({1: -1}), lambda error: "skip"), range(3))  # type: ignore[arg-type, return-value]


class TestDeadLetters:
    def test_it_is_the_record_as_it_was_read_with_origin_and_error(self) -> None:
        app = branches(Flaky({7: -1}), dead_letter("dlq"))
        with TopologyTestDriver(app, partitions=3) as driver:
            driver.send("in", "a", 7, timestamp=42, partition=2, headers=[("trace", b"9"), ("trace", None)])
            letter = driver.read_record("dlq", key=bytes, value=bytes)
            assert (letter.key, letter.value, letter.timestamp) == (b"a", b"7", 42)
            assert letter.headers[:2] == (("trace", b"9"), ("trace", None))
            origin = origin_of(letter.headers)
            assert origin is not None
            assert (origin.topic, origin.partition, origin.offset, origin.operator) == ("in", 2, 0, "flaky")
            assert (origin.application_id, origin.exception, origin.message) == ("app", "ValueError: no 7", "no 7")
            trace = dict(letter.headers)["__streams.errors.stacktrace"] or b""
            assert b"in __call__" in trace and b"ValueError: no 7" in trace

    @CACHE
    def test_it_belongs_to_the_transaction(self, cache: bool) -> None:
        """A crash before the commit takes it back; afterwards it comes once."""
        app = branches(Flaky({1: -1}), dead_letter("dlq"))
        with TopologyTestDriver(app, partitions=1, cache=cache, commit_every=None) as driver:
            driver.send("in", "a", 1)
            driver.crash()
            assert driver.read("dlq") == []
            driver.process()
            driver.commit()
            assert len(driver.read("dlq")) == 1

    def test_nulls_stay_null(self) -> None:
        app = App("app")
        app.stream("in", key=str, value=int).map_values(lambda value: value + 1, on_error=dead_letter("dlq")).to("out")
        with TopologyTestDriver(app) as driver:
            driver.send("in", None, None)
            letter = driver.read_record("dlq")
            assert (letter.key, letter.value) == (None, None)
