"""Sinks: formats, null keys before internal topics, headers, topic functions, partitioners."""

from __future__ import annotations

import pytest

from streams import App
from streams.errors import ProcessingError
from streams.operators.drops import NULL_KEY
from streams.operators.sink import Outputs, attach_headers, checked_partition
from streams.serde import binary as serde
from streams.testing import TopologyTestDriver
from streams.topology.nodes import Filter, MapValues
from tests.unit.streams.chains import Runner, chain, function, rows_of, run, sink, source


def test_unchanged_parts_are_written_as_they_were_read() -> None:
    assert run((source(), sink()), (b"\xff", b"no number", 1)) == [(b"\xff", b"no number", 1)]


def test_another_format_is_decoded_and_encoded() -> None:
    assert run((source(), sink(value=serde.int32)), (b"a", b" 2", 1), (b"b", None, 2)) == [
        (b"a", b"\0\0\0\2", 1),
        (b"b", None, 2),
    ]


def test_an_internal_sink_drops_null_keys_and_counts_them() -> None:
    runner = Runner(chain(source(), sink(internal=True)))
    runner.send((None, b"1", 1), (b"a", b"2", 2), (None, b"3", 3))
    assert runner.rows() == [(b"a", b"2", 2)]
    assert runner.dropped == {("out", NULL_KEY): 2}


def test_without_a_serde_a_value_is_written_in_its_own_types_format() -> None:
    values = {1: "text", 2: 2.5, 3: None}
    node = MapValues(name="any", mapper=function(values.get))
    assert run((source(), node, sink(value=None)), (b"a", b"1", 1), (b"a", b"2", 2), (b"a", b"3", 3)) == [
        (b"a", b"text", 1),
        (b"a", b"2.5", 2),
        (b"a", None, 3),
    ]


def test_headers_stay_with_their_records() -> None:
    """Also where only some records have any, and the last ones have none."""
    big = Filter(name="big", predicate=function(lambda value: value > 1))
    runner = Runner(chain(source(), big, sink()))
    runner.send((b"a", b"2", 1))
    runner.send(
        (b"b", b"3", 2),
        (b"c", b"1", 3),
        (b"d", b"4", 4),
        (b"e", b"5", 5),
        headers=[(("h", b"1"),), (("h", b"2"),), (), (("h", None),)],
    )
    runner.send((b"f", b"6", 6))
    columns = runner.columns()
    assert columns.keys == [b"a", b"b", b"d", b"e", b"f"]
    assert columns.headers == [(), (("h", b"1"),), (), (("h", None),), ()]


def test_no_headers_no_column() -> None:
    assert Runner(chain(source(), sink())).send((b"a", b"1", 1)).columns().headers is None


def test_a_topic_function_chooses_per_record() -> None:
    node = sink(topic=function(lambda key, value: f"out-{value % 2}", "key", "value"))
    runner = Runner(chain(source(), node))
    runner.send((b"a", b"1", 1), (b"b", b"2", 2), (b"c", b"3", 3), headers=[(), (), (("h", b"x"),)])
    drained = {columns.topic: columns for columns in runner.bound.drain_outputs()}
    assert {topic: rows_of(columns) for topic, columns in drained.items()} == {
        "out-1": [(b"a", b"1", 1), (b"c", b"3", 3)],
        "out-0": [(b"b", b"2", 2)],
    }
    assert drained["out-1"].headers == [(), (("h", b"x"),)]
    assert runner.bound.drain_outputs() == []


def test_a_topic_function_must_return_a_name() -> None:
    runner = Runner(chain(source(), sink(topic=function(lambda value: None))))
    with pytest.raises(ProcessingError, match=r"out failed at .*offset 0, key 'a'.*must return the name of a topic"):
        runner.send((b"a", b"1", 1))


def test_a_partitioner_decides_or_leaves_it_to_the_hash() -> None:
    node = sink(
        partitioner=function(
            lambda topic, key, value, partitions: None if value == 0 else value % partitions,
            "topic",
            "key",
            "value",
            "partitions",
        )
    )
    runner = Runner(chain(source(), node), partition_count={"out": 4}.__getitem__)
    runner.send((b"a", b"5", 1), (b"b", b"0", 2))
    assert runner.columns().partitions == [1, -1]


@pytest.mark.parametrize("partition", [4, -1, "1", 1.0])
def test_a_partition_that_does_not_exist_is_refused(partition: object) -> None:
    with pytest.raises(ValueError, match="partitions 0 to 3"):
        checked_partition(partition, 4)


def test_draining_hands_the_columns_over() -> None:
    outputs = Outputs((sink(),))
    outputs.fixed["out"].keys.append(b"a")
    outputs.fixed["out"].values.append(b"1")
    outputs.fixed["out"].timestamps.append(1)
    attach_headers(outputs.fixed["out"], (("h", b"1"),))
    (drained,) = outputs.drain()
    assert drained.headers == [(("h", b"1"),)]
    assert outputs.drain() == []
    assert outputs.columns()[0].keys == []


def test_records_of_several_sinks_reach_a_topic_in_the_order_in_which_they_were_made() -> None:
    """Whatever is committed at once: two branches that write to one topic, with and without headers, by name or not."""
    app = App("a")
    ways = app.stream("in", key=str, value=str).split()
    ways.branch(lambda value: value < "c").to("out")
    ways.branch(lambda value: value < "f").to(lambda value: "out")
    ways.default().to("out")
    driver = TopologyTestDriver(app, partitions=1, commit_every=None)
    for index, value in enumerate("ahbgced"):
        driver.send("in", "k", value, headers=[("n", value.encode())] if index % 2 else [])
    driver.commit()
    read = driver.read("out", key=str, value=str)
    assert "".join(record.value for record in read) == "ahbgced"
    assert [len(record.headers) for record in read] == [index % 2 for index in range(7)]
