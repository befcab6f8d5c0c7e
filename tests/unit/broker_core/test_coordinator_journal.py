"""The journal: what is appended live and what is read back lead to the same tables."""

import pytest

from broker_core.config import Durability
from broker_core.coordinator_journal import Journal
from broker_core.decision import Decision, Marker, Need
from broker_core.errors import StorageError
from broker_core.group.membership import MembershipTable
from broker_core.group.records import CommittedOffset, to_record
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.protocol.batch import build_batch, decode_batch, read_header
from broker_core.txn.table import TransactionTable
from tests.unit.broker_core.coordinator_world import OFFSETS, TXN, A, FakeLogs

GONE = TopicPartition("gone", 0)


def journal() -> tuple[FakeLogs, Journal, OffsetTable]:
    logs = FakeLogs([TXN, OFFSETS, A], Durability.SYNCED)
    offsets = OffsetTable(1)
    return logs, Journal(logs, TransactionTable(1), offsets, MembershipTable()), offsets


def commits(*targets: int) -> Decision:
    records = tuple(
        to_record("g", TopicPartition("a", each), CommittedOffset(offset=each, committed_ms=0)) for each in targets
    )
    return Decision(partition=OFFSETS, records=records)


def test_records_of_a_decision_are_one_batch() -> None:
    logs, written, offsets = journal()
    written.write(commits(3, 4), 77)
    (batch,) = logs.logs[OFFSETS].batches
    header = read_header(batch)
    assert (header.record_count, header.producer_id, header.is_transactional) == (2, -1, False)
    assert decode_batch(batch).timestamps == [77, 77]
    assert {target.partition: offset.position for target, offset in offsets.committed("g").items()} == {3: 0, 4: 1}


def test_transactional_offsets_carry_their_producer() -> None:
    logs, written, offsets = journal()
    decision = commits(3)
    written.write(Decision(partition=OFFSETS, records=decision.records, producer_id=5, producer_epoch=2), 0)
    header = read_header(logs.logs[OFFSETS].batches[0])
    assert (header.producer_id, header.producer_epoch, header.base_sequence, header.is_transactional) == (
        5,
        2,
        -1,
        True,
    )
    assert offsets.unstable("g") == {TopicPartition("a", 3)}


def test_what_is_read_back_equals_what_was_written() -> None:
    logs, written, offsets = journal()
    written.write(commits(1, 2), 0)
    records = commits(2, 3).records
    written.write(Decision(partition=OFFSETS, records=records, producer_id=5, producer_epoch=0), 0)
    written.write(commits(4), 0)
    written.write_marker(OFFSETS, Marker(producer_id=5, producer_epoch=0, coordinator_epoch=0, commit=True), 0)
    again = OffsetTable(1)
    data = b"".join(logs.logs[OFFSETS].batches)
    reader = Journal(logs, TransactionTable(1), again, MembershipTable())
    cut = len(logs.logs[OFFSETS].batches[0])
    reader.load(OFFSETS, data[:cut])
    reader.load(OFFSETS, data[cut:])
    assert again.committed("g") == offsets.committed("g")
    assert len(again.committed("g")) == 4


def test_nothing_to_append_appends_nothing() -> None:
    logs, written, _ = journal()
    written.write(Decision(reply="x"), 0)
    assert all(log.end == 0 for log in logs.logs.values())


def test_needs_are_resolved_to_present_ends() -> None:
    _logs, written, _ = journal()
    written.write(commits(1, 2), 0)
    needs = [Need(OFFSETS), Need(OFFSETS, 1), Need(TXN, 5), Need(GONE), Need(A)]
    assert written.resolve(needs) == {OFFSETS: 2, TXN: 5, A: 0}


def test_a_record_without_a_key_is_damage() -> None:
    logs, written, _ = journal()
    logs.append(TXN, build_batch([None], [b"x"], [0]), 0)
    with pytest.raises(StorageError, match="__transaction_state-0: the record at offset 0 cannot be read"):
        written.load(TXN, logs.logs[TXN].batches[0])
