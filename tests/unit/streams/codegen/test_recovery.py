"""Recovery in generated code: what a policy adds to the text, and what it tells whom. Behaviour: tests/errors."""

from __future__ import annotations

from typing import Any

import pytest

from state.errors import StateError
from streams import ErrorContext, dead_letter, fail, retry, skip
from streams.codegen import RetryLater, compile_subtopology
from streams.on_error import ErrorPolicy
from streams.topology.nodes import MapValues, UserFunction
from tests.unit.streams.chains import aggregate, batch_of, chain, function, sink, source, stores_of, sub_topology


def broken(value: int) -> int:
    if value == 2:
        raise ValueError("two")
    return value


def mapping(policy: ErrorPolicy | UserFunction | None, call: Any = broken) -> MapValues:
    return MapValues(name="map", mapper=function(call), on_error=policy)


CHOSEN = function(lambda error: skip, "error")


def test_failing_is_free() -> None:
    """The text of a topology that fails is the same with and without saying so."""
    for cache in (False, True):
        texts = {
            compile_subtopology(chain(source(), mapping(policy), aggregate("counts", "count")), cache=cache).source
            for policy in (None, fail)
        }
        (text,) = texts
        assert not any(word in text for word in ("recover", "begin()", "enter_batch"))


@pytest.mark.parametrize(
    ("policy", "present", "absent"),
    [
        (skip, ("recover(error, 'map')",), ("begin()", "recall(")),
        (dead_letter("dlq"), ("recover(error, 'map')",), ("begin()", "recall(")),
        (skip(whole_record=True), ("recover(error, 'map')", "begin()"), ("recall(",)),
        (retry(), ("recover(error, 'map')", "begin()", "recall(call_map, value)"), ()),
        (CHOSEN, ("recover(error, 'map')", "begin()", "recall(call_map, value)"), ()),
    ],
)
def test_each_policy_adds_what_it_needs(policy: Any, present: tuple[str, ...], absent: tuple[str, ...]) -> None:
    text = compile_subtopology(chain(source(), mapping(policy), sink()), cache=True).source
    assert all(line in text for line in present)
    assert not any(line in text for line in absent)


@pytest.mark.parametrize(("policy", "cached"), [(skip, True), (retry(), False), (skip(whole_record=True), False)])
def test_what_may_be_undone_has_no_record_cache(policy: ErrorPolicy, cached: bool) -> None:
    sub = chain(source(), mapping(policy), aggregate("counts", "count"))
    assert ("open_cache" in compile_subtopology(sub, cache=True).source) is cached


def test_a_policy_of_what_cannot_fail_costs_nothing() -> None:
    """A count of records as they come has no function and no serde to fail: kernel and cache stay."""
    nodes = (source(on_error=retry()), aggregate("counts", "count", on_error=retry()), sink(on_error=retry()))
    program = compile_subtopology(chain(*nodes), cache=True)
    assert "count_column" in program.source and not program.undoes


def test_who_is_told() -> None:
    told: list[tuple[ErrorContext, Exception, ErrorPolicy]] = []
    program = compile_subtopology(chain(source(), mapping(dead_letter("dlq")), sink()), cache=False)
    bound = program.bind(on_handled=lambda *what: told.append(what), application_id="app")
    rows = [(b"a", b"1", 5), (b"b", b"2", 6), (b"c", b"3", 7)]
    bound.process["in"](batch_of("in", rows, offsets=[10, 20, 30], headers=[(), (("h", b"1"),), ()]), 0, 3)
    ((context, error, policy),) = told
    assert context == ErrorContext(
        operator="map", topic="in", partition=3, offset=20, timestamp=6, key=b"b", value=b"2", headers=(("h", b"1"),),
        attempt=1,
    )  # fmt: skip
    assert (str(error), policy) == ("two", dead_letter("dlq"))
    assert bound.counters.counts == {("map", "dead letter"): 1}


def test_an_undone_record_is_told_once() -> None:
    """Not again when it is taken up after a wait."""
    told: list[tuple[str, int]] = []
    fails = [True, False]

    def later(value: int) -> int:
        if value == 2 and fails.pop(0):
            raise ValueError
        return value

    skipping = MapValues(name="skipping", mapper=function(broken), on_error=skip)
    waiting = MapValues(name="waiting", mapper=function(later), on_error=retry("1s"))
    sub = sub_topology((source(), ()), (skipping, ("in",)), (waiting, ("in",)), (sink(), ("waiting",)))
    bound = compile_subtopology(sub, cache=False).bind(
        on_handled=lambda context, error, policy: told.append((context.operator, context.attempt))
    )
    batch = batch_of("in", [(b"a", b"1", 1), (b"a", b"2", 2)])
    bound.set_time(500)
    with pytest.raises(RetryLater) as left:
        bound.process["in"](batch, 0, 2)
    assert (left.value.index, left.value.due_ms) == (1, 1_500)
    assert (told, dict(bound.counters.counts)) == ([("waiting", 1)], {})
    bound.process["in"](batch, 1, 2)
    assert told == [("waiting", 1), ("skipping", 2)]
    assert bound.counters.counts == {("skipping", "skipped"): 1}


def test_a_store_that_cannot_be_read_is_nobodys_record() -> None:
    def unreadable(value: int) -> int:
        raise StateError("disk")

    bound = compile_subtopology(chain(source(), mapping(skip, unreadable), sink()), cache=False).bind()
    with pytest.raises(StateError):
        bound.process["in"](batch_of("in", [(b"a", b"1", 1)]), 0, 1)


def test_tasks_of_one_program_recover_apart() -> None:
    program = compile_subtopology(chain(source(), mapping(dead_letter("dlq")), aggregate("c", "count")), cache=False)
    first, second = (program.bind(stores_of(chain(source(), aggregate("c", "count")))) for _ in range(2))
    first.process["in"](batch_of("in", [(b"a", b"2", 1)]), 0, 1)
    assert [columns.topic for columns in first.drain_outputs()] == ["dlq"]
    assert (second.drain_outputs(), second.counters.total) == ([], 0)
