"""Transactions through the whole broker: what readers see, when a commit is acknowledged, and what a crash leaves."""

from __future__ import annotations

import random
from functools import partial

import pytest

from broker_core.config import BrokerConfig, Durability
from broker_core.coordinator import Coordinator
from broker_core.errors import ErrorCode
from broker_core.memory_filesystem import SimulatedCrash
from broker_core.model import TopicPartition
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tests.unit.broker_core.broker_kit import (
    Kit,
    TransactionalProducer,
    committed_offset,
    fetched,
    produce_request,
    produced,
)

A, B, INPUT = TopicPartition("a", 0), TopicPartition("b", 0), TopicPartition("input", 0)


def ready(kit: Kit) -> TransactionalProducer:
    for name in ("a", "b", "input"):
        kit.create(name)
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    return producer


def test_committed_data_is_seen_after_its_marker_and_aborted_data_never(kit: Kit) -> None:
    producer = ready(kit)
    assert producer.add(A) == [0]
    assert producer.produce(A, "yes") == 0
    assert kit.values("a") == ["yes"]
    assert kit.values("a", committed=True) == []
    assert kit.list_offset("a", -1, committed=True) == 0
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert kit.values("a", committed=True) == ["yes"]

    assert producer.add(A) == [0]
    assert producer.produce(A, "no") == 0
    assert producer.end(commit=False) == 0
    kit.sync_all()
    assert kit.values("a") == ["yes", "no"]
    assert kit.values("a", committed=True) == ["yes"]
    data = kit.fetch("a", 2, committed=True)
    assert [(entry.producer_id, entry.first_offset) for entry in data.aborted_transactions or ()] == [
        (producer.producer_id, 2)
    ]
    assert kit.fetch("a", 0).aborted_transactions is None


def test_a_reader_of_committed_data_waits_for_the_marker(kit: Kit) -> None:
    producer = ready(kit)
    producer.add(A)
    poll = kit.send(kit.fetch_request("a", committed=True, max_wait_ms=500), 12)
    producer.produce(A, "x")
    assert kit.answer(poll) is None
    producer.end(commit=True)
    kit.sync_all()
    assert fetched(kit.answer(poll)).last_stable_offset == 2


def test_a_commit_takes_two_waves_when_its_data_is_not_yet_durable(kit: Kit) -> None:
    """Wave 1 makes the data durable, wave 2 the decision; markers follow off the commit's path."""
    producer = ready(kit)
    producer.add(A)
    data = kit.send(producer.write(A, "x"), 11)
    end = kit.send(producer.end_request(commit=True), 3)
    assert kit.answer(end) is None
    kit.sync()
    assert produced(kit.answer(data)).error_code == 0
    assert kit.answer(end) is None, "the data is durable, the decision is not"
    kit.sync()
    assert kit.answer(end).error_code == 0
    kit.sync_all()
    assert kit.values("a", committed=True) == ["x"]


def test_offsets_are_committed_with_the_transaction(kit: Kit) -> None:
    producer = ready(kit)
    producer.add(A)
    producer.produce(A, "x")
    assert producer.send_offsets("g", INPUT, 5) == [0, 0]
    assert committed_offset(kit, "g", INPUT) == (ErrorCode.UNSTABLE_OFFSET_COMMIT, -1)
    assert committed_offset(kit, "g", INPUT, stable=False) == (0, -1)
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert committed_offset(kit, "g", INPUT) == (0, 5)
    assert producer.send_offsets("g", INPUT, 9) == [0, 0]
    assert producer.end(commit=False) == 0
    kit.sync_all()
    assert committed_offset(kit, "g", INPUT) == (0, 5)
    kit.restart()
    assert committed_offset(kit, "g", INPUT) == (0, 5)


def test_simple_commits_wait_for_their_sync(kit: Kit) -> None:
    kit.create("input")
    asked = OffsetCommitRequestPartition(partition_index=0, committed_offset=3, committed_metadata="m")
    body = OffsetCommitRequest(group_id="g", topics=(OffsetCommitRequestTopic(name="input", partitions=(asked,)),))
    token = kit.send(body)
    assert kit.answer(token) is None
    kit.sync()
    assert kit.answer(token).topics[0].partitions[0].error_code == 0
    kit.restart(crash="drop")
    assert committed_offset(kit, "g", INPUT) == (0, 3)


