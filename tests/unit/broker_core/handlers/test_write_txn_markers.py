"""WriteTxnMarkers: ends a hanging transaction, answers when that is durable, and respects epochs."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset

WORDS = TopicPartition("words", 0)


def marker(producer: TransactionalProducer, *partitions: TopicPartition, epoch: int = 0) -> WriteTxnMarkersRequest:
    topics = tuple(WritableTxnMarkerTopic(name=name, partition_indexes=(index,)) for name, index in partitions)
    marker = WritableTxnMarker(
        producer_id=producer.producer_id, producer_epoch=epoch, transaction_result=False, topics=topics
    )
    return WriteTxnMarkersRequest(markers=(marker,))


def open_transaction(kit: Kit) -> TransactionalProducer:
    kit.create("words")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    assert producer.add(WORDS) == [0]
    assert producer.produce(WORDS, "a") == 0
    return producer


def codes(answer: object) -> list[int]:
    return [
        found.error_code
        for entry in answer.markers  # type: ignore[attr-defined]
        for topic in entry.topics
        for found in topic.partitions
    ]


def test_an_abort_is_answered_once_durable(kit: Kit) -> None:
    producer = open_transaction(kit)
    token = kit.send(marker(producer, WORDS))
    assert kit.answer(token) is None
    kit.sync()
    assert codes(kit.answer(token)) == [0]
    assert kit.list_offset("words", -1, committed=True) == 2
    assert kit.values("words", committed=True) == []


def test_offsets_of_the_transaction_are_dropped(kit: Kit) -> None:
    producer = open_transaction(kit)
    assert producer.send_offsets("group", WORDS, 5) == [0, 0]
    assert codes(kit.call(marker(producer, TopicPartition("__consumer_offsets", 0)))) == [0]
    assert committed_offset(kit, "group", WORDS) == (0, -1)


def test_each_partition_by_itself(kit: Kit) -> None:
    producer = open_transaction(kit)
    assert codes(kit.call(marker(producer, TopicPartition("words", 7), WORDS))) == [
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        0,
    ]
    assert producer.init() == 0
    assert producer.add(WORDS) == [0]
    assert producer.produce(WORDS, "b") == 0
    assert codes(kit.call(marker(producer, WORDS, epoch=0))) == [ErrorCode.INVALID_PRODUCER_EPOCH]
    assert kit.call(WriteTxnMarkersRequest()).markers == ()


def test_a_topic_deleted_before_the_sync(kit: Kit) -> None:
    from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState

    producer = open_transaction(kit)
    token = kit.send(marker(producer, WORDS))
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),)))
    assert codes(kit.answer(token)) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
