from __future__ import annotations

import random

import pytest

from broker_core.errors import ErrorCode
from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from broker_core.protocol.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse
from broker_core.protocol.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from broker_core.protocol.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from streams.client.admin import NewTopic, TopicDescription
from streams.client.client import Client
from streams.errors import ClientError
from streams.model import Isolation, OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport
from tests.unit.streams.client.world import World

PLACE = TopicPartition("t", 0)


def test_topics_are_made_described_listed_and_deleted(world: World) -> None:
    client = world.client()
    admin = client.admin
    wanted = {"a": NewTopic(partitions=2, configs={"cleanup.policy": "compact"}), "b": NewTopic()}
    assert world.wait(client, admin.create_topics(wanted)) == {"a": True, "b": True}
    assert world.wait(client, admin.create_topics({"a": NewTopic(partitions=2)})) == {"a": False}
    described = world.wait(client, admin.describe_topics(["a", "b", "missing"]))
    assert described == {
        "a": TopicDescription(name="a", partitions=2),
        "b": TopicDescription(name="b", partitions=4),
    }
    configs = world.wait(client, admin.describe_configs(["a"]))
    assert configs["a"]["cleanup.policy"] == "compact"
    assert "retention.ms" in configs["a"]
    world.wait(client, admin.delete_topics(["a"]))
    assert set(world.wait(client, admin.list_topics())) == {"b"}


def test_refusals_name_the_topic_and_the_reason(world: World) -> None:
    client = world.client()
    with pytest.raises(ClientError, match="creating topic bad was refused: INVALID_PARTITIONS"):
        world.wait(client, client.admin.create_topics({"bad": NewTopic(partitions=0)}))
    with pytest.raises(ClientError, match="creating topic odd"):
        world.wait(client, client.admin.create_topics({"odd": NewTopic(configs={"cleanup.policy": "burn"})}))
    with pytest.raises(ClientError, match="there is no such topic"):
        world.wait(client, client.admin.delete_topics(["missing"]))
    with pytest.raises(ClientError, match="there is no such topic"):
        world.wait(client, client.admin.describe_configs(["missing"]))


def test_offsets_by_end_start_and_time(world: World) -> None:
    world.topic("t")
    client = world.client()
    producer = client.producer()
    producer.append("t", 0, [b"k"] * 3, [b"1", b"2", b"3"], [world.now_ms, world.now_ms + 5, world.now_ms + 9])
    first_ms = world.now_ms
    world.wait(client, producer.flush())

    def at(timestamp: int) -> int | None:
        return world.wait(client, client.admin.list_offsets({PLACE: timestamp}))[PLACE]

    assert [at(EARLIEST_OFFSET), at(LATEST_OFFSET), at(first_ms + 1), at(first_ms + 100)] == [0, 3, 1, None]


def test_the_end_depends_on_isolation(world: World) -> None:
    world.topic("t")
    client = world.client()
    producer = client.producer(transactional_id="tx")
    world.wait(client, producer.init_transactions())
    producer.begin()
    producer.append("t", 0, [b"k"], [b"v"], [world.now_ms])
    world.wait(client, producer.flush())
    ends = [
        world.wait(client, client.admin.list_offsets({PLACE: LATEST_OFFSET}, isolation))[PLACE]
        for isolation in Isolation
    ]
    assert ends == [1, 0]


def test_committed_offsets_keep_their_metadata(world: World) -> None:
    world.topic("t", 2)
    client = world.client()
    other = TopicPartition("t", 1)
    world.wait(client, client.admin.commit_offsets("g", {PLACE: OffsetAndMetadata(7, "é" * 10)}))
    found = world.wait(client, client.admin.committed("g", [PLACE, other]))
    assert found == {PLACE: OffsetAndMetadata(7, "é" * 10), other: None}
    assert world.wait(client, client.admin.committed("nobody", [PLACE])) == {PLACE: None}


def test_stable_offsets_wait_for_the_transaction_that_changes_them(world: World) -> None:
    world.topic("t")
    client = world.client()
    producer = client.producer(transactional_id="tx")
    world.wait(client, producer.init_transactions())
    producer.begin()
    world.wait(client, producer.send_offsets("g", {PLACE: OffsetAndMetadata(9)}))
    stable = client.admin.committed("g", [PLACE])
    world.pump(client, 20)
    assert not stable.done
    assert world.wait(client, client.admin.committed("g", [PLACE], require_stable=False)) == {PLACE: None}
    world.wait(client, producer.commit())
    assert world.wait(client, stable) == {PLACE: OffsetAndMetadata(9)}


