"""TxnOffsetCommit: only within a transaction that the group was added to."""

from __future__ import annotations

from broker_core.model import TopicPartition
from broker_core.protocol.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset

INPUT = TopicPartition("input", 0)


def test_without_the_group_in_the_transaction(kit: Kit) -> None:
    kit.create("input")
    producer = TransactionalProducer(kit)
    producer.init()
    asked = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=4)
    body = TxnOffsetCommitRequest(
        transactional_id="tx",
        group_id="g",
        producer_id=producer.producer_id,
        producer_epoch=producer.epoch,
        topics=(TxnOffsetCommitRequestTopic(name="input", partitions=(asked,)),),
    )
    assert kit.call(body, 3).topics[0].partitions[0].error_code != 0
    assert producer.send_offsets("g", INPUT, 4) == [0, 0]
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert committed_offset(kit, "g", INPUT) == (0, 4)
