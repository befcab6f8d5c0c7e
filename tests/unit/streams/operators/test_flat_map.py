"""flat_map."""

from __future__ import annotations

from collections.abc import Iterator

from streams.topology.nodes import FlatMap
from tests.unit.streams.chains import function, run, sink, source


def test_all_results_inherit_the_timestamp() -> None:
    def repeat(key: str, value: int) -> Iterator[tuple[str, int]]:
        for index in range(value):
            yield f"{key}{index}", index

    node = FlatMap(name="repeat", mapper=function(repeat, "key", "value"))
    assert run((source(), node, sink()), (b"a", b"2", 10), (b"b", b"0", 11), (b"c", b"1", 12)) == [
        (b"a0", b"0", 10),
        (b"a1", b"1", 10),
        (b"c0", b"0", 12),
    ]
