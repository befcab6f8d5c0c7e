"""Only replay changes durable state; session state goes with the epoch or the transaction it is about."""

from broker_core.decision import RecordOrigin, RetryEpoch
from broker_core.model import TopicPartition
from broker_core.txn.records import to_record
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction

EMPTY = Transaction(transactional_id="t", producer_id=1, producer_epoch=0, timeout_ms=1_000)
ONGOING = EMPTY.moved(TransactionState.ONGOING, 5, partitions=frozenset({TopicPartition("a", 0)}), started_ms=5)
PREPARED = ONGOING.moved(TransactionState.PREPARE_COMMIT, 6)


def replayed(*transactions: Transaction) -> TransactionTable:
    table = TransactionTable(1)
    for offset, transaction in enumerate(transactions):
        table.replay(*to_record(transaction), RecordOrigin(0, offset))
    return table


def test_the_last_record_is_the_state() -> None:
    table = replayed(EMPTY, ONGOING, PREPARED)
    assert table.get("t") == PREPARED
    assert list(table) == [PREPARED]


def test_a_tombstone_forgets_the_id() -> None:
    table = replayed(EMPTY)
    table.replay(to_record(EMPTY).key, None, RecordOrigin(0, 1))
    assert table.get("t") is None
    assert not table.has_ongoing


def test_settled_is_the_end_of_the_last_record_without_an_open_transaction() -> None:
    assert replayed(EMPTY).settled("t").offset == 1
    assert replayed(EMPTY, ONGOING, ONGOING).settled("t").offset == 1
    assert replayed(EMPTY, ONGOING, PREPARED).settled("t").offset == 3
    assert replayed().settled("t").offset == 0


def test_ongoing_leaves_out_what_is_being_ended() -> None:
    table = replayed(EMPTY, ONGOING)
    assert table.ongoing() == (ONGOING,)
    table.hold("t")
    assert table.is_ending("t")
    assert table.ongoing() == ()
    table.release("t")
    assert table.ongoing() == (ONGOING,)


def test_a_prepared_record_ends_the_hold() -> None:
    table = replayed(EMPTY, ONGOING)
    table.hold("t")
    table.replay(*to_record(PREPARED), RecordOrigin(0, 2))
    assert not table.is_ending("t")


def test_a_retry_epoch_lasts_as_long_as_the_epoch_it_led_to() -> None:
    table = replayed(EMPTY)
    table.remember(RetryEpoch("t", 4))
    table.replay(*to_record(ONGOING), RecordOrigin(0, 1))
    assert table.retry_epoch("t") == 4
    fenced = ONGOING.moved(TransactionState.PREPARE_ABORT, 7, producer_epoch=1)
    table.replay(*to_record(fenced), RecordOrigin(0, 2))
    assert table.retry_epoch("t") is None
