"""flat_map_values."""

from __future__ import annotations

from streams.topology.nodes import FlatMapValues
from tests.unit.streams.chains import TEXT, function, run, sink, source


def test_every_value_keeps_key_and_timestamp() -> None:
    node = FlatMapValues(name="split", mapper=function(str.split))
    assert run((source(value=TEXT), node, sink(value=TEXT)), (b"k", b"to be", 10), (None, b"", 11)) == [
        (b"k", b"to", 10),
        (b"k", b"be", 10),
    ]
