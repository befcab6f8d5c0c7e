"""AddPartitionsToTxn: all partitions or none."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer


def test_unknown_partitions_spoil_the_request(kit: Kit) -> None:
    kit.create("a")
    producer = TransactionalProducer(kit)
    producer.init()
    codes = producer.add(TopicPartition("a", 0), TopicPartition("a", 7))
    assert codes == [ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert producer.produce(TopicPartition("a", 0), "x") == ErrorCode.TRANSACTION_ABORTABLE
    assert producer.add(TopicPartition("a", 0)) == [0]


def test_an_unknown_producer(kit: Kit) -> None:
    kit.create("a")
    producer = TransactionalProducer(kit)
    producer.producer_id, producer.epoch = 5, 0
    assert producer.add(TopicPartition("a", 0)) == [ErrorCode.INVALID_PRODUCER_ID_MAPPING]
