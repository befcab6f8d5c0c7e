"""DescribeProducers: what a partition remembers of those who wrote to it."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.describe_producers import DescribeProducersRequest, TopicRequest
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer

WORDS = TopicPartition("words", 0)


def test_an_open_transaction_is_shown_with_its_start(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "plain")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    assert producer.add(WORDS) == [0]
    assert producer.produce(WORDS, "a", "b") == 0
    (state,) = described(kit, 0).active_producers
    assert (state.producer_id, state.producer_epoch, state.last_sequence) == (producer.producer_id, 0, 1)
    assert (state.current_txn_start_offset, state.coordinator_epoch, state.last_timestamp) == (1, -1, kit.now_ms)
    assert producer.end(commit=True) == 0
    kit.sync_all()
    (state,) = described(kit, 0).active_producers
    assert (state.current_txn_start_offset, state.coordinator_epoch) == (-1, 1)


def test_a_partition_that_is_not_there(kit: Kit) -> None:
    answer = described(kit, 5)
    assert (answer.error_code, answer.active_producers) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ())


def described(kit: Kit, index: int):  # type: ignore[no-untyped-def]
    body = DescribeProducersRequest(topics=(TopicRequest(name="words", partition_indexes=(index,)),))
    return kit.call(body).topics[0].partitions[0]
