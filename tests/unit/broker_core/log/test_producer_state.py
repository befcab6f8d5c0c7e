from __future__ import annotations

import pytest

from broker_core.errors import BrokerError, ErrorCode
from broker_core.log.aborted import IndexedAbort
from broker_core.log.producer_state import (
    MAX_SEQUENCE,
    AppendedBatch,
    OpenTransaction,
    ProducerEntry,
    ProducerStates,
    sequence_after,
)
from broker_core.protocol.batch import BatchHeader, build_batch, control_batch, read_header

PRODUCER = 9


def data(sequence: int, count: int = 1, *, epoch: int = 0, transactional: bool = False, time: int = 0) -> BatchHeader:
    return read_header(
        build_batch(
            [None] * count, [b"v"] * count, [time] * count, producer_id=PRODUCER, producer_epoch=epoch,
            base_sequence=sequence, is_transactional=transactional,
        )
    )  # fmt: skip


def marker(epoch: int = 0, *, producer_id: int = PRODUCER) -> BatchHeader:
    return read_header(control_batch(producer_id, epoch, 0, True, 0))


def after(*headers: BatchHeader) -> ProducerStates:
    """The states after these batches, at offsets 0, 100, 200 and so on."""
    states = ProducerStates()
    for index, header in enumerate(headers):
        states.record(header, index * 100)
    return states


def refusal(states: ProducerStates, header: BatchHeader) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        states.check(header)
    return caught.value.code


def test_an_unknown_producer_may_start_anywhere() -> None:
    """Its data may have been deleted (KIP-360)."""
    assert ProducerStates().check(data(17)) is None


