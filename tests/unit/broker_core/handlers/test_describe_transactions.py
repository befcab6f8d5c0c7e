"""DescribeTransactions: through the broker; the rules are txn/test_admin's."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.describe_transactions import DescribeTransactionsRequest
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer

WORDS = TopicPartition("words", 0)


def test_an_open_transaction_with_its_partitions(kit: Kit) -> None:
    kit.create("words")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    assert producer.add(WORDS) == [0]
    found, unknown = kit.call(DescribeTransactionsRequest(transactional_ids=("tx", "no"))).transaction_states
    assert (found.error_code, found.transaction_state, found.producer_epoch) == (0, "Ongoing", 0)
    assert (found.transaction_start_time_ms, found.transaction_timeout_ms) == (kit.now_ms, 60_000)
    assert [(topic.topic, topic.partitions) for topic in found.topics] == [("words", (0,))]
    assert unknown.error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
