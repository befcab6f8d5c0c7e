"""Send, read and query, with the application running or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams import App, serde
from streams.errors import ConfigError, SerdeError, StreamsError
from streams.model import ColumnBatch, TopicPartition
from streams.runtime.access import _until, caller, read_batches, send_records
from tests.unit.streams.runtime.machine import Machine


@pytest.fixture
def app(tmp_path: Path) -> App:
    made = App("words", data_dir=tmp_path / "data", partitions=2)
    made.stream("lines", key=str, value=str).group_by_key().count(store="counts").to_stream().to("counts")
    return made


def test_what_was_sent_is_read_with_its_place(app: App) -> None:
    app.send("lines", "k", "a", timestamp=7, headers=(("h", b"x"),))
    app.send("lines", "k", None, timestamp=8)
    app.send("lines", None, "c", timestamp=9)
    records = {record.timestamp: record for record in app.read("lines")}
    assert (records[7].key, records[7].value, records[7].headers, records[7].topic) == (
        "k",
        "a",
        (("h", b"x"),),
        "lines",
    )
    assert (records[8].value, records[8].partition, records[8].offset) == (None, records[7].partition, 1)
    assert records[9].key is None


def test_undeclared_topics_are_written_by_type_and_read_as_bytes(app: App) -> None:
    app.send("other", 1, {"a": 2})
    (record,) = app.read("other")
    assert (record.key, record.value) == (b"1", b'{"a":2}')
    (typed,) = app.read("other", key=int, value=dict)
    assert (typed.key, typed.value) == (1, {"a": 2})


def test_a_read_ends_where_the_topic_ended_when_it_began(app: App) -> None:
    app.send("lines", "k", "a")
    app.send("lines", "k", "b")
    config = app.config()
    with caller(config, None) as call:
        batches = read_batches(call, "lines")
        first = next(batches)
        call(lambda client: send_records(client, config, "lines", [(b"k", b"late", 1, ())]))
        rest = [value for batch in batches for value in batch.values]
    assert [*first.values, *rest] == [b"a", b"b"]


def test_a_batch_is_cut_at_the_end() -> None:
    batch = ColumnBatch(
        TopicPartition("t", 0), 5, 8, [b"a", b"b", b"c"], [b"1", b"2", b"3"], [1, 2, 3], [(), (), ()], None
    )
    assert _until(batch, 7).values == [b"1", b"2"]
    assert _until(batch, 7).headers == [(), ()]
    assert _until(batch, 8) is batch


def test_what_does_not_fit_is_explained(app: App) -> None:
    with pytest.raises(
        SerdeError, match=r"sending to topic 'lines': the value 5 is of type int, but value=str is declared"
    ):
        app.send("lines", "k", 5)
    with pytest.raises(SerdeError, match="object"):
        app.send("other", "k", object())
    app.send("lines", "k", "text")
    with pytest.raises(
        SerdeError, match=r"topic lines, partition \d, offset 0: the value's 4 bytes are not value=serde.int"
    ):
        list(app.read("lines", value=serde.int64))


def test_a_topic_or_a_cluster_that_is_not_there(app: App) -> None:
    with pytest.raises(
        ConfigError, match="there is no topic 'nowhere'; 'streams topics list' names those that are there"
    ):
        list(app.read("nowhere"))
    away = App("away", broker="127.0.0.1:1")
    with pytest.raises(ConfigError, match="127.0.0.1:1: connection refused"):
        away.send("lines", "k", "v")


def test_a_query_without_a_run_opens_the_state_and_gives_it_back(app: App) -> None:
    with pytest.raises(StreamsError, match=r"no local state in .*; run the application first"):
        app.query("counts")
    assert not (Path(app.config().data_dir) / "state").exists(), "a look makes nothing"
    app.send("lines", "k", "a")
    app.run(until_end=True, quiet=True)
    for _ in range(2):
        store: Any
        with app.query("counts") as store:
            assert dict(store.all()) == {"k": 1}
    app.run(until_end=True, quiet=True)


@pytest.mark.parametrize(("timestamp", "headers"), [(2**63, ()), (-1, ()), (1, (("name", "text"),))])
def test_what_no_batch_can_hold_is_refused_before_it_reaches_the_worker(app: App, timestamp: int, headers: Any) -> None:
    """Inside the worker it would end the application, not the caller."""
    with pytest.raises(StreamsError, match=r"sending to topic 'lines': the (timestamp|headers)"):
        app.send("lines", "k", "a", timestamp=timestamp, headers=headers)


def test_calls_leave_nothing_behind() -> None:
    """An application may be sent to and read from all day: no producer or consumer of a call is pumped after it."""
    machine = Machine(lines=[("k", "a b")])
    cores = len(machine.client._cores)
    for _ in range(3):
        machine.do(send_records(machine.client, machine.config, "lines", [(b"k", b"c", 1, ())]))
    reading: Any = read_batches(lambda activity: machine.do(activity(machine.client)), "lines")
    next(reading)
    reading.close()
    assert len(machine.client._cores) == cores
