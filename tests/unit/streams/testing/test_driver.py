"""The driver as a test uses it: everything done when ``send`` returns, and time, order, commits and crashes in hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams import App, ConfigError, ProcessingError, SerdeError, StreamsError, TopologyError
from streams.testing import TopologyTestDriver
from tests.unit.streams.testing.apps import running_total, word_count


def counted(driver: TopologyTestDriver) -> list[tuple[Any, Any]]:
    return [(record.key, record.value) for record in driver.read("counted")]


def test_a_send_is_done_when_it_returns_also_through_internal_topics() -> None:
    app, lines, counts = word_count()
    with TopologyTestDriver(app) as driver:
        driver.send(lines, None, "a b a")
        assert counted(driver) == [("a", 1), ("b", 1), ("a", 2)]
        assert dict(driver.store(counts).all()) == {"a": 2, "b": 1}
        assert driver.store("counts")["a"] == 2
        driver.assert_drained()


def test_keys_go_to_the_partitions_that_their_hash_names() -> None:
    app, lines, _ = word_count()
    driver = TopologyTestDriver(app)
    driver.send(lines, None, " ".join(f"word{number}" for number in range(40)))
    assert {record.partition for record in driver.read("counted")} == {0, 1, 2, 3}


def test_partition_counts_are_the_applications_or_the_tests() -> None:
    app, lines, _ = word_count(partitions=2)
    words = " ".join(f"word{number}" for number in range(40))
    for arguments, expected in (
        ({}, {0, 1}),
        ({"partitions": 1}, {0}),
        ({"topics": {"counted": 3}}, {0, 1, 2}),
        ({"partitions": 3, "topics": {"counted": 1}}, {0}),
    ):
        driver = TopologyTestDriver(app, **arguments)  # type: ignore[arg-type]
        driver.send(lines, None, words)
        assert {record.partition for record in driver.read("counted")} == expected


def test_a_partition_can_be_chosen_and_must_exist() -> None:
    app, amounts, _ = running_total()
    driver = TopologyTestDriver(app, partitions=2)
    driver.send(amounts, "k", 1, partition=0)
    driver.send(amounts, "k", 1, partition=1)
    assert driver.read_values("summed") == [1, 1], "two partitions, two states"
    with pytest.raises(ValueError, match="has partitions 0 to 1"):
        driver.send(amounts, "k", 1, partition=2)


def test_timestamps_are_points_in_time_or_the_wall_clocks() -> None:
    app, amounts, _ = running_total()
    start = datetime(2024, 1, 1, tzinfo=UTC)
    driver = TopologyTestDriver(app, start=start)
    start_ms = int(start.timestamp()) * 1_000
    driver.advance_wall_clock("2s")
    driver.send(amounts, "a", 1)
    driver.send(amounts, "b", 1, timestamp=timedelta(seconds=5))
    driver.send(amounts, "c", 1, timestamp=7)
    driver.send(amounts, "d", 1, timestamp=start)
    assert [record.timestamp for record in driver.read("summed")] == [start_ms + 2_000, start_ms + 5_000, 7, start_ms]
    assert driver.clock.now_ms == start_ms + 2_000
    with pytest.raises(ConfigError, match="time zone"):
        driver.send(amounts, "a", 1, timestamp=datetime(2024, 1, 1))


def test_headers_and_nulls_pass_through() -> None:
    app = App("pass")
    texts = app.stream("in", key=str, value=str)
    texts.to("out")
    driver = TopologyTestDriver(app)
    driver.send(texts, None, None, headers=[("h", b"1"), ("h", None)])
    record = driver.read_record("out")
    assert (record.key, record.value, record.headers) == (None, None, (("h", b"1"), ("h", None)))


def test_records_are_taken_by_the_smallest_timestamp_of_the_heads() -> None:
    app = App("order")
    left, right = (app.stream(topic, key=str, value=str) for topic in ("left", "right"))
    left.merge(right).to("out")
    driver = TopologyTestDriver(app)
    for stream, value, timestamp in ((left, "l3", 3), (left, "l1", 1), (right, "r2", 2), (right, "r4", 4)):
        driver.enqueue(stream, "k", value, timestamp=timestamp)
    assert driver.read("out") == []
    assert driver.process(2) == 2
    assert driver.read_values("out") == ["r2", "l3"], "l1 is behind l3 and stays there"
    assert driver.process() == 2
    assert driver.read_values("out") == ["l1", "r4"]
    assert driver.process() == 0


def test_a_send_processes_what_was_enqueued_before() -> None:
    app, amounts, _ = running_total()
    driver = TopologyTestDriver(app)
    driver.enqueue(amounts, "k", 1)
    driver.send(amounts, "k", 2)
    assert driver.read_values("summed") == [1, 3]


def test_processing_some_takes_them_through_internal_topics_and_leaves_the_rest() -> None:
    app, lines, _ = word_count()
    driver = TopologyTestDriver(app, partitions=1)
    for line in ("a b", "c"):
        driver.enqueue(lines, None, line)
    assert driver.process(1) == 1
    assert counted(driver) == [("a", 1), ("b", 1)]
    assert driver.process() == 1
    assert counted(driver) == [("c", 1)]


def test_what_is_dropped_is_counted_by_operator() -> None:
    app, amounts, _ = running_total()
    driver = TopologyTestDriver(app)
    assert driver.dropped == {}
    driver.send(amounts, None, 1)
    driver.send(amounts, "k", None)
    driver.send(amounts, "k", 1, timestamp=-1)
    assert driver.dropped == {"totals": 2, "amounts-source": 1}
    assert driver.drop_reasons == {
        ("totals", "null key"): 1,
        ("totals", "null value"): 1,
        ("amounts-source", "negative timestamp"): 1,
    }


def test_with_the_cache_the_last_change_per_key_goes_out_at_the_commit() -> None:
    app, lines, counts = word_count()
    driver = TopologyTestDriver(app, cache=True)
    driver.send(lines, None, "a b a")
    assert counted(driver) == [("a", 2), ("b", 1)]
    assert driver.store(counts)["a"] == 2


def test_without_a_commit_nothing_is_seen() -> None:
    app, lines, counts = word_count()
    driver = TopologyTestDriver(app, commit_every=None)
    driver.send(lines, None, "a")
    assert counted(driver) == []
    assert driver.store(counts).get("a") is None
    driver.commit()
    assert counted(driver) == [("a", 1)]
    assert driver.store(counts)["a"] == 1


def test_commits_come_after_so_many_sends() -> None:
    app, amounts, _ = running_total()
    driver = TopologyTestDriver(app, commit_every=2)
    driver.send(amounts, "k", 1)
    assert driver.read("summed") == []
    driver.send(amounts, "k", 1)
    assert driver.read_values("summed") == [1, 2]


def test_a_crash_loses_exactly_what_was_not_committed() -> None:
    app, lines, counts = word_count()
    driver = TopologyTestDriver(app, commit_every=None)
    driver.send(lines, None, "a")
    driver.commit()
    driver.send(lines, None, "a")
    driver.crash()
    assert driver.store(counts)["a"] == 1
    driver.process()
    driver.commit()
    assert counted(driver) == [("a", 1), ("a", 2)]
    assert driver.store(counts)["a"] == 2


def test_at_least_once_shows_outputs_at_once_and_repeats_them() -> None:
    app, amounts, totals = running_total(guarantee="at_least_once")
    driver = TopologyTestDriver(app, commit_every=None)
    driver.send(amounts, "k", 1)
    assert driver.read_values("summed") == [1]
    driver.crash()
    assert driver.process() == 1
    assert driver.read_values("summed") == [1], "the same again"
    driver.commit()
    assert driver.store(totals)["k"] == 1


def test_at_least_once_goes_through_internal_topics_before_the_commit() -> None:
    app, lines, _ = word_count(guarantee="at_least_once")
    driver = TopologyTestDriver(app, commit_every=None)
    driver.send(lines, None, "a b")
    assert counted(driver) == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("trouble", [TopologyTestDriver.crash, TopologyTestDriver.rebalance])
@pytest.mark.parametrize("cache", [False, True])
def test_state_and_positions_survive(trouble: Callable[[TopologyTestDriver], None], cache: bool) -> None:
    app, lines, counts = word_count()
    driver = TopologyTestDriver(app, cache=cache)
    for expected in range(1, 6):
        driver.send(lines, None, "a b")
        trouble(driver)
        assert dict(driver.store(counts).all()) == {"a": expected, "b": expected}
    assert driver.process() == 0, "nothing comes twice"


def test_deletions_survive() -> None:
    app = App("deletions")
    texts = app.stream("in", key=str, value=str)
    last = texts.group_by_key().reduce(lambda old, new: None if new == "-" else new, store="last")
    last.to_stream().to("out")
    driver = TopologyTestDriver(app)
    for value in ("x", "-"):
        driver.send(texts, "k", value)
    driver.rebalance()
    assert driver.store(last).get("k") is None
    driver.send(texts, "k", "y")
    assert driver.read_values("out") == ["x", None, "y"]


def test_a_rebalance_commits_and_keeps_what_waits() -> None:
    app, amounts, totals = running_total()
    driver = TopologyTestDriver(app, commit_every=None)
    driver.send(amounts, "k", 1)
    driver.enqueue(amounts, "k", 10)
    driver.rebalance()
    assert driver.store(totals)["k"] == 1
    driver.process()
    driver.commit()
    assert driver.read_values("summed") == [1, 11]


def test_a_failure_names_the_record_and_the_driver_waits_for_a_restart() -> None:
    app, amounts, totals = running_total()
    driver = TopologyTestDriver(app, partitions=1)
    driver.send(amounts, "k", 1)
    driver.send(amounts, "k", 2)
    with pytest.raises(ProcessingError, match="totals") as caught:
        driver.send(amounts, "k", -1)
    assert isinstance(caught.value.__cause__, ValueError)
    assert (caught.value.operator, caught.value.offset) == ("totals", 2)
    with pytest.raises(StreamsError, match=r"has failed; .* crash\(\) starts it again"):
        driver.send(amounts, "k", 1)
    driver.crash()
    assert driver.store(totals)["k"] == 3
    with pytest.raises(ProcessingError):
        driver.process()


def test_mistakes_of_the_test_are_refused() -> None:
    app, amounts, _ = running_total()
    driver = TopologyTestDriver(app)
    with pytest.raises(SerdeError, match="does not fit as value of topic 'amounts'"):
        driver.send(amounts, "k", "text")  # type: ignore[arg-type]
    with pytest.raises(TopologyError, match="no store"):
        driver.store("nothing")
    for arguments in ({"commit_every": 0}, {"partitions": 0}, {"topics": {"amounts": 0}}):
        with pytest.raises(ValueError, match=r"commit_every|cannot have 0 partitions"):
            TopologyTestDriver(app, **arguments)  # type: ignore[arg-type]


def test_a_topology_without_end_is_stopped() -> None:
    app = App("loop")
    app.stream("in", key=str, value=str).to("in")
    driver = TopologyTestDriver(app, partitions=1)
    with pytest.raises(StreamsError, match="does the topology write to a topic that it reads"):
        driver.send("in", "k", "v")


def test_it_gives_what_a_run_gives(tmp_path: Path) -> None:
    """The same outputs per key, and the same state, as the application over the embedded log."""
    words = "it was the best of times it was the worst of times".split()
    lines_sent = [" ".join(words[number : number + 4]) for number in range(len(words))]
    app, lines, counts = word_count(data_dir=tmp_path / "data", durability="none")
    app.feed("lines", lines_sent)
    app.run(until_end=True, cache=False, quiet=True)
    driver = TopologyTestDriver(app)
    for line in lines_sent:
        driver.send(lines, None, line)

    def by_key(records: Any) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for record in records:
            found.setdefault(record.key, []).append(record.value)
        return found

    assert by_key(driver.read("counted")) == by_key(app.read("counted"))
    with app.query(counts) as store:
        assert dict(driver.store(counts).all()) == dict(store.all())
