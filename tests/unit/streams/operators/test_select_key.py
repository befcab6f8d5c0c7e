"""select_key."""

from __future__ import annotations

from streams.topology.nodes import SelectKey
from tests.unit.streams.chains import function, run, sink, source


def test_changes_the_key_and_passes_the_value_on_as_it_is() -> None:
    node = SelectKey(name="by", mapper=function(lambda value: str(value % 2)))
    assert run((source(), node, sink()), (b"a", b" 3", 10), (None, b"4", 11)) == [(b"1", b" 3", 10), (b"0", b"4", 11)]
