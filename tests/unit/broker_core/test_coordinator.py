"""The driver: sync waves, restarts in every state, failures, and progress without any syncing."""

from collections.abc import Callable

import pytest

from broker_core.config import Durability
from broker_core.coordinator import Waiting
from broker_core.errors import ErrorCode, StorageError
from broker_core.model import TopicPartition
from broker_core.protocol.batch import build_batch
from broker_core.protocol.offset_fetch import OffsetFetchRequest
from tests.unit.broker_core.coordinator_world import OFFSETS, TXN, A, B, World, add_request, commit_request, end_request


def written(world: World) -> tuple[int, int]:
    """A transaction with data in two partitions and an offset, nothing of it synced."""
    owner = world.owner()
    world.submit(add_request(owner, [A, B]), 3)
    world.add_offsets(owner)
    assert world.produce(owner, A, b"a") is ErrorCode.NONE
    assert world.produce(owner, B, b"b") is ErrorCode.NONE
    from tests.unit.broker_core.coordinator_world import txn_commit_request

    world.submit(txn_commit_request(owner, {A: 7}), 3)
    return owner


# The waves.


def test_prepare_is_appended_only_when_everything_written_is_synced() -> None:
    world = World()
    owner = written(world)
    token = world.submit(end_request(owner), 4)
    for log in (A, OFFSETS):
        world.sync(log)
        assert world.state() == "ONGOING"
    world.sync(B)
    assert world.state() == "PREPARE_COMMIT"
    assert token not in world.replies


def test_the_answer_leaves_when_prepare_is_synced_and_markers_follow() -> None:
    world = World()
    token = world.submit(end_request(written(world)), 4)
    world.sync(A, B, OFFSETS)
    assert world.logs.trace == []
    world.sync(TXN)
    assert world.replies[token].error_code == ErrorCode.NONE
    assert [line.split(":")[0] for line in world.logs.trace] == ["__consumer_offsets-0", "out-0", "out-1"]


def test_complete_is_appended_only_when_the_markers_are_synced() -> None:
    world = World()
    world.submit(end_request(written(world)), 4)
    world.sync()
    world.sync()
    world.sync(A, B)
    assert world.state() == "PREPARE_COMMIT"
    world.sync(OFFSETS)
    assert world.state() == "COMPLETE_COMMIT"


def test_data_that_was_acknowledged_costs_no_wave_of_its_own() -> None:
    world = World()
    owner = written(world)
    world.sync(A, B, OFFSETS)
    world.submit(end_request(owner), 4)
    assert world.state() == "PREPARE_COMMIT"


def test_the_next_transaction_starts_without_a_wave_once_complete_is_synced() -> None:
    world = World()
    owner = written(world)
    world.end(owner)
    world.settle()
    assert not isinstance(world.submit(add_request(owner, [A]), 3), int)


def test_without_syncing_everything_happens_at_once() -> None:
    world = World(durability=Durability.NONE)
    owner = written(world)
    assert world.submit(end_request(owner), 4).error_code == ErrorCode.NONE
    assert world.state() == "COMPLETE_COMMIT"
    assert (world.committed(A), world.committed(B)) == ([b"a"], [b"b"])
    assert not isinstance(world.submit(add_request(owner, [A]), 3), int)
    assert world.submit(commit_request({A: 1}), 8).topics[0].partitions[0].error_code == ErrorCode.NONE


# The power fails. Whatever survives of what was not synced, the transaction is all there or not at all.


def outcomes(two_waves: bool) -> list[tuple[bool, bool, bool, bool]]:
    """(acknowledged, A, B, offset visible) after a failure in the middle of every possible wave of a commit.

    A wave syncs its logs in any order, so the failure leaves any subset of them synced.
    """
    found = []
    for waves in range(5):
        for subset in range(16):
            world = World(two_waves=two_waves)
            token = world.submit(end_request(written(world)), 4)
            for _ in range(waves):
                world.sync()
            for bit, log in enumerate((A, B, OFFSETS, TXN)):
                if subset >> bit & 1:
                    world.logs.logs[log].synced = world.logs.logs[log].end
            acknowledged = token in world.replies
            world.crash()
            world.settle()
            world.tick(120_000)
            world.settle()
            assert not world.logs.logs[A].open_transactions()
            offset = world.fetch(A, stable=True)[A]
            found.append((acknowledged, bool(world.committed(A)), bool(world.committed(B)), offset == 7))
    return found


