"""Records before a repartition topic become one for each key; either form is read by every reader of counts."""

from __future__ import annotations

from typing import Any

import pytest

from streams import App
from streams.errors import ProcessingError, StreamsError
from streams.model import ColumnBatch, TopicPartition
from streams.operators.combine import COUNTED, counts_of, plain_headers, refuse_combined
from streams.topology.compile import SubTopology
from tests.simulation.world import World
from tests.unit.streams.chains import Row, Runner, rows_of

COUNT_1, COUNT_2 = (number.to_bytes(8, "big") for number in (1, 2))


def halves(aggregation: Any, **settings: Any) -> tuple[SubTopology, ...]:
    """What writes the repartition topic, and what reads it."""
    app = App("a", **settings)
    grouped = app.stream("in", key=str, value=int).group_by(lambda key, value: key, key=str, name="r")
    aggregation(grouped).to_stream().to("out")
    return app.topology().subtopologies


def counting(**settings: Any) -> tuple[SubTopology, ...]:
    return halves(lambda grouped: grouped.count(store="c"), **settings)


ROWS: tuple[Row, ...] = ((b"x", b"1", 5), (b"y", b"2", 9), (b"x", b"3", 3), (None, b"4", 1), (b"y", None, 2))


def test_counts_are_summed_with_the_latest_timestamp() -> None:
    writer = Runner(counting(combiners=True)[0], cache=True).send(*ROWS)
    columns = writer.columns("a-r-repartition")
    assert rows_of(columns) == [(b"x", COUNT_2, 5), (b"y", COUNT_1, 9)]
    assert columns.headers == [COUNTED, COUNTED]
    assert writer.dropped == {("r-repartition-sink", "null key"): 1, ("c", "null value"): 1}
    assert writer.columns("a-r-repartition").keys == [], "what has been handed over is gone"


def test_values_are_reduced() -> None:
    writer = Runner(halves(lambda grouped: grouped.reduce(max, store="m"), combiners=True)[0], cache=True).send(*ROWS)
    columns = writer.columns("a-r-repartition")
    assert rows_of(columns) == [(b"x", b"3", 5), (b"y", b"2", 9)]
    assert columns.headers is None, "it is a record like any other"


def test_without_the_cache_every_record_goes() -> None:
    columns = Runner(counting(combiners=True)[0]).send(*ROWS).columns("a-r-repartition")
    assert rows_of(columns) == [row for row in ROWS if row[0] is not None]
    assert columns.headers is None


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("combiners", [True, False])
def test_both_forms_are_read_whatever_the_switch_says(combiners: bool, cache: bool) -> None:
    reader = Runner(counting(combiners=combiners)[1], cache=cache)
    headers = [COUNTED, (), (("h", b"1"),), COUNTED]
    rows: list[Row] = [(b"x", COUNT_2, 5), (b"x", b"7", 6), (b"y", b"7", 7), (b"z", COUNT_2, 8)]
    reader.send(*rows, topic="a-r-repartition", headers=headers).flush()
    assert reader.stored("c") == {b"x": b"3", b"y": b"1", b"z": b"2"}
    out = reader.columns()
    assert all(header[0] != "streams.form" for headers in out.headers or () for header in headers)


def test_a_header_of_that_name_does_not_come_from_outside() -> None:
    forged = (*COUNTED, ("h", b"1"))
    writer = Runner(counting()[0]).send((b"x", b"1", 5), headers=[forged])
    assert writer.columns("a-r-repartition").headers == [(("h", b"1"),)]
    assert plain_headers(forged) == (("h", b"1"),)


def batch(value: bytes | None, form: bytes | None = b"count/1") -> ColumnBatch:
    headers = [(("streams.form", form),)]
    return ColumnBatch(TopicPartition("t", 0), 0, 1, [b"k"], [value], [1], headers, None)


@pytest.mark.parametrize("odd", [batch(COUNT_1, b"count/2"), batch(None), batch(b"1"), batch(COUNT_1, None)])
def test_unknown_forms_are_refused(odd: ColumnBatch) -> None:
    with pytest.raises(StreamsError, match="does not read"):
        counts_of(odd, 0, 1)


def test_a_reader_that_does_not_count_refuses_counts() -> None:
    reader = Runner(halves(lambda grouped: grouped.reduce(max, store="m"))[1])
    with pytest.raises(StreamsError, match="still has combined counts"):
        reader.send((b"x", COUNT_2, 5), topic="a-r-repartition", headers=[COUNTED])
    refuse_combined(batch(b"1", form=None)._replace(headers=[(("other", b""),)]))


def test_a_reducer_that_deletes_or_returns_another_type_is_named() -> None:
    deleting = halves(
        lambda grouped: grouped.reduce(lambda one, other: None, store="m", associative=True), combiners=True
    )
    with pytest.raises(ProcessingError, match=r"m failed at topic in.*returned None, which deletes a row"):
        Runner(deleting[0], cache=True).send(*ROWS)
    other = halves(lambda grouped: grouped.reduce(lambda one, other: "x", store="m", associative=True), combiners=True)
    with pytest.raises(ProcessingError, match=r"m failed on the way to topic a-r-repartition, key 'x'.*no json:int"):
        Runner(other[0], cache=True).send(*ROWS).columns()


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("commits", [1, 2])
def test_the_switch_turns_in_mid_stream(before: bool, commits: int) -> None:
    """A run dies with records of one form in the repartition topic; the next one has the other setting."""

    def build(**settings: Any) -> App:
        app = App("words", **settings)
        words = app.stream("lines", key=str, value=str).flat_map_values(str.split, value=str)
        words.group_by(str, key=str).count(store="counts").to_stream().to("counts")
        return app

    world = World(build, {"partitions": 2, "commit_interval_ms": 1, "combiners": before}, cache=True)
    world.write("lines", [(str(number), "a b a c a") for number in range(20)])
    seen = iter(range(1, 100))
    world.observer.crash_at = lambda name, _: name == "commit.done" and next(seen) == commits
    with pytest.raises(BaseException, match=r"at commit\.done"):
        world.run()
    world.crash("keep")
    world.settings["combiners"] = not before
    world.run()
    last = {record.key: record.value for record in world.read("counts")}
    assert last == {b"a": b"60", b"b": b"20", b"c": b"20"}
