"""The text around lines that may fail."""

from __future__ import annotations

from streams import fail, retry, skip
from streams.on_error import ErrorPolicy
from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Emitter
from streams.operators.needs import Needs
from tests.unit.streams.chains import sink


def written(policy: ErrorPolicy | None) -> Emitter:
    emitter = Emitter(cache=False, forward=lambda node, flow: None)
    node = sink(on_error=policy)
    with attempt(emitter, node, "clean()", after="continue"):
        emitter.line("may_fail()")
    with succeeded(emitter, node):
        emitter.line("goes_on()")
    return emitter


def test_failing_adds_nothing() -> None:
    for policy in (None, fail):
        emitter = written(policy)
        assert (emitter.lines, emitter.found_needs) == (["may_fail()", "goes_on()"], Needs.NOTHING)


def test_what_follows_is_outside_of_the_try() -> None:
    assert written(skip).lines == [
        "try:",
        "    may_fail()",
        "except Exception as error:",
        "    clean()",
        "    recover(error, 'out')",
        "    continue",
        "else:",
        "    goes_on()",
    ]


def test_needs_are_found_where_code_is_written() -> None:
    assert written(skip).found_needs is Needs.NOTHING
    assert written(retry()).found_needs == Needs.UNDO | Needs.RECALL
