"""Steps in isolation: order of replies, markers that partly fail, and decisions that come to nothing."""

from random import Random

from broker_core.config import BrokerConfig, Durability
from broker_core.coordinator_journal import Journal
from broker_core.coordinator_steps import Steps
from broker_core.coordinator_waits import Caller
from broker_core.decision import Decision, Marker, Need, PrepareTransaction
from broker_core.errors import ErrorCode
from broker_core.group.groups import Groups
from broker_core.group.membership import MembershipTable
from broker_core.group.records import CommittedOffset, to_record
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.ports import NullObserver
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.txn.table import TransactionTable
from tests.unit.broker_core.coordinator_world import OFFSETS, TXN, A, B, FakeLogs

MARKER = Marker(producer_id=3, producer_epoch=1, coordinator_epoch=0, commit=True)
RECORD = to_record("g", A, CommittedOffset(offset=1, committed_ms=0))


def steps() -> tuple[Steps, FakeLogs, TransactionTable]:
    logs = FakeLogs([TXN, OFFSETS, A, B], Durability.SYNCED)
    transactions = TransactionTable(1)
    groups = Groups(BrokerConfig(), MembershipTable(), Random(1))
    journal = Journal(logs, transactions, OffsetTable(1), groups.memberships)
    made = Steps(logs, journal, transactions, groups, NullObserver(), allocate_producer_id=lambda: 0, two_waves=True)
    return made, logs, transactions


def caller(token: int) -> Caller:
    return Caller(token=token, request=EndTxnRequest(), api_version=4)


def test_a_reply_waits_for_its_own_records_only() -> None:
    running, logs, _ = steps()
    running.carry_out(Decision(partition=OFFSETS, records=(RECORD,), needs=(Need(OFFSETS),), reply="1"), caller(1), 0)
    running.carry_out(Decision(partition=OFFSETS, records=(RECORD,), needs=(Need(OFFSETS),), reply="2"), caller(2), 0)
    running.carry_out(Decision(reply="3"), caller(3), 0)
    running.advance(0)
    assert running.released == {3: "3"}
    logs.logs[OFFSETS].synced = 1
    running.advance(0)
    assert running.released == {3: "3", 1: "1"}


def test_markers_that_could_be_written_are_not_written_again() -> None:
    running, logs, _ = steps()
    logs.logs[B].failed = True
    running.write_markers(MARKER, [A, B], 0)
    assert running.has_retries
    running.retry(0)
    logs.logs[B].failed = False
    running.retry(0)
    assert not running.has_retries
    assert (logs.logs[A].end, logs.logs[B].end) == (1, 1)
    assert running.waits.awaited() == {A: 1, B: 1}


def test_partitions_that_are_gone_get_no_marker() -> None:
    running, _logs, _ = steps()
    running.write_markers(MARKER, [TopicPartition("gone", 0)], 0)
    assert not running.has_retries
    running.advance(0)
    assert running.waits.awaited() == {}


def test_a_decision_that_cannot_be_appended_refuses_its_caller() -> None:
    running, logs, _ = steps()
    logs.logs[OFFSETS].failed = True
    code = running.carry_out(Decision(partition=OFFSETS, records=(RECORD,), reply="never"), caller(1), 0)
    assert code is ErrorCode.KAFKA_STORAGE_ERROR
    assert getattr(running.released[1], "error_code") == ErrorCode.KAFKA_STORAGE_ERROR


def test_giving_up_an_end_frees_its_transaction() -> None:
    running, _logs, transactions = steps()
    step = PrepareTransaction(transactional_id="t", commit=True, client_version=0)
    running.carry_out(Decision(needs=(Need(A, 5),), then=step), caller(1), 0)
    assert transactions.is_ending("t")
    running.fail(A, 0)
    assert not transactions.is_ending("t")
    assert 1 in running.released