def test_deleted_records_move_the_start(world: World) -> None:
    world.topic("t", 2)
    client = world.client()
    producer = client.producer()
    producer.append("t", 0, [b"k"] * 3, [b"v"] * 3, [world.now_ms] * 3)
    world.wait(client, producer.flush())
    other = TopicPartition("t", 1)
    assert world.wait(client, client.admin.delete_records({PLACE: 2, other: -1})) == {PLACE: 2, other: 0}
    assert world.wait(client, client.admin.list_offsets({PLACE: EARLIEST_OFFSET})) == {PLACE: 2}
    with pytest.raises(ClientError, match="before offset 99"):
        world.wait(client, client.admin.delete_records({PLACE: 99}))


def test_nothing_asked_is_answered_at_once(world: World) -> None:
    admin = world.client().admin
    assert admin.create_topics({}).result() == {}
    assert admin.describe_topics([]).result() == {}
    assert admin.list_offsets({}).result() == {}
    assert admin.delete_records({}).result() == {}
    assert admin.describe_configs([]).result() == {}
    assert admin.delete_topics([]).result() is None
    assert admin.commit_offsets("g", {}).result() is None


def test_groups_are_those_of_all_brokers() -> None:
    transport = ScriptedTransport({}, brokers=(4, 7))
    client = Client(transport, client_id="c", random=random.Random(1))
    listed = client.admin.list_groups()
    client.poll(0)
    for _ in range(2):
        token, node_id, _ = transport.take(ListGroupsRequest)
        group = ListedGroup(group_id=f"of-{node_id}", group_state="Empty")
        transport.answer(token, ListGroupsResponse(groups=(group,)))
    client.poll(1)
    assert [group.group_id for group in listed.result()] == ["of-4", "of-7"]


def test_a_partition_is_as_large_as_its_largest_replica_and_one_that_nobody_may_tell_of_is_left_out() -> None:
    transport = ScriptedTransport({}, brokers=(4, 7, 9))
    client = Client(transport, client_id="c", random=random.Random(1))
    asked = client.admin.partition_sizes("t", 3)
    client.poll(0)
    for size in (10, 30):
        token, _, body = transport.take(DescribeLogDirsRequest)
        assert body.topics == (DescribableLogDirTopic(topic="t", partitions=(0, 1, 2)),)
        partitions = (DescribeLogDirsPartition(partition_index=size // 20, partition_size=size),)
        if size == 30:
            partitions += (DescribeLogDirsPartition(partition_index=0, partition_size=7),)
        found = DescribeLogDirsTopic(name="t", partitions=partitions)
        transport.answer(token, DescribeLogDirsResponse(results=(DescribeLogDirsResult(topics=(found,)),)))
    token, _, _ = transport.take(DescribeLogDirsRequest)
    transport.answer(token, DescribeLogDirsResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED))
    client.poll(1)
    assert asked.result() == {TopicPartition("t", 0): 10, TopicPartition("t", 1): 30}


def test_a_directory_that_failed_is_told_with_the_topic() -> None:
    transport = ScriptedTransport({})
    client = Client(transport, client_id="c", random=random.Random(1))
    asked = client.admin.partition_sizes("t", 1)
    client.poll(0)
    token, _, _ = transport.take(DescribeLogDirsRequest)
    failed = DescribeLogDirsResult(error_code=ErrorCode.KAFKA_STORAGE_ERROR, log_dir="/data")
    transport.answer(token, DescribeLogDirsResponse(results=(failed,)))
    client.poll(1)
    with pytest.raises(ClientError, match="the size of topic t in /data was refused: KAFKA_STORAGE_ERROR"):
        asked.result()


def test_each_group_is_deleted_by_its_own_coordinator() -> None:
    transport = ScriptedTransport({}, coordinator=5)
    client = Client(transport, client_id="c", random=random.Random(1))
    deleted = client.admin.delete_groups(["a", "b"])
    client.poll(0)
    for _ in range(2):
        token, node_id, body = transport.take(DeleteGroupsRequest)
        assert node_id == 5
        result = DeletableGroupResult(
            group_id=body.groups_names[0], error_code=68 if body.groups_names == ("b",) else 0
        )
        transport.answer(token, DeleteGroupsResponse(results=(result,)))
    client.poll(1)
    with pytest.raises(ClientError, match="deleting group b was refused: NON_EMPTY_GROUP"):
        deleted.result()
