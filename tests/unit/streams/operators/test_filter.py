"""filter and filter_not."""

from __future__ import annotations

import pytest

from streams.topology.nodes import Filter
from tests.unit.streams.chains import Row, function, run, sink, source

ROWS: tuple[Row, ...] = ((b"a", b"1", 10), (None, b"2", 11), (b"c", b"3", 12))


@pytest.mark.parametrize(("negate", "kept"), [(False, [ROWS[1], ROWS[2]]), (True, [ROWS[0]])])
def test_keeps_what_the_predicate_says_unchanged(negate: bool, kept: list[Row]) -> None:
    node = Filter(name="big", predicate=function(lambda value: value > 1), negate=negate)
    assert run((source(), node, sink()), *ROWS) == kept


def test_the_predicate_sees_nulls() -> None:
    """Kafka Streams passes null values to predicates of streams."""
    node = Filter(name="deletions", predicate=function(lambda key, value: value is None, "key", "value"))
    assert run((source(), node, sink()), (b"a", None, 1), (b"b", b"1", 2)) == [(b"a", None, 1)]


def test_a_predicate_on_the_key_never_decodes_the_value() -> None:
    node = Filter(name="keyed", predicate=function(lambda key: key == "a", "key"))
    assert run((source(), node, sink()), (b"a", b"not a number", 1)) == [(b"a", b"not a number", 1)]