def is_whole(outcome: tuple[bool, bool, bool, bool]) -> bool:
    acknowledged, *parts = outcome
    return all(parts) or (not any(parts) and not acknowledged)


def test_two_waves_keep_transactions_whole() -> None:
    found = outcomes(two_waves=True)
    assert all(map(is_whole, found))
    assert {outcome[0] for outcome in found} == {True, False}


def test_one_wave_does_not() -> None:
    """Why the switch exists: Prepare* can be on disk and the data not, and then a part of the transaction is lost."""
    found = outcomes(two_waves=False)
    assert (False, False, True, True) in found
    assert (False, True, True, False) in found


# Restarts in every state, with and without loss.


@pytest.mark.parametrize("fail", [World.restart, World.crash])
@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("waves", range(5))
def test_an_end_is_finished_by_the_next_run(fail: Callable[[World], None], commit: bool, waves: int) -> None:
    world = World()
    owner = written(world)
    world.sync()
    token = world.submit(end_request(owner, commit), 4)
    for _ in range(waves):
        world.sync()
    acknowledged = token in world.replies
    fail(world)
    world.settle()
    if world.state() == "ONGOING":
        assert not acknowledged
        assert world.end(owner, commit) is ErrorCode.NONE
        world.settle()
    assert world.state() == ("COMPLETE_COMMIT" if commit else "COMPLETE_ABORT")
    assert (world.committed(A), world.committed(B)) == (([b"a"], [b"b"]) if commit else ([], []))
    assert world.fetch(A, stable=True) == {A: 7 if commit else -1}
    assert world.end(owner, commit) is ErrorCode.NONE
    assert world.add(owner, A) is ErrorCode.NONE


def test_repeated_markers_do_not_end_the_next_transaction() -> None:
    """Complete* of the first transaction is lost with the power; data of a second one can never be there then."""
    world = World()
    owner = written(world)
    world.end(owner)
    world.sync(A, B, OFFSETS)
    assert world.state() == "COMPLETE_COMMIT"
    world.submit(add_request(owner, [A]), 3)
    assert world.produce(owner, A, b"second") is ErrorCode.CONCURRENT_TRANSACTIONS
    world.crash()
    world.settle()
    assert world.state() == "COMPLETE_COMMIT"
    assert world.committed(A) == [b"a"]


def test_an_empty_world_recovers() -> None:
    world = World()
    world.restart()
    assert world.coordinator.next_deadline() is None
    assert world.owner() == (0, 0)


def test_a_damaged_internal_record_names_its_place() -> None:
    world = World()
    world.simple_commit({A: 1})
    batch = build_batch([b"\0\x01\0"], [b""], [0])
    world.logs.append(OFFSETS, batch, 0)
    with pytest.raises(StorageError, match="__consumer_offsets-0: the record at offset 1"):
        world.restart()


# Disks that fail or are full.


def test_markers_are_retried_until_they_are_written() -> None:
    world = World()
    world.submit(end_request(written(world)), 4)
    world.sync()
    world.logs.logs[B].failed = True
    world.sync(TXN)
    world.settle()
    assert world.state() == "PREPARE_COMMIT"
    for _ in range(3):
        deadline = world.coordinator.next_deadline()
        assert deadline is not None
        world.tick(deadline - world.now_ms)
    assert world.state() == "PREPARE_COMMIT"
    world.logs.logs[B].failed = False
    world.tick(1_000)
    world.settle()
    assert world.state() == "COMPLETE_COMMIT"
    assert world.logs.trace.count("out-1: commit marker of producer 0 epoch 0") == 1
    assert world.logs.trace.count("out-0: commit marker of producer 0 epoch 0") == 1


def test_complete_is_retried_too() -> None:
    world = World()
    world.submit(end_request(written(world)), 4)
    world.sync()
    world.sync(TXN)
    world.logs.logs[TXN].failed = True
    world.sync()
    assert world.state() == "PREPARE_COMMIT"
    world.logs.logs[TXN].failed = False
    world.tick(1_000)
    assert world.state() == "COMPLETE_COMMIT"


