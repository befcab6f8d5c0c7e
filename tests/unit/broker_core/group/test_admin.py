"""Groups of offsets are listed, described and deleted, and what is told is told durably."""

from __future__ import annotations

import pytest

from broker_core.config import BrokerConfig
from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.delete_groups import DeleteGroupsRequest
from broker_core.protocol.describe_groups import DescribeGroupsRequest
from broker_core.protocol.list_groups import ListGroupsRequest
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.protocol.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from broker_core.protocol.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset
from tests.unit.broker_core.coordinator_world import A
from tests.unit.broker_core.group.group_world import GroupWorld, subscription
from tests.unit.broker_core.group.test_joining import stable

WORDS = [TopicPartition("words", index) for index in range(3)]


@pytest.fixture(params=[1, 5])
def kit(request: pytest.FixtureRequest) -> Kit:
    """With one partition of ``__consumer_offsets`` and with several."""
    kit = Kit(config=BrokerConfig(offsets_topic_partitions=request.param), wire=True).open()
    kit.create("words", partitions=3)
    return kit


def commit(kit: Kit, group: str, partition: TopicPartition, offset: int, metadata: str = "") -> int:
    asked = OffsetCommitRequestPartition(
        partition_index=partition.partition, committed_offset=offset, committed_metadata=metadata
    )
    topic = OffsetCommitRequestTopic(name=partition.topic, partitions=(asked,))
    return int(kit.call(OffsetCommitRequest(group_id=group, topics=(topic,))).topics[0].partitions[0].error_code)


def listed(kit: Kit, version: int = 5, **filters: tuple[str, ...]) -> list[str]:
    return [group.group_id for group in kit.call(ListGroupsRequest(**filters), version).groups]


def delete(kit: Kit, *names: str) -> list[int]:
    return [result.error_code for result in kit.call(DeleteGroupsRequest(groups_names=names)).results]


def offset_delete(kit: Kit, group: str, *partitions: TopicPartition) -> tuple[int, list[int]]:
    topics = tuple(
        OffsetDeleteRequestTopic(name=topic, partitions=(OffsetDeleteRequestPartition(partition_index=index),))
        for topic, index in partitions
    )
    answer = kit.call(OffsetDeleteRequest(group_id=group, topics=topics))
    return answer.error_code, [topic.partitions[0].error_code for topic in answer.topics]


def test_groups_are_listed_by_state_and_type(kit: Kit) -> None:
    assert listed(kit) == []
    for name in ("b", "a", "c"):
        assert commit(kit, name, WORDS[0], 1) == 0
    assert listed(kit) == listed(kit, 0) == ["a", "b", "c"]
    assert listed(kit, states_filter=("empty", "Stable")) == ["a", "b", "c"]
    assert listed(kit, states_filter=("Stable",)) == []
    assert listed(kit, types_filter=("Classic",)) == ["a", "b", "c"]
    assert listed(kit, types_filter=("consumer",)) == []
    (group, *_) = kit.call(ListGroupsRequest()).groups
    assert (group.group_state, group.group_type, group.protocol_type) == ("Empty", "classic", "")


