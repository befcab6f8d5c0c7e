"""What policies may ask of the whole function."""

from __future__ import annotations

from typing import Any

import pytest

from streams import dead_letter, fail, retry, skip
from streams.operators.needs import Needs, is_handled, needs_of
from tests.unit.streams.chains import function, sink

CHOSEN = function(lambda error: skip, "error")


@pytest.mark.parametrize(
    ("policy", "handled", "needs"),
    [
        (None, False, Needs.NOTHING),
        (fail, False, Needs.NOTHING),
        (skip, True, Needs.NOTHING),
        (dead_letter("dlq"), True, Needs.NOTHING),
        (skip(whole_record=True), True, Needs.UNDO),
        (dead_letter("dlq", whole_record=True), True, Needs.UNDO),
        (retry(), True, Needs.UNDO | Needs.RECALL),
        (CHOSEN, True, Needs.UNDO | Needs.RECALL),
    ],
)
def test_a_function_may_ask_for_everything(policy: Any, handled: bool, needs: Needs) -> None:
    node = sink(on_error=policy)
    assert (is_handled(node), needs_of(node)) == (handled, needs)
