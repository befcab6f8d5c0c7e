"""ListOffsets: ends, timestamps, and what is not there."""

from __future__ import annotations

import pytest

from broker_core.protocol.batch import build_batch, decode_batch, iterate_batches
from broker_core.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.unit.broker_core.broker_kit import NOW, Kit, produce_request, produced


def test_list_offsets(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a")
    kit.now_ms += 10
    kit.produce("words", "b")
    assert kit.list_offset("words", -1) == 2
    assert kit.list_offset("words", -2) == 0
    assert kit.list_offset("words", -3) == 1
    assert kit.list_offset("words", -4) == 0
    assert kit.list_offset("words", -5) == -1
    assert kit.list_offset("words", NOW) == 0
    assert kit.list_offset("words", NOW + 1) == 1
    assert kit.list_offset("words", NOW + 11) == -1


TIMES = [50, 10, 90, 20, 90, 30]


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("segment_bytes", ["100000", "150"])
def test_offsets_by_time_are_exact_to_the_record(kit: Kit, codec: int, segment_bytes: str) -> None:
    kit.create("words", segment_bytes=segment_bytes)
    for start in (0, 3):
        batch = build_batch([None] * 3, [b"v"] * 3, [NOW + time for time in TIMES[start : start + 3]], codec=codec)
        assert produced(kit.call(request_of("words", batch))).base_offset == start
    for time in range(100):
        expected = next((offset for offset, found in enumerate(TIMES) if found >= time), -1)
        assert kit.list_offset("words", NOW + time) == expected
    assert kit.list_offset("words", -3) == 2, "the first of the largest"


def request_of(topic: str, records: bytes) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=records)
    return ProduceRequest(
        acks=-1, timeout_ms=1, topic_data=(TopicProduceData(name=topic, partition_data=(data,)),)
    )  # fmt: skip


def test_topics_by_the_brokers_time(kit: Kit) -> None:
    kit.create("words", message_timestamp_type="LogAppendTime")
    for seconds in range(3):
        kit.now_ms = NOW + 1_000 * seconds
        answer = kit.produce("words", "a", "b")
        assert answer.log_append_time_ms == kit.now_ms
    assert [kit.list_offset("words", NOW + time) for time in (0, 1, 1_000, 1_001, 2_001)] == [0, 2, 2, 4, -1]
    assert kit.list_offset("words", -3) == 4
    records = kit.fetch("words").records or b""
    times = [decode_batch(records, position, header).timestamps for position, header in iterate_batches(records)]
    assert times == [[NOW + 1_000 * seconds] * 2 for seconds in range(3)]


def test_a_change_of_whose_time_it_is_holds_from_the_next_batch_on(kit: Kit) -> None:
    kit.create("words")
    kit.call(produce_request("words", "a", now_ms=NOW - 5_000))
    context = kit.broker._context
    context.settings.replace_topic("words", {"message.timestamp.type": "LogAppendTime"})
    kit.call(produce_request("words", "b", now_ms=NOW - 9_000))
    context.settings.replace_topic("words", {})
    kit.call(produce_request("words", "c", now_ms=NOW - 7_000))
    assert [kit.list_offset("words", NOW + time) for time in (-9_000, -6_000, -4_999, 1)] == [0, 0, 1, -1]
