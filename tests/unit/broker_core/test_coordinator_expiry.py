"""Offsets and ids expire side by side; the earlier of both decides when to look."""

from __future__ import annotations

from broker_core.config import BrokerConfig
from broker_core.coordinator_expiry import Expiry
from broker_core.decision import RecordOrigin
from broker_core.group.records import CommittedOffset
from broker_core.group.records import to_record as offset_record
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.txn.records import to_record
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction
from tests.unit.broker_core.broker_kit import Events
from tests.unit.broker_core.group.test_expiry import no_groups

CONFIG = BrokerConfig(
    offsets_retention_minutes=1,
    offsets_retention_check_interval_ms=20,
    transactional_id_expiration_ms=50,
    transactional_id_check_interval_ms=30,
)


def test_both_are_looked_at_and_told_of() -> None:
    offsets, transactions, events = OffsetTable(1), TransactionTable(1), Events()
    expiry = Expiry(CONFIG, offsets, transactions, no_groups(), events)
    expiry.arm(0)
    assert expiry.next_ms is None
    offset = CommittedOffset(offset=1, leader_epoch=-1, metadata="", committed_ms=0)
    record = offset_record("g", TopicPartition("a", 0), offset)
    offsets.replay(record.key, record.value, RecordOrigin(0, 0))
    expiry.arm(0)
    assert expiry.next_ms == 20
    record = to_record(Transaction(transactional_id="t", producer_id=0, producer_epoch=0, timeout_ms=1, updated_ms=0))
    transactions.replay(record.key, record.value, RecordOrigin(0, 0))
    expiry.arm(0)
    assert [len(decision.records) for decision in expiry.due(100_000)] == [1, 1]
    assert [name for name, _ in events.heard] == ["offsets.expired", "txn.ids_expired"]
    assert list(expiry.due(100_001)) == []
