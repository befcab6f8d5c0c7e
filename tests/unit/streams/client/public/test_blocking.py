"""The clients as programs use them, on an embedded log with its threads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from broker_core.errors import ErrorCode
from streams.client import (
    Admin,
    ClientError,
    Consumer,
    NewTopic,
    NoOffset,
    OffsetAndMetadata,
    Producer,
    ProducerFenced,
    TopicPartition,
)
from streams.errors import ConfigError, SerdeError

WAIT = "20s"
T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


def values(data_dir: str, **arguments: object) -> list[object]:
    """Everything that is in the topic, oldest first per partition."""
    with Consumer(data_dir=data_dir, auto_offset_reset="earliest", **arguments) as consumer:  # type: ignore[arg-type]
        consumer.assign([T0, T1])
        return [record.value for record in consumer.records(idle="200ms")]


def test_records_go_in_and_come_out_with_everything_they_have(data_dir: str) -> None:
    with Producer(data_dir=data_dir, key=str, value=dict) as producer:
        producer.send("t", key="a", value={"n": 1}, timestamp=5, headers={"trace": b"\x01", "none": None}, partition=1)
        producer.send("t", key="a", value=None, partition=1)
    with Consumer(data_dir=data_dir, key=str, value=dict, auto_offset_reset="earliest") as consumer:
        consumer.assign([T1])
        first, tombstone = consumer.poll(WAIT)
    assert (first.key, first.value, first.timestamp, first.offset) == ("a", {"n": 1}, 5, 0)
    assert first.headers == (("trace", b"\x01"), ("none", None))
    assert (tombstone.value, tombstone.offset, tombstone.headers) == (None, 1, ())


def test_without_types_each_object_is_written_in_its_own_format(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        for value in ("text", b"bytes", 7, ["json"]):
            producer.send("t", value=value, partition=0)
    assert values(data_dir) == [b"text", b"bytes", b"7", b'["json"]']


def test_a_value_that_does_not_fit_is_the_callers_fault_and_nothing_else_suffers(data_dir: str) -> None:
    with Producer(data_dir=data_dir, value=int) as producer:
        producer.send("t", value=1, partition=0)
        with pytest.raises(SerdeError, match="value=int is declared"):
            producer.send("t", value="one", partition=0)
        with pytest.raises(ValueError, match="topic 't': the timestamp"):
            producer.send("t", value=2, timestamp=-1, partition=0)
        producer.send("t", value=3, partition=0)
    assert values(data_dir) == [b"1", b"3"]


def test_columns_in_and_columns_out(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        delivery = producer.send_batch("t", values=[b"a", b"b", b"c"], timestamps=[1, 2, 3], partition=0)
        assert delivery.result(20).offsets == [0, 1, 2]
        with pytest.raises(ValueError, match="columns of different lengths"):
            producer.send_batch("t", values=[b"a"], keys=[b"k", b"l"])
    with Consumer(data_dir=data_dir, auto_offset_reset="earliest") as consumer:
        consumer.assign([T0])
        (batch,) = consumer.poll_batches(WAIT)
        assert (batch.values, batch.timestamps, batch.next_offset) == ([b"a", b"b", b"c"], [1, 2, 3], 3)
        assert consumer.poll_batches("1ms") == []


def test_flush_says_what_was_refused(data_dir: str) -> None:
    with Admin(data_dir=data_dir) as admin:
        admin.alter_configs("t", {"max.message.bytes": "300"})
    with Producer(data_dir=data_dir) as producer:
        delivery = producer.send("t", value=b"x" * 1_000, partition=0)
        with pytest.raises(ClientError) as caught:
            producer.flush(WAIT)
        assert caught.value.code == ErrorCode.MESSAGE_TOO_LARGE
        with pytest.raises(ClientError):
            delivery.result()
        producer.send("t", value=b"small", partition=0)
    assert values(data_dir) == [b"small"]


def test_a_transaction_is_all_or_nothing(data_dir: str) -> None:
    with Producer(data_dir=data_dir, transactional_id="x") as producer:
        with producer.transaction():
            producer.send("t", value=b"kept", partition=0)
        with pytest.raises(ZeroDivisionError), producer.transaction():
            producer.send("t", value=b"written, then dropped", partition=0)
            producer.flush()
            producer.send("t", value=b"never written", partition=0)
            1 / 0
        with producer.transaction():
            producer.send("t", value=b"kept, too", partition=0)
        with pytest.raises(RuntimeError), producer.transaction(), producer.transaction():
            pass
    assert values(data_dir) == [b"kept", b"kept, too"]
    assert values(data_dir, isolation="read_uncommitted") == [b"kept", b"written, then dropped", b"kept, too"]


def test_outside_of_a_transaction_a_transactional_producer_writes_nothing(data_dir: str) -> None:
    with Producer(data_dir=data_dir, transactional_id="x") as producer:
        delivery = producer.send("t", value=b"lost", partition=0)
        with pytest.raises(RuntimeError, match="needs it to be open"):
            delivery.result(20)
        with pytest.raises(RuntimeError):
            producer.flush()
    assert values(data_dir) == []


def test_whoever_claims_the_id_fences_the_one_before(data_dir: str) -> None:
    old = Producer(data_dir=data_dir, transactional_id="x")
    with pytest.raises(ProducerFenced, match="another process took over"), old.transaction():
        old.send("t", value=b"zombie", partition=0)
        with Producer(data_dir=data_dir, transactional_id="x") as new, new.transaction():
            new.send("t", value=b"new", partition=0)
    old.close()
    assert values(data_dir) == [b"new"]


def test_progress_and_results_are_committed_together(data_dir: str) -> None:
    """Read, process, write: what was aborted is read again, what was committed is not."""
    with Producer(data_dir=data_dir) as producer:
        producer.send_batch("t", values=[b"1", b"2", b"3"], partition=0)
    results: dict[str, object] = {"data_dir": data_dir, "transactional_id": "work"}
    for attempt in ("fails", "works"):
        with (
            Consumer("t", group="g", data_dir=data_dir, auto_offset_reset="earliest", auto_commit=False) as consumer,
            Producer(**results) as producer,  # type: ignore[arg-type]
        ):
            records = consumer.poll(WAIT, max_records=2)
            assert [record.value for record in records] == [b"1", b"2"]
            try:
                with producer.transaction():
                    producer.send("t", value=attempt, partition=1)
                    producer.send_offsets(consumer)
                    if attempt == "fails":
                        raise ConnectionError
            except ConnectionError:
                continue
    with Admin(data_dir=data_dir) as admin:
        assert admin.group_offsets("g")[T0] == OffsetAndMetadata(2)
    assert values(data_dir) == [b"1", b"2", b"3", b"works"]


def test_a_group_goes_on_where_it_was(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send_batch("t", values=[b"%d" % n for n in range(10)], partition=0)
    with Consumer("t", group="g", data_dir=data_dir, auto_offset_reset="earliest") as consumer:
        for record in consumer:
            if record.value == b"3":
                break  # committed at close: four were had
        assert set(consumer.assignment) == {T0, T1}
    with Consumer("t", group="g", data_dir=data_dir, auto_commit=False) as consumer:
        assert [record.value for record in consumer.poll(WAIT, max_records=2)] == [b"4", b"5"]
        consumer.commit()
        assert consumer.committed([T0]) == {T0: OffsetAndMetadata(6)}
        assert [record.value for record in consumer.poll(WAIT, max_records=1)] == [b"6"]  # and not committed
    with Consumer("t", group="g", data_dir=data_dir) as consumer:
        assert [record.value for record in consumer.records(idle="200ms")] == [b"6", b"7", b"8", b"9"]


def test_two_consumers_share_and_tell_what_they_give_up(data_dir: str) -> None:
    told: list[str] = []
    with Consumer(
        "t", group="g", data_dir=data_dir, auto_offset_reset="earliest", heartbeat_interval="100ms",
        on_assigned=lambda places: told.append(f"assigned {len(places)}"),
        on_revoked=lambda places: told.append(f"revoked {len(places)}"),
    ) as one:  # fmt: skip
        while len(one.assignment) < 2:
            one.poll("10ms")
        with Consumer("t", group="g", data_dir=data_dir, heartbeat_interval="100ms") as two:
            while len(one.assignment) != 1 or len(two.assignment) != 1:
                one.poll("10ms")
                two.poll("10ms")
            assert set(one.assignment) | set(two.assignment) == {T0, T1}
        while len(one.assignment) < 2:
            one.poll("10ms")
    assert told[:3] == ["assigned 2", "revoked 2", "assigned 1"]
    assert told[-1] == "revoked 2"


def test_seeking_by_offset_and_by_time(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send_batch("t", values=[b"a", b"b", b"c"], timestamps=[1_000, 2_000, 3_000], partition=0)
    with Consumer(data_dir=data_dir) as consumer:
        consumer.assign([T0, T1])
        consumer.seek_to(2_000)
        assert [record.value for record in consumer.poll(WAIT)] == [b"b", b"c"]
        assert consumer.position(T0) == 3
        consumer.seek_to(datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC), [T0])
        assert [record.value for record in consumer.poll(WAIT)] == [b"c"]
        consumer.seek(T0, 0)
        assert [record.value for record in consumer.poll(WAIT, max_records=1)] == [b"a"]
        assert consumer.position(T0) == 1
        consumer.seek(T0, 2)  # what was here already is dropped
        assert [record.value for record in consumer.poll(WAIT)] == [b"c"]
        consumer.seek_to("end")
        assert consumer.poll("50ms") == []
        with pytest.raises(KeyError):
            consumer.seek(("t", 9), 0)


def test_a_paused_partition_waits(data_dir: str) -> None:
    with Consumer(data_dir=data_dir, auto_offset_reset="earliest") as consumer, Producer(data_dir=data_dir) as producer:
        consumer.assign([T0, T1])
        consumer.pause([T0])
        producer.send("t", value=b"later", partition=0)
        producer.send("t", value=b"now", partition=1)
        producer.flush()
        assert [record.value for record in consumer.records(idle="100ms")] == [b"now"]
        consumer.resume([T0])
        assert [record.value for record in consumer.poll(WAIT)] == [b"later"]


def test_an_undecodable_record_stays_until_it_is_stepped_over(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send_batch("t", values=[b"1", b"x", b"3"], partition=0)
    with Consumer(data_dir=data_dir, value=int, auto_offset_reset="earliest") as consumer:
        consumer.assign([T0])
        assert [record.value for record in consumer.poll(WAIT)] == [1]
        for _ in range(2):
            with pytest.raises(SerdeError, match="offset 1"):
                consumer.poll(WAIT)
        consumer.seek(T0, 2)
        assert [record.value for record in consumer.poll(WAIT)] == [3]


def test_nowhere_to_begin_and_no_group_to_share_with(data_dir: str) -> None:
    with Consumer(data_dir=data_dir, auto_offset_reset="none") as consumer:
        consumer.assign([T0])
        with pytest.raises(NoOffset):
            consumer.poll(WAIT)
        with pytest.raises(ConfigError, match="commits nothing; give it one"):
            consumer.commit()
    with pytest.raises(ConfigError, match="topics are shared in a group only"):
        Consumer("t", data_dir=data_dir)


def test_topics_settings_offsets_and_groups(data_dir: str) -> None:
    with Admin(data_dir=data_dir) as admin, Producer(data_dir=data_dir) as producer:
        assert admin.create_topics({"u": NewTopic(partitions=1), "t": NewTopic()}) == {"u": True, "t": False}
        assert admin.create_topic("c", partitions=1, cleanup_policy="compact")
        assert admin.describe_configs(["c"])["c"]["cleanup.policy"] == "compact"
        admin.alter_configs("c", {"retention.ms": "60000"})
        assert {name for name, topic in admin.topics().items() if not topic.is_internal} == {"t", "u", "c"}
        producer.send_batch("t", values=[b"a", b"b"], partition=0)
        producer.flush()
        assert admin.list_offsets("end", [T0, T1]) == {T0: 2, T1: 0}
        assert admin.delete_records({T0: 1}) == {T0: 1}
        assert admin.list_offsets("beginning", [T0]) == {T0: 1}
        admin.set_group_offsets("g", {T0: 2})
        assert admin.group_offsets("g") == {T0: OffsetAndMetadata(2)}
        assert [group.group_id for group in admin.groups()] == ["g"]
        assert admin.describe_group("g").state == "Empty"
        assert admin.describe_group("nobody's").state == "Dead"
        admin.delete_groups(["g"])
        admin.delete_topics(["u"])
        assert admin.describe_topics(["u", "t"]).keys() == {"t"}
        with pytest.raises(ClientError, match="no such topic"):
            admin.delete_topics(["u"])
