"""Policies: values that say what becomes of a record, and what of them is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streams import App, ConfigError, TopologyError, dead_letter, fail, retry, skip
from streams.on_error import DeadLetter, Fail, Retry, Skip
from streams.topology.nodes import MapValues, Node, UserFunction


def nodes_of(app: App) -> dict[str, Node]:
    return {node.name: node for sub in app.topology().subtopologies for node in sub.nodes}


def test_what_a_policy_may_ask_for() -> None:
    undoing = (skip(whole_record=True), dead_letter("dlq", whole_record=True), retry())
    assert [policy.may_undo for policy in undoing] == [True, True, True]
    assert [policy.may_undo for policy in (fail, skip, dead_letter("dlq"))] == [False, False, False]
    assert [policy.may_wait for policy in (*undoing, fail)] == [False, False, True, False]
    assert skip(whole_record=False) == skip == Skip()


def test_waits_double_up_to_the_limit() -> None:
    policy = retry("100ms", attempts=None, max_backoff="1s")
    assert [policy.wait_ms(attempt) for attempt in (1, 2, 3, 4, 5, 1_000)] == [100, 200, 400, 800, 1_000, 1_000]
    assert retry(timedelta(minutes=2)).wait_ms(1) == 120_000, "a longer first wait is what was asked for"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: retry("1s", attempts=0), "retry.attempts=0."),
        (lambda: retry("1s", then=retry("1s")), "retry.then="),  # type: ignore[arg-type]
        (lambda: retry("soon"), "backoff='soon' is no duration"),
        (lambda: retry(5), "write '5ms' or '5s'"),  # type: ignore[arg-type]
        (lambda: dead_letter("no topic"), "dead_letter topic='no topic'"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises((TopologyError, ConfigError), match=message):
        wrong()


def test_an_operator_without_a_policy_has_the_applications() -> None:
    app = App("app", on_error=dead_letter("dlq"))
    numbers = app.stream("in", key=str, value=int, on_error=fail)
    numbers.map_values(str, name="own", on_error=skip).group_by(len, key=int, name="moved").count(store="counts")
    found = nodes_of(app)
    assert (found["in-source"].on_error, found["own"].on_error) == (Fail(), Skip())
    inherited = ("in-group-by", "moved-repartition-sink", "moved-repartition-source", "counts")
    assert {found[name].on_error for name in inherited} == {DeadLetter("dlq")}
    assert app.topology().output_topics == ("dlq",)


def test_without_any_nothing_is_said() -> None:
    app = App("app")
    app.stream("in", key=str, value=int).map_values(str).to("out")
    assert {node.on_error for node in nodes_of(app).values()} == {None}


def test_the_last_resort_of_a_retry_is_an_output() -> None:
    app = App("app")
    app.stream("in", key=str, value=int).for_each(print, on_error=retry("1s", then=dead_letter("dlq")))
    assert app.topology().output_topics == ("dlq",)


@pytest.mark.parametrize(
    ("given", "shape"), [(lambda error: skip, ("error",)), (lambda error, context: skip, ("error", "context"))]
)
def test_a_function_of_the_error_may_choose(given: Any, shape: tuple[str, ...]) -> None:
    app = App("app")
    app.stream("in", key=str, value=int).map_values(str, name="own", on_error=given).to("out")
    node = nodes_of(app)["own"]
    assert isinstance(node, MapValues) and isinstance(node.on_error, UserFunction)
    assert node.on_error.arguments == shape


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("skip", r"test_on_error.py:\d+: on_error= takes fail, skip, .* not 'skip'"),
        (retry, r"on_error=retry: call it, retry\(\)"),
        (dead_letter, r"on_error=dead_letter: call it, dead_letter\(topic\)"),
        (lambda: skip, r"on_error= calls its function with \(error\) or \(error, context\)"),
        (Retry, "on_error="),
    ],
)
def test_what_is_no_policy_is_refused_where_it_is_given(given: Any, message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        App("app").stream("in", key=str, value=int).map_values(str, on_error=given)
