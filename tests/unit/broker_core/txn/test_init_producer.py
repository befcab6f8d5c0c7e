"""InitProducerId in every state of the transactional id."""

import pytest

from broker_core.errors import ErrorCode
from broker_core.txn.states import TransactionState
from tests.unit.broker_core.coordinator_world import A, B, World, end_request


def exhausted(world: World, epoch: int) -> None:
    """Age the id ``t`` to ``epoch`` by a record, as 32 thousand restarts would."""
    from dataclasses import replace

    from broker_core.decision import RecordOrigin
    from broker_core.txn.records import to_record

    table = world.coordinator.transactions
    before = table.get("t")
    assert before is not None
    table.replay(*to_record(replace(before, producer_epoch=epoch)), RecordOrigin(0, 0))


def test_a_new_id_starts_at_epoch_0() -> None:
    assert World().owner() == (0, 0)


def test_without_a_transactional_id_every_call_gets_a_new_producer() -> None:
    world = World()
    assert [(each.producer_id, each.producer_epoch) for each in (world.init(None), world.init(None))] == [
        (0, 0),
        (1, 0),
    ]
    assert world.init(None, claim=(0, 0)).producer_id == 2


@pytest.mark.parametrize(
    ("kwargs", "code"),
    [
        ({"name": ""}, ErrorCode.INVALID_REQUEST),
        ({"claim": (1, -1)}, ErrorCode.INVALID_REQUEST),
        ({"claim": (-1, 1)}, ErrorCode.INVALID_REQUEST),
        ({"timeout_ms": 0}, ErrorCode.INVALID_TRANSACTION_TIMEOUT),
        ({"timeout_ms": 15 * 60_000 + 1}, ErrorCode.INVALID_TRANSACTION_TIMEOUT),
    ],
)
def test_bad_requests(kwargs: dict[str, object], code: ErrorCode) -> None:
    assert World().init(**kwargs).error_code == code  # type: ignore[arg-type]


def test_the_same_id_again_is_fenced_by_epoch() -> None:
    world = World()
    first, second = world.owner(), world.owner()
    assert (first, second) == ((0, 0), (0, 1))
    assert world.add(first, A) is ErrorCode.PRODUCER_FENCED
    assert world.add(first, A, version=1) is ErrorCode.INVALID_PRODUCER_EPOCH


@pytest.mark.parametrize("commit", [True, False])
def test_after_a_transaction_the_epoch_goes_up(commit: bool) -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.end(owner, commit)
    world.settle()
    assert world.owner() == (0, 1)
    assert world.state() == "EMPTY"


def test_an_open_transaction_is_aborted_and_its_owner_fenced() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A, B)
    world.produce(owner, A, b"lost")
    assert world.init().error_code == ErrorCode.CONCURRENT_TRANSACTIONS
    world.settle()
    assert world.state() == "COMPLETE_ABORT"
    assert world.owner() == (0, 2)
    assert world.end(owner) is ErrorCode.PRODUCER_FENCED
    assert world.committed(A) == []
    assert not world.logs.logs[A].open_transactions()


@pytest.mark.parametrize("state", ["PREPARE_COMMIT", "PREPARE_ABORT"])
def test_a_prepared_transaction_is_waited_for(state: str) -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.submit(end_request(owner, commit=state == "PREPARE_COMMIT"), 4)
    assert world.state() == state
    answer = world.submit_init()
    assert answer.error_code == ErrorCode.CONCURRENT_TRANSACTIONS


def test_a_commit_that_waits_for_its_data_is_waited_for() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"x")
    world.submit(end_request(owner), 4)
    assert world.state() == "ONGOING"
    assert world.submit_init().error_code == ErrorCode.CONCURRENT_TRANSACTIONS


# KIP-360: an owner that names what it has, to go on after an error.


def test_the_owner_may_bump_its_own_epoch() -> None:
    world = World()
    assert world.owner(claim=world.owner()) == (0, 1)


def test_a_lost_answer_can_be_asked_for_again() -> None:
    world = World()
    first = world.owner()
    assert world.owner(claim=first) == (0, 1)
    assert world.owner(claim=first) == (0, 1)


def test_but_not_once_another_owner_has_come() -> None:
    world = World()
    first = world.owner()
    world.owner(claim=first)
    world.owner()
    assert world.init(claim=first).error_code == ErrorCode.PRODUCER_FENCED
    assert world.init(claim=first, version=3).error_code == ErrorCode.INVALID_PRODUCER_EPOCH


def test_a_stale_owner_is_fenced_and_the_present_one_undisturbed() -> None:
    """Kafka aborts the present owner's open transaction here before it fences the stale one."""
    world = World()
    stale = world.owner()
    owner = world.owner()
    world.add(owner, A)
    assert world.init(claim=stale).error_code == ErrorCode.PRODUCER_FENCED
    assert world.state() == "ONGOING"


def test_an_owner_that_aborts_its_own_transaction_goes_on() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    assert world.init(claim=owner).error_code == ErrorCode.CONCURRENT_TRANSACTIONS
    world.settle()
    following = world.owner(claim=owner)
    assert following == (0, 1)
    assert world.add(following, A) is ErrorCode.NONE


def test_a_foreign_producer_id_is_fenced() -> None:
    world = World()
    world.owner()
    assert world.init(claim=(77, 0)).error_code == ErrorCode.PRODUCER_FENCED


# Epochs run out.


def test_the_last_epoch_for_clients_is_32766_and_then_comes_a_new_producer_id() -> None:
    world = World()
    world.owner()
    exhausted(world, 32_765)
    assert world.owner() == (0, 32_766)
    assert world.owner() == (1, 0)
    transaction = world.coordinator.transactions.get("t")
    assert transaction is not None
    assert transaction.previous_producer_id == 0


def test_a_lost_answer_with_a_new_producer_id_can_be_asked_for_again() -> None:
    world = World()
    world.owner()
    exhausted(world, 32_766)
    assert world.owner(claim=(0, 32_766)) == (1, 0)
    assert world.owner(claim=(0, 32_766)) == (1, 0)


def test_the_last_client_can_still_be_fenced() -> None:
    world = World()
    world.owner()
    exhausted(world, 32_766)
    world.add((0, 32_766), A)
    assert world.init().error_code == ErrorCode.CONCURRENT_TRANSACTIONS
    transaction = world.coordinator.transactions.get("t")
    assert transaction is not None
    assert (transaction.state, transaction.producer_epoch) == (TransactionState.PREPARE_ABORT, 32_767)
    world.settle()
    assert world.owner() == (1, 0)


def test_an_epoch_is_handed_out_only_once_it_is_on_disk() -> None:
    """Otherwise the same epoch could be given to two owners, one before and one after a power failure."""
    world = World()
    world.owner()
    token = world.submit_init()
    assert isinstance(token, int)
    world.crash()
    assert world.owner() == (0, 1)
