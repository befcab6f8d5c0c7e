"""ListTransactions and DescribeTransactions: filters, names of states, and what an id shows in each state."""

from __future__ import annotations

import pytest

from broker_core.decision import RecordOrigin
from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.list_transactions import ListTransactionsRequest
from broker_core.txn.admin import describe_transactional_id, list_transactional_ids, state_name
from broker_core.txn.records import to_record
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction

OPEN = frozenset({TopicPartition("b", 1), TopicPartition("a", 2), TopicPartition("a", 0)})


@pytest.fixture
def table() -> TransactionTable:
    table = TransactionTable(1)
    for index, (name, state, partitions) in enumerate(
        (
            ("empty", TransactionState.EMPTY, frozenset[TopicPartition]()),
            ("open", TransactionState.ONGOING, OPEN),
            ("ending", TransactionState.PREPARE_COMMIT, OPEN),
            ("done", TransactionState.COMPLETE_ABORT, frozenset[TopicPartition]()),
        )
    ):
        transaction = Transaction(
            transactional_id=name, producer_id=index, producer_epoch=3, timeout_ms=9, state=state,
            partitions=partitions, started_ms=1_000 * index,
        )  # fmt: skip
        record = to_record(transaction)
        table.replay(record.key, record.value, RecordOrigin(0, index))
    return table


def listed(table: TransactionTable, **filters: object) -> list[str]:
    answer = list_transactional_ids(table, ListTransactionsRequest(**filters), 3_000)  # type: ignore[arg-type]
    return [found.transactional_id for found in answer.transaction_states]


def test_names_are_kafkas() -> None:
    assert [state_name(state) for state in TransactionState] == [
        "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
        "PrepareEpochFence",
    ]  # fmt: skip


def test_filters_go_together(table: TransactionTable) -> None:
    assert listed(table) == ["empty", "open", "ending", "done"]
    assert listed(table, state_filters=("Ongoing", "CompleteAbort")) == ["open", "done"]
    assert listed(table, state_filters=("ongoing",)) == [], "names are case sensitive"
    assert listed(table, producer_id_filters=(0, 2)) == ["empty", "ending"]
    assert listed(table, state_filters=("Empty",), producer_id_filters=(2,)) == []


def test_a_duration_asks_for_what_runs_longer(table: TransactionTable) -> None:
    assert listed(table, duration_filter=-1) == ["empty", "open", "ending", "done"]
    assert listed(table, duration_filter=0) == ["open", "ending"]
    assert listed(table, duration_filter=1_000) == ["open"], "exactly as long is not longer"
    assert listed(table, duration_filter=2_000) == []


def test_what_an_id_shows(table: TransactionTable) -> None:
    found = describe_transactional_id(table, "ending")
    assert (found.error_code, found.transaction_state, found.producer_id, found.producer_epoch) == (
        0, "PrepareCommit", 2, 3,
    )  # fmt: skip
    assert (found.transaction_timeout_ms, found.transaction_start_time_ms) == (9, 2_000)
    assert [(topic.topic, topic.partitions) for topic in found.topics] == [("a", (0, 2)), ("b", (1,))]
    done = describe_transactional_id(table, "done")
    assert (done.transaction_state, done.transaction_start_time_ms, done.topics) == ("CompleteAbort", -1, ())


def test_ids_that_are_none(table: TransactionTable) -> None:
    assert describe_transactional_id(table, "no").error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
    assert describe_transactional_id(table, "").error_code == ErrorCode.INVALID_REQUEST