def test_an_end_that_cannot_be_logged_leaves_the_transaction_open() -> None:
    world = World()
    owner = written(world)
    world.logs.logs[TXN].failed = True
    assert world.end(owner) is ErrorCode.KAFKA_STORAGE_ERROR
    assert world.state() == "ONGOING"
    world.logs.logs[TXN].failed = False
    assert world.end(owner) is ErrorCode.NONE


def test_a_log_that_fails_under_a_commit_refuses_it() -> None:
    world = World()
    owner = written(world)
    token = world.submit(end_request(owner), 4)
    (released,) = world.coordinator.on_failed(B, world.now_ms)
    assert released.token == token
    assert released.body.error_code == ErrorCode.KAFKA_STORAGE_ERROR  # type: ignore[attr-defined]
    assert world.state() == "ONGOING"
    assert world.end(owner, commit=False) is ErrorCode.NONE


def test_nothing_is_changed_by_a_commit_of_offsets_that_cannot_be_written() -> None:
    world = World()
    world.logs.logs[OFFSETS].failed = True
    assert world.simple_commit({A: 5}) is ErrorCode.KAFKA_STORAGE_ERROR
    assert world.fetch(A) == {A: -1}


def test_a_fence_that_cannot_be_logged_at_start_is_retried_and_the_owner_waits() -> None:
    world = World()
    owner = world.owner()
    world.submit(add_request(owner, [A]), 3)
    world.produce(owner, A, b"x")
    world.sync(A)
    world.logs.logs[TXN].failed = True
    world.crash()
    assert world.end(owner) is ErrorCode.CONCURRENT_TRANSACTIONS
    world.logs.logs[TXN].failed = False
    world.tick(1_000)
    world.settle()
    assert world.end(owner) is ErrorCode.PRODUCER_FENCED
    assert not world.logs.logs[A].open_transactions()


def test_no_producer_id_to_be_had() -> None:
    world = World()

    def full() -> int:
        raise StorageError("disk is full")

    world.coordinator._allocate_producer_id = full
    assert world.init().error_code == ErrorCode.KAFKA_STORAGE_ERROR


# Deleted topics.


def test_markers_of_deleted_topics_are_left_out() -> None:
    world = World()
    owner = written(world)
    world.sync()
    del world.logs.logs[A], world.logs.logs[B]
    world.coordinator.topics_deleted(["out"], world.now_ms)
    assert world.end(owner) is ErrorCode.NONE
    world.settle()
    assert world.state() == "COMPLETE_COMMIT"
    assert world.logs.trace == ["__consumer_offsets-0: commit marker of producer 0 epoch 0"]


def test_a_commit_does_not_wait_for_deleted_logs() -> None:
    world = World()
    token = world.submit(end_request(written(world)), 4)
    del world.logs.logs[A], world.logs.logs[B]
    world.coordinator.topics_deleted(["out"], world.now_ms)
    world.settle()
    assert world.replies[token].error_code == ErrorCode.NONE


# Replies and tokens.


def test_every_waiting_reply_comes_once_and_in_order() -> None:
    world = World()
    tokens = [world.submit(commit_request({A: offset}), 8) for offset in range(3)]
    world.logs.logs[OFFSETS].synced = world.logs.logs[OFFSETS].end
    assert [each.token for each in world.coordinator.on_synced(0)] == tokens
    assert world.coordinator.on_synced(0) == ()


def test_a_reply_that_waits_says_so() -> None:
    world = World()
    answer = world.coordinator.submit(commit_request({A: 1}), 8, 0)
    assert isinstance(answer, Waiting)
    assert world.coordinator.awaited() == {OFFSETS: 1}


def test_the_offsets_topic_need_not_exist_for_reading() -> None:
    world = World()
    del world.logs.logs[OFFSETS]
    assert world.fetch(A) == {A: -1}
    assert not isinstance(world.submit(OffsetFetchRequest(group_id="g", topics=None), 7), int)


def test_what_is_no_coordinator_request_is_a_bug() -> None:
    with pytest.raises(TypeError, match="TopicPartition"):
        World().coordinator.submit(TopicPartition("a", 0), 0, 0)
