"""What recovery makes of transactions that partition logs show open."""

from broker_core.decision import RecordOrigin
from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.txn.orphans import OpenTransaction, RecoveryPlan, recovery_plan
from broker_core.txn.records import to_record
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction
from tests.unit.broker_core.coordinator_world import OFFSETS, TXN, A, B, World, txn_commit_request

NOTHING = RecoveryPlan(prepared=(), fenced=(), unowned=())
P0, P1 = TopicPartition("a", 0), TopicPartition("a", 1)


def table(state: TransactionState, *partitions: TopicPartition, epoch: int = 2) -> TransactionTable:
    known = TransactionTable(1)
    transaction = Transaction(
        transactional_id="t",
        producer_id=1,
        producer_epoch=epoch,
        timeout_ms=1,
        state=state,
        partitions=frozenset(partitions),
    )
    known.replay(*to_record(transaction), RecordOrigin(0, 0))
    return known


def test_what_the_coordinator_knows_is_left_alone() -> None:
    assert recovery_plan(table(TransactionState.ONGOING, P0), [OpenTransaction(P0, 1, 2)]) == NOTHING


def test_a_producer_of_no_transactional_id_is_closed() -> None:
    found = OpenTransaction(P0, 9, 4)
    assert recovery_plan(table(TransactionState.EMPTY), [found]).unowned == (found,)


def test_data_of_a_transaction_that_is_not_logged_fences_its_owner() -> None:
    plan = recovery_plan(
        table(TransactionState.COMPLETE_COMMIT), [OpenTransaction(P1, 1, 2), OpenTransaction(P0, 1, 2)]
    )
    assert plan.fenced == (("t", (P0, P1)),)


def test_one_partition_too_many_is_enough() -> None:
    plan = recovery_plan(table(TransactionState.ONGOING, P0), [OpenTransaction(P0, 1, 2), OpenTransaction(P1, 1, 2)])
    assert plan.fenced == (("t", (P1,)),)


def test_an_older_epoch_is_not_the_open_transaction() -> None:
    plan = recovery_plan(table(TransactionState.ONGOING, P0), [OpenTransaction(P0, 1, 1)])
    assert plan.fenced == (("t", (P0,)),)


def test_prepared_ones_get_their_markers_again() -> None:
    plan = recovery_plan(table(TransactionState.PREPARE_COMMIT, P0), [OpenTransaction(P0, 1, 2)])
    assert plan == RecoveryPlan(prepared=("t",), fenced=(), unowned=())


# The same through the driver.


def test_a_lost_transaction_is_not_taken_for_the_last_one() -> None:
    """The transaction's own record is lost with the power, its acknowledged data is not. EndTxn would find the id in
    CompleteCommit and be told that all is well; it must be told that it is not.
    """
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"1")
    world.end(owner)
    world.settle()
    world.add(owner, A)
    world.produce(owner, A, b"2")
    world.sync(A)
    world.crash()
    world.settle()
    assert world.end(owner) is ErrorCode.PRODUCER_FENCED
    assert world.committed(A) == [b"1"]
    assert not world.logs.logs[A].open_transactions()


def test_half_a_lost_transaction_is_aborted_whole() -> None:
    """Ongoing with one partition is on disk, its growth by another is not, the data of both is."""
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.sync()
    world.add(owner, B)
    world.produce(owner, A, b"a")
    world.produce(owner, B, b"b")
    world.sync(A, B)
    world.crash()
    world.settle()
    assert world.end(owner) is ErrorCode.PRODUCER_FENCED
    assert (world.committed(A), world.committed(B)) == ([], [])
    assert world.owner() == (0, 2)


def test_the_fence_is_on_disk_before_its_markers_are_written() -> None:
    """A second power failure between the two would otherwise leave a settled id and no trace of the orphan."""
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"x")
    world.sync(A)
    world.crash()
    assert world.logs.trace == []
    world.sync(TXN)
    assert world.logs.trace == ["out-0: abort marker of producer 0 epoch 1"]


def test_orphaned_offsets_are_dropped() -> None:
    world = World()
    owner = world.owner()
    world.add_offsets(owner)
    world.submit(txn_commit_request(owner, {A: 5}), 3)
    world.sync(OFFSETS)
    world.crash()
    world.settle()
    assert world.logs.logs[OFFSETS].open_transactions() == {}
    assert world.fetch(A) == {A: -1}


def test_an_open_transaction_of_an_unknown_producer_is_closed() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"x")
    world.sync()
    world.logs.logs[TXN].batches.clear()
    world.crash()
    assert not world.logs.logs[A].open_transactions()
    assert world.coordinator.next_deadline() is None