def test_batches_outside_of_a_known_transaction_are_refused(kit: Kit) -> None:
    producer = ready(kit)
    assert producer.produce(A, "x", version=10) == ErrorCode.INVALID_TXN_STATE
    assert producer.produce(A, "x", version=11) == ErrorCode.TRANSACTION_ABORTABLE
    stranger = produce_request("a", "x", producer=(producer.producer_id, producer.epoch, 0), transactional_id="other")
    assert produced(kit.call(stranger, 11)).error_code != 0
    anonymous = produce_request("a", "x", producer=(producer.producer_id, 0, 0), transactional_id="tx")
    nameless = type(anonymous)(acks=-1, topic_data=anonymous.topic_data)
    assert produced(kit.call(nameless, 11)).error_code == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    assert kit.values("a") == []


def test_produce_12_adds_its_partitions_itself(kit: Kit) -> None:
    producer = ready(kit)
    assert producer.produce(A, "x", version=12) == 0
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert kit.values("a", committed=True) == ["x"]


def test_a_new_owner_of_the_id_fences_the_old_one_and_aborts_its_transaction(kit: Kit) -> None:
    old = ready(kit)
    old.add(A)
    old.produce(A, "zombie")
    new = TransactionalProducer(kit)
    assert new.init() == 0
    kit.sync_all()
    assert (new.producer_id, new.epoch > old.epoch) == (old.producer_id, True)
    assert old.produce(A, "late") in (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED)
    assert old.end(commit=True) == ErrorCode.PRODUCER_FENCED
    assert kit.values("a", committed=True) == []
    assert kit.list_offset("a", -1, committed=True) == kit.list_offset("a", -1)


def test_a_transaction_times_out(kit: Kit) -> None:
    producer = ready(kit)
    producer.add(A)
    producer.produce(A, "x")
    deadline = kit.broker.next_deadline()
    assert deadline is not None
    assert deadline <= kit.now_ms + 1_000
    kit.tick(59_000)
    kit.sync_all()
    assert kit.list_offset("a", -1, committed=True) == 0
    kit.tick(2_000)
    kit.sync_all()
    assert kit.list_offset("a", -1, committed=True) == 2
    assert kit.values("a", committed=True) == []
    assert producer.end(commit=True) != 0


def test_without_durability_nothing_waits() -> None:
    kit = Kit(config=BrokerConfig(durability=Durability.NONE)).open()
    producer = ready(kit)
    producer.add(A)
    producer.produce(A, "x")
    end = kit.send(producer.end_request(commit=True), 3)
    assert kit.answer(end).error_code == 0
    assert kit.values("a", committed=True) == ["x"]


def test_a_plain_producer_gets_an_id(kit: Kit) -> None:
    first = kit.call(InitProducerIdRequest(transactional_id=None), 4)
    second = kit.call(InitProducerIdRequest(transactional_id=None), 4)
    assert first.producer_id != second.producer_id
    assert (first.error_code, first.producer_epoch) == (0, 0)


def test_a_failed_sync_of_the_data_does_not_commit(kit: Kit) -> None:
    producer = ready(kit)
    producer.add(A)
    kit.send(producer.write(A, "x"), 11)
    end = kit.send(producer.end_request(commit=True), 3)
    kit.filesystem.faults.fail_next_sync = 5
    kit.sync()
    kit.sync_all()
    assert kit.answer(end).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    kit.restart(crash="drop")
    again = TransactionalProducer(kit)
    assert again.init() == 0
    kit.sync_all()
    assert kit.values("a", committed=True) == []


def test_disk_full_while_committing_ends_after_space_returns(kit: Kit) -> None:
    """The guard refuses new work but not the end of what is under way."""
    producer = ready(kit)
    producer.add(A)
    producer.produce(A, "x")
    space = kit.filesystem.available_bytes
    kit.filesystem.available_bytes = kit.config.min_free_bytes - 1
    kit.tick(1_000)
    assert producer.produce(A, "refused") == ErrorCode.KAFKA_STORAGE_ERROR
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert kit.values("a", committed=True) == ["x"]
    assert producer.add(A) == [ErrorCode.KAFKA_STORAGE_ERROR]
    kit.filesystem.available_bytes = space
    assert producer.add(A) == [0]


