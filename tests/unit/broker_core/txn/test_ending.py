"""Ends of transactions: the tables of KIP-98 and KIP-890, timeouts, and what each step writes."""

from dataclasses import replace
from typing import Any

import pytest

from broker_core.decision import RecordOrigin
from broker_core.errors import ErrorCode
from broker_core.txn.records import to_record
from tests.unit.broker_core.coordinator_world import A, B, World, end_request


def ended(commit: bool, **kwargs: Any) -> tuple[World, tuple[int, int]]:
    world = World(**kwargs)
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"x")
    assert world.end(owner, commit) is ErrorCode.NONE
    world.settle()
    return world, owner


def test_a_commit_shows_the_data_and_an_abort_hides_it() -> None:
    committed, _ = ended(True)
    aborted, _ = ended(False)
    assert (committed.state(), committed.committed(A)) == ("COMPLETE_COMMIT", [b"x"])
    assert (aborted.state(), aborted.committed(A)) == ("COMPLETE_ABORT", [])


@pytest.mark.parametrize("commit", [True, False])
def test_repeating_an_end_is_fine_and_the_opposite_is_not(commit: bool) -> None:
    world, owner = ended(commit)
    assert world.end(owner, commit) is ErrorCode.NONE
    assert world.end(owner, not commit) is ErrorCode.INVALID_TXN_STATE


@pytest.mark.parametrize("commit", [True, False])
def test_while_markers_are_pending(commit: bool) -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.submit(end_request(owner, commit), 4)
    assert world.submit(end_request(owner, commit), 4).error_code == ErrorCode.CONCURRENT_TRANSACTIONS
    assert world.submit(end_request(owner, not commit), 4).error_code == ErrorCode.INVALID_TXN_STATE


def test_without_a_transaction_there_is_nothing_to_end() -> None:
    world = World()
    owner = world.owner()
    assert world.end(owner, True) is ErrorCode.INVALID_TXN_STATE
    assert world.end(owner, False) is ErrorCode.INVALID_TXN_STATE


@pytest.mark.parametrize("version", [1, 2])
def test_who_may_end(version: int) -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    fenced = ErrorCode.PRODUCER_FENCED if version == 2 else ErrorCode.INVALID_PRODUCER_EPOCH
    assert world.end((0, 1), version=version) is fenced
    assert world.end((4, 0), version=version) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert world.end(owner, name="other", version=version) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert world.state() == "ONGOING"


def test_an_abort_waits_for_no_data() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"x")
    world.submit(end_request(owner, commit=False), 4)
    assert world.state() == "PREPARE_ABORT"


def test_a_timed_out_transaction_is_aborted_and_its_owner_fenced() -> None:
    world = World()
    owner = world.owner(timeout_ms=5_000)
    world.add(owner, A)
    world.produce(owner, A, b"late")
    world.tick(4_999)
    world.settle()
    assert world.state() == "ONGOING"
    world.tick(1_001)
    world.settle()
    assert world.state() == "COMPLETE_ABORT"
    assert world.end(owner) is ErrorCode.PRODUCER_FENCED
    assert world.add(owner, A) is ErrorCode.PRODUCER_FENCED
    assert world.admit(owner, A) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert world.logs.trace == ["out-0: abort marker of producer 0 epoch 1"]
    assert world.committed(A) == []


def test_a_commit_under_way_does_not_time_out() -> None:
    world = World()
    owner = world.owner(timeout_ms=5_000)
    world.add(owner, A)
    world.produce(owner, A, b"x")
    world.submit(end_request(owner), 4)
    world.tick(10_000)
    world.settle()
    assert world.state() == "COMPLETE_COMMIT"


def test_the_timeout_goes_on_over_a_restart() -> None:
    world = World()
    owner = world.owner(timeout_ms=5_000)
    world.add(owner, A)
    world.sync()
    world.restart()
    assert world.coordinator.next_deadline() == world.now_ms + 1_000
    world.tick(5_000)
    world.settle()
    assert world.state() == "COMPLETE_ABORT"


# KIP-890 part 2: EndTxn 5 bumps the epoch with every transaction.


def bump(world: World, owner: tuple[int, int], commit: bool) -> tuple[ErrorCode, int, int]:
    response = world.ask(end_request(owner, commit), 5)
    world.settle()
    return ErrorCode(response.error_code), response.producer_id, response.producer_epoch


def test_every_end_hands_out_the_next_epoch() -> None:
    world = World()
    owner = world.owner()
    world.admit(owner, A, version=12)
    assert bump(world, owner, True) == (ErrorCode.NONE, 0, 1)
    assert world.logs.trace == ["out-0: commit marker of producer 0 epoch 1"]
    world.admit((0, 1), B, version=12)
    assert bump(world, (0, 1), False) == (ErrorCode.NONE, 0, 2)
    assert world.admit((0, 1), A, version=12) is ErrorCode.INVALID_PRODUCER_EPOCH


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("last_epoch", [0, 32_766])
def test_what_timed_out_is_no_end_that_its_owner_could_repeat(commit: bool, last_epoch: int) -> None:
    """One epoch below the present one, it is fenced, and not handed the new epoch as after an end of its own."""
    world = World()
    world.owner(timeout_ms=5_000)
    table = world.coordinator.transactions
    before = table.get("t")
    assert before is not None
    table.replay(*to_record(replace(before, producer_epoch=last_epoch)), RecordOrigin(0, 0))
    owner = (0, last_epoch)
    world.admit(owner, A, version=12)
    world.tick(5_001)
    world.settle()
    assert world.state() == "COMPLETE_ABORT"
    assert bump(world, owner, commit)[0] is ErrorCode.PRODUCER_FENCED


