"""OffsetCommit and TxnOffsetCommit: who may commit what."""

import pytest
from msgspec.structs import replace

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from tests.unit.broker_core.coordinator_world import (
    OFFSETS,
    A,
    B,
    World,
    commit_request,
    end_request,
    txn_commit_request,
)
from tests.unit.broker_core.group.test_joining import stable, static_pair


def test_a_simple_commit_is_answered_once_it_is_on_disk() -> None:
    world = World()
    token = world.submit(commit_request({A: 5}), 8)
    assert isinstance(token, int)
    world.sync(OFFSETS)
    assert world.replies[token].topics[0].partitions[0].error_code == ErrorCode.NONE
    world.crash()
    assert world.fetch(A) == {A: 5}


def test_what_was_not_acknowledged_may_be_lost() -> None:
    world = World()
    world.submit(commit_request({A: 5}), 8)
    world.crash()
    assert world.fetch(A) == {A: -1}


def test_metadata_comes_back_and_has_a_limit() -> None:
    world = World()
    assert world.simple_commit({A: 5}, metadata="m" * 4096) is ErrorCode.NONE
    assert world.simple_commit({A: 6}, metadata="m" * 4097) is ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert world.simple_commit({A: 6}, metadata="ü" * 2049) is ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert world.coordinator.offsets.committed("g")[A].metadata == "m" * 4096
    assert world.fetch(A) == {A: 5}


