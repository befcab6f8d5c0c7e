"""to_stream."""

from __future__ import annotations

from streams.topology.nodes import ToStream
from tests.unit.streams.chains import Runner, aggregate, chain, function, sink, source


def test_changes_become_records_and_deletions_null_values() -> None:
    last = aggregate(
        "last", "reduce", adder=function(lambda old, value: None if value == 0 else value, "aggregate", "value")
    )
    runner = Runner(chain(source(), last, ToStream(name="changes"), sink()))
    runner.send((b"a", b"1", 10), (b"a", b"0", 9), (b"a", b"2", 8))
    assert runner.rows() == [(b"a", b"1", 10), (b"a", None, 10), (b"a", b"2", 8)]
