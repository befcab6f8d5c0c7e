"""Transactional ids expire when nobody used them for long, open and ending transactions never."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker_core.config import BrokerConfig
from broker_core.decision import RecordOrigin
from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.txn.expiry import MAX_TOMBSTONES, TransactionalIdExpiry, decide_expiry
from broker_core.txn.records import read_key, to_record
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer

HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
A = TopicPartition("a", 0)


def table_with(*states: TransactionState, updated_ms: int = 0) -> TransactionTable:
    table = TransactionTable(1)
    for index, state in enumerate(states):
        transaction = Transaction(
            transactional_id=f"{index}", producer_id=index, producer_epoch=0, timeout_ms=1, state=state,
            updated_ms=updated_ms,
        )  # fmt: skip
        record = to_record(transaction)
        table.replay(record.key, record.value, RecordOrigin(0, index))
    return table


def forgotten(table: TransactionTable, now_ms: int) -> list[str]:
    return [read_key(key) for decision in decide_expiry(table, now_ms, 100) for key, _ in decision.records]


def expiry_of(table: TransactionTable, expiration_ms: int = 100) -> TransactionalIdExpiry:
    config = BrokerConfig(transactional_id_expiration_ms=expiration_ms, transactional_id_check_interval_ms=10)
    return TransactionalIdExpiry(config, table)


def test_only_ids_without_a_transaction_expire_and_only_when_it_is_time() -> None:
    table = table_with(
        TransactionState.EMPTY,
        TransactionState.ONGOING,
        TransactionState.PREPARE_COMMIT,
        TransactionState.PREPARE_ABORT,
        TransactionState.COMPLETE_COMMIT,
        TransactionState.COMPLETE_ABORT,
    )
    assert forgotten(table, 99) == []
    assert forgotten(table, 100) == ["0", "4", "5"]
    table.hold("4")
    assert forgotten(table, 100) == ["0", "5"]


def test_a_batch_holds_so_many() -> None:
    table = table_with(*[TransactionState.EMPTY] * (MAX_TOMBSTONES + 1))
    assert [len(decision.records) for decision in decide_expiry(table, 100, 100)] == [MAX_TOMBSTONES, 1]


def test_when_it_looks() -> None:
    table = table_with(TransactionState.EMPTY)
    expiry = expiry_of(table)
    assert expiry.due(1_000) == () and expiry.next_ms is None, "not armed"
    expiry.arm(1_000)
    assert (expiry.next_ms, expiry.due(1_009)) == (1_010, ())
    assert len(expiry.due(1_010)) == 1
    expiry.arm(1_010)
    assert len(expiry.due(500)) == 1, "the clock went back: the deadline means nothing"
    never = expiry_of(table, -1)
    never.arm(0)
    empty = expiry_of(TransactionTable(1))
    empty.arm(0)
    assert never.next_ms is None and empty.next_ms is None


@pytest.mark.parametrize("crash", [None, "keep"])
def test_in_a_broker_and_over_a_restart(crash: str | None) -> None:
    kit = Kit(config=BrokerConfig(min_free_bytes=0)).open()
    kit.create("a")
    old, used = TransactionalProducer(kit, "old"), TransactionalProducer(kit, "used")
    assert old.init() == used.init() == 0
    kit.tick(WEEK_MS - HOUR_MS)
    assert used.init() == 0
    kit.tick(HOUR_MS)
    assert kit.events.named("txn.ids_expired") == [{"partition": TopicPartition("__transaction_state", 0), "ids": 1}]
    kit.sync_all()
    kit.restart(crash=crash)
    assert used.add(A) == [0]
    assert old.add(A) == [ErrorCode.INVALID_PRODUCER_ID_MAPPING]
    before = old.producer_id
    assert old.init() == 0 and (old.producer_id != before, old.epoch) == (True, 0)


def test_a_lost_tombstone_only_comes_later() -> None:
    """It is not waited for: after a power failure the id is there again, and expires again."""
    kit = Kit(config=replace(BrokerConfig(), min_free_bytes=0)).open()
    kit.create("a")
    old = TransactionalProducer(kit, "old")
    assert old.init() == 0
    kit.tick(WEEK_MS)
    kit.restart(crash="drop")
    assert old.add(A) == [0]
    assert old.end(commit=False) == 0
