"""Which sources are counted by the batch, with and without windows; the kernels themselves have tests of their own."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App, KStream, ProcessingError, hopping, serde, tumbling, unlimited
from streams.codegen import compile_subtopology
from streams.testing import TopologyTestDriver


def source_of(build: Any, *, cache: bool = True) -> str:
    app = App("a")
    build(app.stream("in", key=str, value=int))
    return compile_subtopology(app.topology().subtopologies[0], cache=cache).source


def windowed_count(stream: KStream[str, int]) -> Any:
    return stream.group_by_key().windowed_by(hopping("10s", "2s", grace="1s")).count(store="c")


def test_a_count_of_every_record_is_a_kernel() -> None:
    assert "count_column(" in source_of(lambda stream: stream.group_by_key().count(store="c"))
    text = source_of(windowed_count)
    assert "count_windows(" in text
    assert "for timestamp" not in text, "nothing looks at a record"


@pytest.mark.parametrize("build", [
    lambda stream: windowed_count(stream.filter(lambda value: value > 1)),
    lambda stream: stream.group_by_key().windowed_by(unlimited()).count(),
    lambda stream: stream.group_by_key().windowed_by(tumbling("1s")).count(cached=False),
    lambda stream: stream.group_by_key().windowed_by(tumbling("1s")).reduce(max),
    lambda stream: (stream.to("out"), windowed_count(stream)),
])  # fmt: skip
def test_other_shapes_are_loops(build: Any) -> None:
    assert "count_windows(" not in source_of(build)


def test_without_the_cache_there_is_no_kernel() -> None:
    assert "count_windows(" not in source_of(windowed_count, cache=False)


def test_what_is_dropped_is_counted_by_reason() -> None:
    app = App("a")
    app.stream("in", key=str, value=int, name="read").group_by_key().windowed_by(tumbling("10ms")).count(store="c")
    driver = TopologyTestDriver(app, partitions=1, cache=True, commit_every=None)
    rows: list[Any] = [("a", 1, 25), ("a", 1, 3), (None, 1, 99), ("a", None, 99), ("a", 1, -1)]
    for key, value, timestamp in rows:
        driver.enqueue("in", key, value, timestamp=timestamp)
    driver.process()
    driver.commit()
    assert driver.drop_reasons == {
        ("c", "late"): 1, ("c", "null key"): 1, ("c", "null value"): 1, ("read", "negative timestamp"): 1,
    }  # fmt: skip
    assert driver.store("c").fetch("a", 20) == 1


def test_a_row_that_cannot_be_read_is_the_store_s_failure() -> None:
    def count_of(stored: serde.Serde[Any]) -> App:
        app = App("a")
        group = app.stream("in", key=str, value=int).group_by_key()
        group.windowed_by(tumbling("10ms")).aggregate(lambda: "x", lambda text, _: text, value=stored, store="c")
        return app

    driver = TopologyTestDriver(count_of(serde.utf8), partitions=1, cache=True)
    driver.send("in", "a", 1, timestamp=1)
    other = App("a")
    other.stream("in", key=str, value=int).group_by_key().windowed_by(tumbling("10ms")).count(store="c")
    engine = driver._engine
    engine._programs = {0: compile_subtopology(other.topology().subtopologies[0], cache=True)}
    driver.rebalance()
    with pytest.raises(ProcessingError, match="store c"):
        driver.send("in", "a", 1, timestamp=2)
