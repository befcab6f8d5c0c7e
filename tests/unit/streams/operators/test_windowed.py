"""Windowed aggregations record by record: which windows, which order, what is late, what is skipped, what is sent on.

Everything with the record cache off, where each change is seen; ``tests/property/test_windows`` holds the cache to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, ProcessingError, Windowed, hopping, serde, tumbling, unlimited
from streams.client.partitioner import partition_of
from streams.codegen import compile_subtopology
from streams.testing import TopologyTestDriver

Row = tuple[str | None, int | None, int]


def outputs(build: Callable[[Any], Any], rows: list[Row], **options: Any) -> tuple[list[Any], TopologyTestDriver]:
    """Key, window, value and timestamp of everything that a table sends."""
    app = App("a")
    build(app.stream("in", key=str, value=int).group_by_key()).to_stream().to("out")
    driver = TopologyTestDriver(app, partitions=1, **options)
    for key, value, timestamp in rows:
        driver.send("in", key, value, timestamp=timestamp)
    found = [((*record.key,), record.value, record.timestamp) for record in driver.read("out")]
    return found, driver


def test_a_record_counts_in_its_windows_by_start() -> None:
    found, _ = outputs(lambda group: group.windowed_by(hopping("10ms", "5ms")).count(), [("k", 1, 12), ("k", 1, 14)])
    assert found == [
        (("k", 5, 15), 1, 12),
        (("k", 10, 20), 1, 12),
        (("k", 5, 15), 2, 14),
        (("k", 10, 20), 2, 14),
    ]


def test_late_is_judged_per_record_and_window() -> None:
    """Stream time 20 closes [0, 10) and [5, 15) with grace 5; a record at 9 is late twice, one at 12 once."""
    rows: list[Row] = [("k", 1, 20), ("k", 1, 9), ("x", 1, 12)]
    found, driver = outputs(lambda group: group.windowed_by(hopping("10ms", "5ms", grace="5ms")).count(store="c"), rows)
    assert found[2:] == [(("x", 10, 20), 1, 12)]
    assert driver.drop_reasons == {("c", "late"): 3}


def test_the_record_at_hand_counts_for_stream_time_and_other_keys_do() -> None:
    rows: list[Row] = [("a", 1, 9), ("b", 1, 10), ("a", 1, 9)]
    found, driver = outputs(lambda group: group.windowed_by(tumbling("10ms")).count(store="c"), rows)
    assert found == [(("a", 0, 10), 1, 9), (("b", 10, 20), 1, 10)]
    assert driver.dropped == {"c": 1}


def test_an_out_of_order_record_keeps_the_timestamp() -> None:
    rows: list[Row] = [("a", 1, 8), ("a", 2, 3)]
    found, _ = outputs(lambda group: group.windowed_by(tumbling("10ms")).reduce(lambda left, right: left + right), rows)
    assert found == [(("a", 0, 10), 1, 8), (("a", 0, 10), 3, 8)]


def test_null_keys_and_values_are_skipped_and_move_no_time() -> None:
    rows: list[Row] = [("a", 1, 1), (None, 1, 50), ("a", None, 50), ("a", 1, 2)]
    found, driver = outputs(lambda group: group.windowed_by(tumbling("10ms")).count(store="c"), rows)
    assert found == [(("a", 0, 10), 1, 1), (("a", 0, 10), 2, 2)]
    assert driver.drop_reasons == {("c", "null key"): 1, ("c", "null value"): 1}


def test_records_that_a_filter_takes_move_no_time() -> None:
    """The stream time is the operator's: of the records that it has got."""
    app = App("a")
    stream = app.stream("in", key=str, value=int)
    stream.filter(lambda value: value > 0).group_by_key().windowed_by(tumbling("10ms")).count().to_stream().to("out")
    driver = TopologyTestDriver(app, partitions=1)
    driver.enqueue("in", "a", 1, timestamp=1)
    driver.enqueue("in", "a", 0, timestamp=99)
    driver.enqueue("in", "a", 1, timestamp=2)
    driver.send("in", "a", 1, timestamp=3)
    assert driver.read_values("out") == [1, 2, 3]
    assert driver.dropped == {}


def test_the_adder_gets_the_stream_s_key() -> None:
    found, _ = outputs(
        lambda group: group.windowed_by(hopping("10ms", "5ms")).aggregate(
            str, lambda key, aggregate, value: f"{aggregate}{key}{value}", value=str
        ),
        [("k", 7, 6), ("k", 8, 7)],
    )
    assert [value for _, value, _ in found] == ["k7", "k7", "k7k8", "k7k8"]


def test_a_null_result_deletes_the_row() -> None:
    rows: list[Row] = [("a", 1, 1), ("a", 2, 2), ("a", 3, 3)]

    def build(group: Any) -> Any:
        adder = lambda aggregate, value: None if value == 2 else aggregate + value  # noqa: E731
        return group.windowed_by(tumbling("10ms")).aggregate(lambda: 0, adder, value=int, store="sums")

    found, driver = outputs(build, rows)
    assert [(value, timestamp) for _, value, timestamp in found] == [(1, 1), (None, 2), (3, 3)]
    assert driver.store("sums").fetch("a", 0) == 3


def test_an_unlimited_window_takes_everything_from_its_start_on() -> None:
    rows: list[Row] = [("a", 1, 4), ("a", 1, 5), ("a", 1, 10**12), ("a", 1, 6)]
    found, driver = outputs(lambda group: group.windowed_by(unlimited(5)).count(store="c"), rows)
    assert [(key[1], value) for key, value, _ in found] == [(5, 1), (5, 2), (5, 3)]
    assert driver.dropped == {}
    assert driver.store("c").fetch("a", 5) == 3


