"""How a transaction opens and grows, and which appends it admits."""

import pytest

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from tests.unit.broker_core.coordinator_world import OFFSETS, TXN, A, B, World, add_request, end_request


def test_the_first_partition_opens_the_transaction() -> None:
    world = World()
    owner = world.owner()
    assert world.state() == "EMPTY"
    assert world.add(owner, A) is ErrorCode.NONE
    assert world.add(owner, B) is ErrorCode.NONE
    transaction = world.coordinator.transactions.get("t")
    assert transaction is not None
    assert transaction.partitions == {A, B}


def test_adding_again_writes_nothing() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A, B)
    end = world.logs.logs[TXN].end
    assert world.add(owner, A) is ErrorCode.NONE
    assert world.logs.logs[TXN].end == end


def test_the_answer_does_not_wait_for_the_disk() -> None:
    world = World()
    owner = world.owner()
    answer = world.submit(add_request(owner, [A]), 3)
    assert not isinstance(answer, int)


def test_but_the_next_transaction_waits_until_the_last_is_complete_on_disk() -> None:
    """If Complete* were lost after data of the next transaction was synced, the repeated markers would end that one."""
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.end(owner)
    world.sync(A)
    assert world.state() == "COMPLETE_COMMIT"
    token = world.submit(add_request(owner, [A]), 3)
    assert isinstance(token, int)
    assert world.admit(owner, A) is ErrorCode.CONCURRENT_TRANSACTIONS
    world.sync(TXN)
    assert token in world.replies
    assert world.admit(owner, A) is ErrorCode.NONE


def test_an_unknown_partition_refuses_all() -> None:
    world = World()
    owner = world.owner()
    response = world.submit(add_request(owner, [A, TopicPartition("out", 9)]), 3)
    assert [
        (each.partition_index, each.partition_error_code)
        for topic in response.results_by_topic_v3_and_below
        for each in topic.results_by_partition
    ] == [(0, ErrorCode.OPERATION_NOT_ATTEMPTED), (9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)]
    assert world.state() == "EMPTY"


@pytest.mark.parametrize("version", [1, 2])
def test_who_may_add(version: int) -> None:
    world = World()
    owner = world.owner()
    fenced = ErrorCode.PRODUCER_FENCED if version == 2 else ErrorCode.INVALID_PRODUCER_EPOCH
    assert world.add(owner, A, name="other", version=version) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert world.add((5, 0), A, version=version) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    assert world.add((0, 1), A, version=version) is fenced
    assert world.add(owner, A, name="", version=version) is ErrorCode.INVALID_REQUEST
    assert world.add_offsets((0, 1), version=version) is fenced
    assert world.add_offsets(owner, group="", version=version) is ErrorCode.INVALID_GROUP_ID


def test_nothing_is_added_while_the_transaction_ends() -> None:
    world = World()
    owner = world.owner()
    world.add(owner, A)
    world.produce(owner, A, b"x")
    world.submit(end_request(owner), 4)
    for state in ("ONGOING", "PREPARE_COMMIT"):
        assert world.state() == state
        answer = world.submit(add_request(owner, [B]), 3)
        assert answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code == 51
        assert world.admit(owner, A) is ErrorCode.CONCURRENT_TRANSACTIONS
        world.sync(A)


def test_add_offsets_adds_the_partition_of_the_group() -> None:
    world = World()
    owner = world.owner()
    assert world.add_offsets(owner) is ErrorCode.NONE
    transaction = world.coordinator.transactions.get("t")
    assert transaction is not None
    assert transaction.partitions == {OFFSETS}


@pytest.mark.parametrize(
    ("version", "stranger"), [(9, ErrorCode.INVALID_TXN_STATE), (11, ErrorCode.TRANSACTION_ABORTABLE)]
)
def test_only_partitions_of_the_open_transaction_take_data(version: int, stranger: ErrorCode) -> None:
    """KIP-890: without this check a late batch would open a transaction that nobody ends."""
    world = World()
    owner = world.owner()
    assert world.admit(owner, A, version=version) is stranger
    world.add(owner, A)
    assert world.admit(owner, A, version=version) is ErrorCode.NONE
    assert world.admit(owner, A, B, version=version) is stranger
    assert world.admit((0, 9), A, version=version) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert world.admit((9, 0), A, version=version) is ErrorCode.INVALID_PRODUCER_ID_MAPPING
    world.end(owner)
    world.settle()
    assert world.admit(owner, A, version=version) is stranger


def test_produce_12_adds_by_itself() -> None:
    world = World()
    owner = world.owner()
    assert world.admit(owner, A, version=12) is ErrorCode.NONE
    transaction = world.coordinator.transactions.get("t")
    assert transaction is not None
    assert (transaction.state.name, transaction.partitions, transaction.client_version) == ("ONGOING", {A}, 2)
    assert world.admit((0, 3), B, version=12) is ErrorCode.INVALID_PRODUCER_EPOCH
