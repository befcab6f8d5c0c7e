"""Commits that happen by themselves."""

from __future__ import annotations

from streams.client import Admin, Consumer, OffsetAndMetadata, Producer, TopicPartition

T0 = TopicPartition("t", 0)


def fill(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send_batch("t", values=[b"a", b"b", b"c"], partition=0)


def test_what_one_came_back_from_is_committed_now_and_then(data_dir: str) -> None:
    fill(data_dir)
    with (
        Consumer("t", group="g", data_dir=data_dir, auto_offset_reset="earliest", auto_commit="1ms") as consumer,
        Admin(data_dir=data_dir) as admin,
    ):
        assert len(consumer.poll("20s", max_records=2)) == 2
        assert len(consumer.poll("20s", max_records=2)) == 1
        while admin.group_offsets("g").get(T0) != OffsetAndMetadata(3):
            consumer.poll("5ms")


def test_with_auto_commit_off_closing_commits_nothing(data_dir: str) -> None:
    fill(data_dir)
    with Consumer("t", group="g", data_dir=data_dir, auto_offset_reset="earliest", auto_commit=False) as consumer:
        assert len(consumer.poll("20s")) == 3
        assert consumer.progress()[T0] == OffsetAndMetadata(3)
    with Admin(data_dir=data_dir) as admin:
        assert admin.group_offsets("g") == {}


def test_given_offsets_are_committed_as_they_are(data_dir: str) -> None:
    with Consumer("t", group="g", data_dir=data_dir, auto_commit=False) as consumer:
        consumer.poll("200ms")
        consumer.commit({T0: OffsetAndMetadata(1, "note")})
        assert consumer.committed([T0]) == {T0: OffsetAndMetadata(1, "note")}