def test_windowed_keys_go_through_map_and_into_another_aggregation() -> None:
    app = App("a")
    counts = app.stream("in", key=str, value=int).group_by_key().windowed_by(tumbling("10ms")).count()

    def to_row(window: Windowed[str], count: int) -> tuple[str, str]:
        return window.key, f"{window.start}-{window.end}: {count}"

    counts.to_stream().map(to_row, key=str, value=str).to("rows")
    counts.to_stream().group_by_key().count(store="updates").to_stream().to("updates")
    driver = TopologyTestDriver(app, partitions=1)
    for timestamp in (3, 4, 15):
        driver.send("in", "k", 1, timestamp=timestamp)
    assert driver.read_values("rows") == ["0-10: 1", "0-10: 2", "10-20: 1"]
    assert [(record.key, record.value) for record in driver.read("updates")] == [
        (Windowed("k", 0, 10), 1), (Windowed("k", 0, 10), 2), (Windowed("k", 10, 20), 1),
    ]  # fmt: skip


def test_timestamps_from_above_are_checked_where_the_batch_says_nothing_of_them() -> None:
    """A count sends its row's timestamp, the largest of the key's records, and not the record's own."""
    app = App("a")
    counts = app.stream("in", key=str, value=int).group_by_key().count()
    counts.to_stream().group_by_key().windowed_by(tumbling("10ms")).count(store="w").to_stream().to("out")
    driver = TopologyTestDriver(app, partitions=1)
    for key, timestamp in (("a", 25), ("b", 3), ("a", 4)):
        driver.send("in", key, 1, timestamp=timestamp)
    assert [(*record.key, record.value) for record in driver.read("out")] == [("a", 20, 30, 1), ("a", 20, 30, 2)]
    assert driver.drop_reasons == {("w", "late"): 1}


def test_headers_of_the_record_travel_with_its_changes() -> None:
    app = App("a")
    counts = app.stream("in", key=str, value=int).group_by_key().windowed_by(hopping("10ms", "5ms")).count()
    counts.to_stream().to("out")
    driver = TopologyTestDriver(app, partitions=1)
    driver.send("in", "k", 1, timestamp=7, headers=[("h", b"1")])
    assert [record.headers for record in driver.read("out")] == [(("h", b"1"),)] * 2


def test_all_windows_of_a_key_are_written_to_the_key_s_partition() -> None:
    """As Kafka Streams' WindowedStreamPartitioner; so results of one key stay in order. A partitioner still decides."""
    app = App("a")
    counts = app.stream("in", key=str, value=int).group_by_key().windowed_by(tumbling("1s")).count(store="c")
    counts.to_stream().to("out")
    counts.to_stream().to("told", partitioner=lambda topic, key, value, partitions: key.start // 1_000 % partitions)
    driver = TopologyTestDriver(app, partitions=4)
    for second in range(8):
        for key in ("a", "b", "c"):
            driver.send("in", key, 1, timestamp=second * 1_000)
    places: dict[str, set[int]] = {}
    for record in driver.read("out"):
        places.setdefault(record.key.key, set()).add(record.partition)
    assert places == {key: {partition_of(key.encode(), 4)} for key in ("a", "b", "c")}
    assert {record.partition for record in driver.read("told")} == {0, 1, 2, 3}


@pytest.mark.parametrize("cache", [False, True])
def test_a_failing_adder_is_named(cache: bool) -> None:
    def adder(aggregate: int, value: int) -> int:
        return aggregate // value

    app = App("a")
    group = app.stream("in", key=str, value=int).group_by_key()
    group.windowed_by(tumbling("10ms")).aggregate(lambda: 1, adder, value=int, store="quotients")
    driver = TopologyTestDriver(app, partitions=1, cache=cache)
    driver.send("in", "k", 1, timestamp=1)
    with pytest.raises(ProcessingError, match="quotients .*failed at topic in, partition 0, offset 1, key 'k'.*adder"):
        driver.send("in", "k", 0, timestamp=2)


def test_values_are_decoded_once_and_only_where_looked_at() -> None:
    decoded = []

    def decode(data: bytes) -> int:
        decoded.append(data)
        return int(data)

    app = App("a")
    text = serde.of(lambda value: str(value).encode(), decode, id="text")
    group = app.stream("in", key=str, value=text).group_by_key()
    group.windowed_by(hopping("10ms", "2ms")).count(store="counted")
    driver = TopologyTestDriver(app, partitions=1)
    driver.send("in", "k", 1, timestamp=50)
    assert decoded == []
    group.windowed_by(hopping("10ms", "2ms")).reduce(lambda left, right: left, store="reduced", cached=False)
    driver = TopologyTestDriver(app, partitions=1)
    driver.send("in", "k", 1, timestamp=50)
    assert decoded == [b"1"], "five windows, one look"


def test_a_batch_that_cannot_be_late_is_not_checked() -> None:
    """The flag stands before the loop, the check behind the flag."""
    app = App("a")
    stream = app.stream("in", key=str, value=int).filter(lambda value: value > 0)
    stream.group_by_key().windowed_by(tumbling("10ms", grace="3ms")).count(store="c")
    text = compile_subtopology(app.topology().subtopologies[0], cache=True).source
    assert text.index("may_be_late_c = may_be_late_in_c(") < text.index("for timestamp, raw_key")
    assert "if may_be_late_c and window_start + 10 <= stream_times['c'] - 3:" in text
