"""peek."""

from __future__ import annotations

from streams.topology.nodes import Peek
from tests.unit.streams.chains import function, run, sink, source


def test_sees_every_record_and_changes_nothing() -> None:
    seen: list[object] = []
    node = Peek(name="look", action=function(lambda key, value: seen.append((key, value)), "key", "value"))
    rows = ((b"a", b" 1", 10), (None, None, 11))
    assert run((source(), node, sink()), *rows) == list(rows)
    assert seen == [("a", 1), (None, None)]
