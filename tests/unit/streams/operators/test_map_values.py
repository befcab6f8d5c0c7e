"""map_values."""

from __future__ import annotations

from streams.topology.nodes import MapValues
from tests.unit.streams.chains import TEXT, function, run, sink, source


def test_changes_the_value_only() -> None:
    node = MapValues(name="text", mapper=function(lambda value: f"<{value}>"))
    assert run((source(), node, sink(value=TEXT)), (b"a", b"1", 10), (None, None, 11)) == [
        (b"a", b"<1>", 10),
        (None, b"<None>", 11),
    ]


def test_the_key_is_passed_on_as_bytes() -> None:
    """Bytes that are no UTF-8 go through: nobody looks at the key."""
    node = MapValues(name="same", mapper=function(lambda value: value))
    assert run((source(), node, sink()), (b"\xff", b"1", 10)) == [(b"\xff", b"1", 10)]