def test_each_target_is_judged_by_itself() -> None:
    world = World()
    response = world.ask(commit_request({A: 5, TopicPartition("none", 0): 6}), 8)
    codes = [each.error_code for topic in response.topics for each in topic.partitions]
    assert codes == [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert world.fetch() == {A: 5}


def test_any_partition_number_of_a_topic_may_carry_an_offset() -> None:
    """As in Kafka since 3.5; positions of sources that are no partitions rely on it."""
    world = World()
    target = TopicPartition("out", 1_000_000)
    assert world.simple_commit({target: 5}) is ErrorCode.NONE
    assert world.fetch(target) == {target: 5}


@pytest.mark.parametrize(("version", "unknown"), [(8, ErrorCode.ILLEGAL_GENERATION), (9, ErrorCode.GROUP_ID_NOT_FOUND)])
def test_members_are_refused_by_groups_without_members(version: int, unknown: ErrorCode) -> None:
    world = World()
    assert world.simple_commit({A: 5}, version=version, generation=3, member="m") is unknown
    world.simple_commit({A: 5})
    assert world.simple_commit({A: 6}, version=version, generation=3, member="m") is ErrorCode.UNKNOWN_MEMBER_ID
    assert world.fetch(A) == {A: 5}


# In a transaction.


def opened(world: World) -> tuple[int, int]:
    owner = world.owner()
    world.add_offsets(owner)
    return owner


def test_offsets_of_a_transaction_wait_for_its_marker() -> None:
    world = World()
    owner = opened(world)
    assert world.commit_offsets(owner, {A: 5}) is ErrorCode.NONE
    assert world.fetch(A) == {A: -1}
    assert world.fetch(A, stable=True) == {A: ErrorCode.UNSTABLE_OFFSET_COMMIT}
    world.end(owner)
    assert world.fetch(A, stable=True) == {A: 5}


def test_aborted_offsets_are_gone() -> None:
    world = World()
    world.simple_commit({A: 2})
    owner = opened(world)
    world.commit_offsets(owner, {A: 5})
    world.end(owner, commit=False)
    world.settle()
    assert world.fetch(A, stable=True) == {A: 2}


def test_a_plain_commit_overtakes_a_pending_one() -> None:
    world = World()
    owner = opened(world)
    world.commit_offsets(owner, {A: 5, B: 6})
    world.simple_commit({A: 9})
    world.end(owner)
    world.settle()
    assert world.fetch() == {A: 9, B: 6}
    world.crash()
    assert world.fetch() == {A: 9, B: 6}


@pytest.mark.parametrize(
    ("version", "stranger"), [(3, ErrorCode.INVALID_TXN_STATE), (4, ErrorCode.TRANSACTION_ABORTABLE)]
)
def test_only_an_open_transaction_with_the_group_takes_offsets(version: int, stranger: ErrorCode) -> None:
    world = World()
    owner = world.owner()
    assert world.commit_offsets(owner, {A: 5}, version=version) is stranger
    world.add(owner, A)
    assert world.commit_offsets(owner, {A: 5}, version=version) is stranger
    world.add_offsets(owner)
    assert world.commit_offsets(owner, {A: 5}, version=version) is ErrorCode.NONE
    assert world.commit_offsets((0, 7), {A: 5}, version=version) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert world.commit_offsets((7, 0), {A: 5}, version=version) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert world.commit_offsets(owner, {A: 5}, group="", version=version) is ErrorCode.INVALID_GROUP_ID


def test_zombie_members_are_refused() -> None:
    world = World()
    owner = opened(world)
    assert world.commit_offsets(owner, {A: 5}, generation=1, member="m") is ErrorCode.ILLEGAL_GENERATION
    world.simple_commit({A: 1})
    assert world.commit_offsets(owner, {A: 5}, generation=1, member="m") is ErrorCode.UNKNOWN_MEMBER_ID


def test_no_offsets_while_the_transaction_ends() -> None:
    world = World()
    owner = opened(world)
    world.commit_offsets(owner, {A: 5})
    world.submit(end_request(owner), 4)
    answer = world.submit(txn_commit_request(owner, {A: 6}), 3)
    assert answer.topics[0].partitions[0].error_code == ErrorCode.CONCURRENT_TRANSACTIONS


def test_version_5_adds_the_group_by_itself() -> None:
    world = World()
    owner = world.owner()
    response = world.ask(txn_commit_request(owner, {A: 5}), 5)
    assert response.topics[0].partitions[0].error_code == ErrorCode.NONE
    assert world.ask(end_request(owner), 5).error_code == ErrorCode.NONE
    assert world.fetch(A, stable=True) == {A: 5}


# Deleted topics.


def test_offsets_of_a_deleted_topic_are_forgotten() -> None:
    world = World()
    world.simple_commit({A: 5})
    owner = opened(world)
    world.commit_offsets(owner, {B: 6})
    del world.logs.logs[A], world.logs.logs[B]
    world.coordinator.topics_deleted(["out"], world.now_ms)
    world.end(owner)
    world.settle()
    assert world.fetch() == {}
    world.crash()
    assert world.fetch() == {}


def test_recovery_forgets_offsets_of_topics_that_went_with_a_crash() -> None:
    world = World()
    world.simple_commit({A: 5})
    del world.logs.logs[A], world.logs.logs[B]
    world.restart()
    assert world.fetch() == {}


# By members (scenarios state by state: tests/golden/groups/commit_in_each_state.txt).


def test_offsets_come_from_members_of_the_present_generation() -> None:
    world = stable("a", "b")
    a = world.who("a").member_id
    for generation, member, expected in (
        (2, a, ErrorCode.NONE),
        (1, a, ErrorCode.ILLEGAL_GENERATION),
        (3, a, ErrorCode.ILLEGAL_GENERATION),
        (2, "stranger", ErrorCode.UNKNOWN_MEMBER_ID),
        (-1, a, ErrorCode.ILLEGAL_GENERATION),
        (-1, "", ErrorCode.UNKNOWN_MEMBER_ID),
    ):
        assert world.simple_commit({A: 5}, generation=generation, member=member) is expected, (generation, member)


def test_a_commit_keeps_its_member_alive() -> None:
    world = stable("a")
    for _ in range(5):
        world.tick(9_000)
        assert world.simple_commit({A: 5}, generation=1, member=world.who("a").member_id) is ErrorCode.NONE
    assert world.group_state == "Stable"


def test_a_fenced_instance_commits_nothing() -> None:
    world = static_pair()
    old = world.who("b").member_id
    world.join("b*", instance="ib")
    world.settle()
    world.take()
    body = replace(commit_request({A: 5}, generation=2, member=old), group_instance_id="ib")
    assert world.ask(body, 9).topics[0].partitions[0].error_code == ErrorCode.FENCED_INSTANCE_ID
    body = replace(body, member_id=world.who("b*").member_id)
    assert world.ask(body, 9).topics[0].partitions[0].error_code == ErrorCode.NONE


def test_transactions_of_zombies_are_fenced_by_their_membership() -> None:
    """KIP-447: a member of an old generation, a stranger, a former self; but a transaction is not told to wait."""
    world = static_pair()
    owner = opened(world)
    old = world.who("b").member_id
    for generation, member, instance, expected in (
        (1, old, None, ErrorCode.ILLEGAL_GENERATION),
        (2, "stranger", None, ErrorCode.UNKNOWN_MEMBER_ID),
        (2, old, "ia", ErrorCode.FENCED_INSTANCE_ID),
        (2, old, "ib", ErrorCode.NONE),
        (-1, "", None, ErrorCode.NONE),
    ):
        body = replace(
            txn_commit_request(owner, {A: 5}, generation=generation, member=member), group_instance_id=instance
        )
        assert world.ask(body, 4).topics[0].partitions[0].error_code == expected, (generation, member, instance)
    world.join("a")
    world.join("b")
    world.take()
    assert world.group_state == "CompletingRebalance"
    assert world.commit_offsets(owner, {A: 6}, generation=3, member=old) is ErrorCode.NONE
    assert world.simple_commit({A: 6}, generation=3, member=old) is ErrorCode.REBALANCE_IN_PROGRESS