def test_a_delayed_end_of_the_last_transaction_cannot_end_the_next() -> None:
    """The hole that the version 1 protocol has (found by Jepsen in several brokers)."""
    world = World()
    owner = world.owner()
    world.admit(owner, A, version=12)
    bump(world, owner, True)
    world.admit((0, 1), A, version=12)
    assert bump(world, owner, True)[0] is ErrorCode.PRODUCER_FENCED
    assert world.state() == "ONGOING"


@pytest.mark.parametrize(
    ("state", "commit", "retry", "code", "epoch"),
    [
        ("EMPTY", False, False, ErrorCode.NONE, 1),
        ("EMPTY", True, False, ErrorCode.INVALID_TXN_STATE, -1),
        ("COMPLETE_ABORT", False, False, ErrorCode.NONE, 2),
        ("COMPLETE_ABORT", False, True, ErrorCode.NONE, 1),
        ("COMPLETE_ABORT", True, False, ErrorCode.INVALID_TXN_STATE, -1),
        ("COMPLETE_ABORT", True, True, ErrorCode.INVALID_TXN_STATE, -1),
        ("COMPLETE_COMMIT", False, False, ErrorCode.NONE, 2),
        ("COMPLETE_COMMIT", True, True, ErrorCode.NONE, 1),
        ("COMPLETE_COMMIT", True, False, ErrorCode.INVALID_TXN_STATE, -1),
        ("COMPLETE_COMMIT", False, True, ErrorCode.INVALID_TXN_STATE, -1),
    ],
)
def test_the_table_of_kip_890(state: str, commit: bool, retry: bool, code: ErrorCode, epoch: int) -> None:
    world = World()
    owner = world.owner()
    if state != "EMPTY":
        world.admit(owner, A, version=12)
        bump(world, owner, state == "COMPLETE_COMMIT")
        owner = (0, 0) if retry else (0, 1)
    assert world.state() == state
    told, _, told_epoch = bump(world, owner, commit)
    assert (told, told_epoch) == (code, epoch)


def test_a_repetition_of_an_epoch_older_than_that_is_fenced() -> None:
    world = World()
    world.owner()
    owner = world.owner()
    assert bump(world, (owner[0], owner[1] - 1), True)[0] is ErrorCode.PRODUCER_FENCED


def test_when_epochs_run_out_the_end_hands_out_a_new_producer_id() -> None:
    world = World()
    world.owner()
    table = world.coordinator.transactions
    before = table.get("t")
    assert before is not None
    table.replay(*to_record(replace(before, producer_epoch=32_766)), RecordOrigin(0, 0))
    owner = (0, 32_766)
    world.admit(owner, A, version=12)
    assert bump(world, owner, True) == (ErrorCode.NONE, 1, 0)
    assert world.logs.trace == ["out-0: commit marker of producer 0 epoch 32767"]
    assert bump(world, owner, True) == (ErrorCode.NONE, 1, 0)
    assert world.admit((1, 0), A, version=12) is ErrorCode.NONE


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("again", "epoch"), [(True, 0), (False, 0), (True, 1), (False, 1)])
def test_while_markers_of_an_epoch_bumping_client_are_pending(first: bool, again: bool, epoch: int) -> None:
    """The answer got lost or is not out yet: the same end is to be asked for again, the other one is a mistake."""
    world = World()
    owner = world.owner()
    world.admit(owner, A, version=12)
    world.produce(owner, A, b"x")
    world.sync(A)
    world.submit(end_request(owner, first), 5)
    assert world.state() == ("PREPARE_COMMIT" if first else "PREPARE_ABORT")
    told = world.submit(end_request((owner[0], epoch), again), 5).error_code
    assert told == (ErrorCode.CONCURRENT_TRANSACTIONS if again == first else ErrorCode.INVALID_TXN_STATE)


def test_both_protocols_on_one_id_take_turns() -> None:
    """The version of each request decides, not what the client did before (librdkafka never bumps)."""
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"one")
    assert world.end(owner, True) is ErrorCode.NONE
    world.settle()
    assert world.admit(owner, A, version=12) is ErrorCode.NONE
    world.produce(owner, A, b"two")
    assert bump(world, owner, True) == (ErrorCode.NONE, 0, 1)
    world.add((0, 1), A)
    world.produce((0, 1), A, b"three")
    assert world.end((0, 1), True) is ErrorCode.NONE
    world.settle()
    assert world.committed(A) == [b"one", b"two", b"three"]