def test_groups_are_described(kit: Kit) -> None:
    commit(kit, "a", WORDS[0], 1)
    known, unknown = kit.call(DescribeGroupsRequest(groups=("a", "b")), 5).groups
    assert (known.error_code, known.group_state, known.members) == (0, "Empty", ())
    assert (unknown.error_code, unknown.group_state) == (0, "Dead")
    (unknown,) = kit.call(DescribeGroupsRequest(groups=("b",)), 6).groups
    assert (unknown.error_code, unknown.group_state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")


def test_groups_are_deleted_for_good(kit: Kit) -> None:
    for name in "abcdefgh":
        commit(kit, name, WORDS[0], 1)
        commit(kit, name, WORDS[1], 2)
    assert delete(kit, "a", "nobody", "b", "", "a", "g") == [
        0, ErrorCode.GROUP_ID_NOT_FOUND, 0, ErrorCode.INVALID_GROUP_ID, 0,
    ]  # fmt: skip
    for _ in range(2):
        assert listed(kit) == ["c", "d", "e", "f", "h"]
        assert committed_offset(kit, "a", WORDS[0]) == (0, -1)
        assert committed_offset(kit, "c", WORDS[1]) == (0, 2)
        kit.restart(crash="drop")


def test_a_group_that_a_transaction_commits_to_is_not_empty(kit: Kit) -> None:
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    assert producer.send_offsets("a", WORDS[0], 7) == [0, 0]
    assert listed(kit) == ["a"]
    assert delete(kit, "a") == [ErrorCode.NON_EMPTY_GROUP]
    assert producer.end(commit=True) == 0
    kit.sync_all()
    assert delete(kit, "a") == [0]


def test_single_offsets_are_deleted(kit: Kit) -> None:
    for index in range(3):
        commit(kit, "a", WORDS[index], index)
    nowhere = TopicPartition("nowhere", 0)
    assert offset_delete(kit, "a", WORDS[1], nowhere, TopicPartition("words", 9)) == (
        0, [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0],
    )  # fmt: skip
    assert offset_delete(kit, "b", WORDS[0]) == (ErrorCode.GROUP_ID_NOT_FOUND, [])
    assert offset_delete(kit, "", WORDS[0]) == (ErrorCode.INVALID_GROUP_ID, [])
    for _ in range(2):
        assert [committed_offset(kit, "a", word)[1] for word in WORDS] == [0, -1, 2]
        kit.restart(crash="drop")
    assert offset_delete(kit, "a", WORDS[0], WORDS[2]) == (0, [0, 0])
    assert listed(kit) == [], "a group is what it has committed"


def test_several_groups_in_one_fetch_with_their_metadata(kit: Kit) -> None:
    for group, offset in (("a", 5), ("b", 6)):
        assert commit(kit, group, WORDS[0], offset, f"{group}: täxt") == 0
    assert commit(kit, "a", WORDS[1], 9, "x" * 4096) == 0
    assert commit(kit, "a", WORDS[2], 9, "x" * 4097) == ErrorCode.OFFSET_METADATA_TOO_LARGE
    kit.restart(crash="drop")
    asked = OffsetFetchRequestTopics(name="words", partition_indexes=(0, 2))
    body = OffsetFetchRequest(
        groups=(
            OffsetFetchRequestGroup(group_id="a", topics=None),
            OffsetFetchRequestGroup(group_id="b", topics=(asked,)),
            OffsetFetchRequestGroup(group_id="c", topics=(asked,)),
        )
    )
    found = {
        (group.group_id, part.partition_index): (part.committed_offset, part.metadata)
        for group in kit.call(body).groups
        for topic in group.topics
        for part in topic.partitions
    }
    assert found == {
        ("a", 0): (5, "a: täxt"), ("a", 1): (9, "x" * 4096), ("b", 0): (6, "b: täxt"), ("b", 2): (-1, ""),
        ("c", 0): (-1, ""), ("c", 2): (-1, ""),
    }  # fmt: skip


def test_a_deletion_that_cannot_be_written_is_told() -> None:
    kit = Kit().open()
    kit.create("words", partitions=3)
    commit(kit, "a", WORDS[0], 1)
    kit.filesystem.faults.fail_next_write = 28
    assert delete(kit, "a") == [ErrorCode.KAFKA_STORAGE_ERROR]
    assert listed(kit) == ["a"]
    kit.filesystem.faults.fail_next_write = 28
    assert offset_delete(kit, "a", WORDS[0])[0] == ErrorCode.KAFKA_STORAGE_ERROR
    assert delete(kit, "a") == [0]


# Groups with members.


def test_a_group_with_members_is_listed_and_described_in_its_state() -> None:
    world = stable("a", "b")
    member = next(each for each in world.described.members if each.client_id == "a")
    assert (member.client_host, member.member_assignment) == ("/here", b"a")
    assert member.member_metadata == subscription("out")
    assert (world.described.protocol_type, world.described.protocol_data) == ("consumer", "range")
    world.join("a")
    shown = world.described
    assert (shown.group_state, shown.protocol_data, len(shown.members)) == ("PreparingRebalance", "", 2)
    assert {(each.member_metadata, each.member_assignment) for each in shown.members} == {(b"", b"")}
    listed_states = {
        state: len(world.ask(ListGroupsRequest(states_filter=(state,)), 5).groups)
        for state in ("Stable", "preparingrebalance", "Empty", "Dead")
    }
    assert listed_states == {"Stable": 0, "preparingrebalance": 1, "Empty": 0, "Dead": 0}


def test_a_group_is_deleted_when_its_members_are_gone_and_for_good() -> None:
    world = stable("a")
    world.simple_commit({A: 5}, generation=1, member=world.who("a").member_id)
    body = DeleteGroupsRequest(groups_names=("g",))
    assert world.ask(body, 2).results[0].error_code == ErrorCode.NON_EMPTY_GROUP
    world.leave("a")
    world.settle()
    assert world.ask(body, 2).results[0].error_code == 0
    for _ in range(2):
        assert (world.group_state, world.stored, world.fetch(A)) == ("Dead", None, {A: -1})
        world.crash()
    assert world.ask(body, 2).results[0].error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_consumers_keep_the_offsets_of_what_they_subscribe_to() -> None:
    world = stable("a")
    other = TopicPartition("__consumer_offsets", 0)
    world.simple_commit({A: 5, other: 6}, generation=1, member=world.who("a").member_id)

    def ask() -> tuple[int, list[int]]:
        topics = tuple(
            OffsetDeleteRequestTopic(name=name, partitions=(OffsetDeleteRequestPartition(partition_index=0),))
            for name in ("out", "__consumer_offsets")
        )
        answer = world.ask(OffsetDeleteRequest(group_id="g", topics=topics), 0)
        return answer.error_code, [topic.partitions[0].error_code for topic in answer.topics]

    assert ask() == (0, [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, 0])
    assert world.fetch() == {A: 5}
    world.leave("a")
    world.settle()
    assert ask() == (0, [0, 0])
    assert world.fetch() == {}


@pytest.mark.parametrize(
    ("kind", "metadata", "expected"),
    [
        ("consumer", b"garbage", (0, [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC])),
        ("connect", subscription("out"), (ErrorCode.NON_EMPTY_GROUP, [])),
    ],
)
def test_members_that_cannot_be_understood_keep_everything(kind: str, metadata: bytes, expected: object) -> None:
    world = GroupWorld()
    world.join("a", kind=kind, protocols={"p": metadata})
    topic = OffsetDeleteRequestTopic(name="nowhere", partitions=(OffsetDeleteRequestPartition(partition_index=0),))
    answer = world.ask(OffsetDeleteRequest(group_id="g", topics=(topic,)), 0)
    assert (answer.error_code, [each.partitions[0].error_code for each in answer.topics]) == expected
