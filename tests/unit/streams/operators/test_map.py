"""map."""

from __future__ import annotations

from streams.topology.nodes import Map
from tests.unit.streams.chains import function, run, sink, source


def test_changes_key_and_value_and_keeps_the_timestamp() -> None:
    node = Map(name="swap", mapper=function(lambda key, value: (f"{key}{value}", value + 1), "key", "value"))
    assert run((source(), node, sink()), (b"a", b"1", 10), (None, b"2", 11)) == [
        (b"a1", b"2", 10),
        (b"None2", b"3", 11),
    ]


def test_may_return_nulls() -> None:
    node = Map(name="nothing", mapper=function(lambda value: (None, None)))
    assert run((source(), node, sink()), (b"a", b"1", 10)) == [(None, None, 10)]