def test_the_next_sequence_follows_the_last() -> None:
    states = after(data(0, 5))
    assert states.check(data(5)) is None
    assert refusal(states, data(6)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert refusal(states, data(4)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_checking_changes_nothing() -> None:
    states = after(data(0, 5))
    before = states.entries()[0].batches
    states.check(data(5))
    assert states.entries()[0].batches == before


def test_a_duplicate_is_any_of_the_last_five_exactly() -> None:
    states = after(*(data(sequence * 2, 2) for sequence in range(6)))
    for index in range(1, 6):
        found = states.check(data(index * 2, 2))
        assert found is not None
        assert (found.first_offset, found.last_offset) == (index * 100, index * 100 + 1)
    assert refusal(states, data(0, 2)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert refusal(states, data(10, 1)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_sequences_wrap_to_zero() -> None:
    assert sequence_after(MAX_SEQUENCE, 1) == 0
    states = after(data(MAX_SEQUENCE - 1, 4))
    assert states.entries()[0].batches == (AppendedBatch(MAX_SEQUENCE - 1, 1, 0, 3, 0),)
    assert states.check(data(2)) is None
    assert states.check(data(MAX_SEQUENCE - 1, 4)) is not None
    assert after(data(MAX_SEQUENCE)).check(data(0)) is None


def test_an_old_epoch_is_fenced() -> None:
    assert refusal(after(data(0, epoch=3)), data(1, epoch=2)) is ErrorCode.INVALID_PRODUCER_EPOCH


def test_a_new_epoch_starts_at_zero_with_an_empty_window() -> None:
    states = after(data(0, epoch=3))
    assert refusal(states, data(1, epoch=4)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert states.check(data(0, epoch=4)) is None
    states.record(data(0, epoch=4), 100)
    assert len(states.entries()[0].batches) == 1


def test_after_a_marker_that_raised_the_epoch_sequences_start_at_zero() -> None:
    """A timed-out transaction is aborted with a higher epoch: the zombie is fenced, its successor starts anew."""
    states = after(data(0, 3, transactional=True))
    states.record_marker(marker(1), 100, commit=False, coordinator_epoch=0)
    assert refusal(states, data(3, transactional=True)) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert refusal(states, data(3, epoch=1)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert states.check(data(0, epoch=1)) is None


def test_a_marker_of_the_same_epoch_keeps_the_window() -> None:
    states = after(data(0, 3, transactional=True))
    states.record_marker(marker(), 100, commit=True, coordinator_epoch=0)
    assert states.check(data(3, transactional=True)) is None
    assert states.check(data(0, 3, transactional=True)) is not None


def test_no_plain_batch_inside_a_transaction() -> None:
    states = after(data(0, transactional=True))
    assert refusal(states, data(1)) is ErrorCode.INVALID_TXN_STATE


def test_the_coordinators_own_batches_skip_sequences_but_not_epochs() -> None:
    states = after(data(0, epoch=1, transactional=True))
    assert states.check(data(0, epoch=1, transactional=True), from_coordinator=True) is None
    with pytest.raises(BrokerError):
        states.check(data(0, epoch=0, transactional=True), from_coordinator=True)


def test_markers_are_checked_against_epoch_and_coordinator() -> None:
    states = after(data(0, epoch=2, transactional=True))
    states.record_marker(marker(2), 100, commit=True, coordinator_epoch=5)
    states.check_marker(PRODUCER, 2, 5)
    states.check_marker(PRODUCER, 3, 6)
    states.check_marker(PRODUCER + 1, 0, 0)
    with pytest.raises(BrokerError) as caught:
        states.check_marker(PRODUCER, 1, 5)
    assert caught.value.code is ErrorCode.INVALID_PRODUCER_EPOCH
    with pytest.raises(BrokerError) as caught:
        states.check_marker(PRODUCER, 2, 4)
    assert caught.value.code is ErrorCode.TRANSACTION_COORDINATOR_FENCED


def other(producer_id: int) -> BatchHeader:
    return data(0, transactional=True)._replace(producer_id=producer_id)


def test_the_stable_offset_waits_for_the_oldest_open_transaction() -> None:
    states = ProducerStates()
    for index, producer_id in enumerate((1, 2, 3)):
        states.record(other(producer_id), index)
    assert states.stable_offset(3) == 0
    states.record_marker(marker(producer_id=2), 3, commit=True, coordinator_epoch=0)
    assert states.stable_offset(4) == 0
    states.record_marker(marker(producer_id=1), 4, commit=True, coordinator_epoch=0)
    assert states.stable_offset(5) == 2
    states.record_marker(marker(producer_id=3), 5, commit=True, coordinator_epoch=0)
    assert states.stable_offset(6) == 6


def test_a_transaction_stays_unstable_until_its_marker_is_durable() -> None:
    states = after(data(0, transactional=True))
    states.record_marker(marker(), 1, commit=True, coordinator_epoch=0)
    assert states.stable_offset(1) == 0
    assert states.stable_offset(2) == 2


def test_the_stable_offset_never_passes_the_high_watermark() -> None:
    states = ProducerStates()
    states.record(other(1), 50)
    assert states.stable_offset(20) == 20


def test_an_abort_is_indexed_with_the_stable_offset_it_left() -> None:
    states = ProducerStates()
    states.record(other(1), 10)
    states.record(other(2), 20)
    abort = states.record_marker(marker(producer_id=2), 30, commit=False, coordinator_epoch=0)
    assert abort == IndexedAbort(2, 20, 30, 10)
    abort = states.record_marker(marker(producer_id=1), 31, commit=False, coordinator_epoch=0)
    assert abort == IndexedAbort(1, 10, 31, 32)


def test_commits_and_empty_aborts_are_not_indexed() -> None:
    states = after(data(0, transactional=True))
    assert states.record_marker(marker(), 1, commit=True, coordinator_epoch=0) is None
    assert states.record_marker(marker(), 2, commit=False, coordinator_epoch=0) is None


def test_open_transactions_are_listed_oldest_first() -> None:
    states = ProducerStates()
    states.record(other(5), 10)
    states.record(other(2), 20)
    states.record(other(5), 30)
    assert states.open_transactions() == (OpenTransaction(5, 0, 10), OpenTransaction(2, 0, 20))


def test_silent_producers_are_forgotten_unless_a_transaction_is_open() -> None:
    states = after(data(0, time=1_000))
    states.record(other(1), 100)
    states.expire(2_000, 1_000)
    assert [entry.producer_id for entry in states.entries()] == [1, PRODUCER]
    states.expire(2_001, 1_000)
    assert [entry.producer_id for entry in states.entries()] == [1]


def test_states_made_from_entries_know_their_open_transactions() -> None:
    entries = [
        ProducerEntry(producer_id=1, epoch=0, transaction_first_offset=40),
        ProducerEntry(producer_id=2, epoch=0, transaction_first_offset=30),
        ProducerEntry(producer_id=3, epoch=0),
    ]
    states = ProducerStates(entries)
    assert states.stable_offset(100) == 30
    assert [transaction.producer_id for transaction in states.open_transactions()] == [2, 1]
