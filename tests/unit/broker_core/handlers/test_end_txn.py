"""EndTxn: nothing to end is an error; a repeated end is not."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer


def test_ends(kit: Kit) -> None:
    kit.create("a")
    producer = TransactionalProducer(kit)
    producer.init()
    assert producer.end(commit=True) == ErrorCode.INVALID_TXN_STATE
    producer.add(TopicPartition("a", 0))
    producer.produce(TopicPartition("a", 0), "x")
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert producer.end(commit=True) == 0, "the answer may have been lost"
    assert producer.end(commit=False) == ErrorCode.INVALID_TXN_STATE
    assert kit.values("a", committed=True) == ["x"]