def test_deleting_a_topic_of_an_open_transaction_does_not_hold_its_end(kit: Kit) -> None:
    from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState

    producer = ready(kit)
    producer.add(A, B)
    producer.produce(A, "x")
    producer.produce(B, "x")
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="a"),)))
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert kit.values("b", committed=True) == ["x"]
    assert producer.add(B) == [0]


# -- crashes


def one_transaction(kit: Kit, producer: TransactionalProducer, name: str, offset: int) -> None:
    """Two partitions and an offset, the data still under way when the commit is asked for."""
    assert producer.add(A, B) == [0, 0]
    assert producer.send_offsets("g", INPUT, offset) == [0, 0]
    kit.send(producer.write(A, name), 11)
    kit.send(producer.write(B, name), 11)
    assert producer.end(commit=True) == 0


def crash_somewhere(mode: str, step: int, *, seed: int, again: int | None = None) -> bool:
    """Crash before the ``step``-th disk operation of a transaction; False when it was over by then.

    ``again`` crashes the recovery too, before its operation of that number.
    """
    kit = Kit(seed=seed).open()
    producer = ready(kit)
    one_transaction(kit, producer, "1", 1)
    kit.sync_all()
    faults = kit.filesystem.faults
    faults.crash_before = faults.operations + step
    acknowledged = finished = False
    try:
        one_transaction(kit, producer, "2", 2)
        acknowledged = True
        kit.sync_all()
        finished = True
    except SimulatedCrash:
        pass
    if again is not None:
        kit.filesystem.crash(random.Random(seed), mode)
        kit.filesystem.faults.crash_before = again
        try:
            kit.broker = kit._make()
            kit.open()
            kit.sync_all()
        except SimulatedCrash:
            pass
    kit.restart(crash=mode)
    successor = TransactionalProducer(kit)
    assert successor.init() == 0
    kit.sync_all()
    seen = (kit.values("a", committed=True), kit.values("b", committed=True), committed_offset(kit, "g", INPUT))
    before, after = (["1"], ["1"], (0, 1)), (["1", "2"], ["1", "2"], (0, 2))
    assert seen in (before, after), f"torn transaction at {mode} {step}: {seen}"
    assert not acknowledged or seen == after, f"acknowledged and lost at {mode} {step}"
    for topic in "ab":
        assert kit.list_offset(topic, -1, committed=True) == kit.list_offset(topic, -1), "nothing hangs"
    one_transaction(kit, successor, "3", 3)
    kit.sync_all()
    assert kit.values("a", committed=True) == [*seen[0], "3"]
    assert committed_offset(kit, "g", INPUT) == (0, 3)
    return not finished


@pytest.mark.parametrize("mode", ["drop", "tear", "keep"])
def test_a_crash_at_any_operation_of_a_commit_loses_nothing_acknowledged_and_tears_nothing(mode: str) -> None:
    for step in range(200):
        crashed = [crash_somewhere(mode, step, seed=seed) for seed in range(4)]
        if not any(crashed):
            assert step > 10
            return
    raise AssertionError("the transaction never ended")


@pytest.mark.parametrize("mode", ["drop", "tear"])
def test_a_crash_during_the_recovery_from_a_crash_changes_nothing(mode: str) -> None:
    for step in range(0, 200, 3):
        crashed = [crash_somewhere(mode, step, seed=step + 1, again=again) for again in range(step % 4, 24, 4)]
        if not all(crashed):
            return
    raise AssertionError("the transaction never ended")


def test_a_commit_in_one_wave_would_lose_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: the same crashes must find it, or they prove nothing."""
    monkeypatch.setattr("broker_core.broker.Coordinator", partial(Coordinator, two_waves=False))
    found = 0
    for step in range(30):
        for seed in range(4):
            try:
                crash_somewhere("drop", step, seed=seed)
            except AssertionError as error:
                found += "torn transaction" in str(error)
    assert found
