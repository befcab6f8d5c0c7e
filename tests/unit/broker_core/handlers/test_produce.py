"""Produce: one batch per partition, acknowledged when durable."""

from __future__ import annotations

from broker_core.broker import NoReply
from broker_core.errors import ErrorCode
from broker_core.protocol.framing import Request
from tests.unit.broker_core.broker_kit import CONNECTION, NOW, Kit, produce_request, produced


def test_other_acks_are_refused(kit: Kit) -> None:
    kit.create("words")
    assert kit.produce("words", "a", acks=2).error_code == ErrorCode.INVALID_REQUIRED_ACKS


def test_acks_0_is_not_answered_and_tells_failure_by_closing(kit: Kit) -> None:
    kit.create("words")
    assert kit.send(produce_request("words", "a", acks=0)) is None
    kit.sync_all()
    assert kit.values("words") == ["a"]
    bad = produce_request("words", "a", acks=0, partition=9)
    outcome = kit.broker.handle(CONNECTION, Request(api_key=0, api_version=9, body=bad), NOW)
    assert outcome == NoReply(failed=True)


def test_an_idempotent_producer_is_deduplicated_also_while_the_first_is_not_durable(kit: Kit) -> None:
    kit.create("words")
    request = produce_request("words", "a", "b", producer=(7, 0, 0))
    first, again = kit.send(request), kit.send(request)
    assert kit.answer(again) is None
    kit.sync()
    assert produced(kit.answer(first)).base_offset == produced(kit.answer(again)).base_offset == 0
    gap = kit.produce("words", "d", producer=(7, 0, 3))
    assert gap.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert kit.values("words") == ["a", "b"]


def test_a_damaged_batch_is_refused_and_leaves_nothing(kit: Kit) -> None:
    kit.create("words")
    request = produce_request("words", "abc")
    records = request.topic_data[0].partition_data[0].records
    assert records is not None
    data = type(request.topic_data[0].partition_data[0])(index=0, records=records[:-1] + b"?")
    bad = type(request)(acks=-1, topic_data=(type(request.topic_data[0])(name="words", partition_data=(data,)),))
    assert produced(kit.call(bad)).error_code == ErrorCode.CORRUPT_MESSAGE
    assert kit.list_offset("words", -1) == 0
