"""OffsetFetch in all its forms."""

from broker_core.errors import ErrorCode
from broker_core.group.fetch import refuse_fetch
from broker_core.model import TopicPartition
from broker_core.protocol.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
)
from tests.unit.broker_core.coordinator_world import OFFSETS, A, B, World, commit_request

TOPIC = OffsetFetchRequestTopic(name="out", partition_indexes=(1, 0))


def test_named_partitions_come_in_the_order_asked() -> None:
    world = World()
    world.simple_commit({A: 5})
    response = world.ask(OffsetFetchRequest(group_id="g", topics=(TOPIC,)), 7)
    (topic,) = response.topics
    assert [(each.partition_index, each.committed_offset, each.error_code) for each in topic.partitions] == [
        (1, -1, 0),
        (0, 5, 0),
    ]


def test_null_asks_for_everything_and_an_empty_list_for_nothing() -> None:
    world = World()
    world.simple_commit({B: 6, A: 5})
    everything = world.ask(OffsetFetchRequest(group_id="g", topics=None), 2)
    assert [each.committed_offset for topic in everything.topics for each in topic.partitions] == [5, 6]
    assert world.ask(OffsetFetchRequest(group_id="g", topics=()), 2).topics == ()


def test_several_groups() -> None:
    world = World()
    world.simple_commit({A: 5}, group="g")
    world.simple_commit({A: 7}, group="h")
    groups = tuple(OffsetFetchRequestGroup(group_id=each, topics=None) for each in ("h", "none", "g"))
    response = world.ask(OffsetFetchRequest(groups=groups), 8)
    found = {
        group.group_id: [each.committed_offset for topic in group.topics for each in topic.partitions]
        for group in response.groups
    }
    assert found == {"h": [7], "none": [], "g": [5]}


def test_everything_stable_names_pending_partitions_too() -> None:
    """Otherwise a first transactional commit would look as if there had never been one."""
    world = World()
    owner = world.owner()
    world.simple_commit({A: 1})
    world.add_offsets(owner)
    world.commit_offsets(owner, {B: 5})
    assert world.fetch(stable=True) == {A: 1, B: ErrorCode.UNSTABLE_OFFSET_COMMIT}
    assert world.fetch() == {A: 1}


def test_an_offset_is_told_only_once_it_is_on_disk() -> None:
    """Or a reader could start after records that, once the power failed, are read by nobody."""
    world = World()
    world.submit(commit_request({A: 5}), 8)
    token = world.submit(OffsetFetchRequest(group_id="g", topics=None), 7)
    assert isinstance(token, int)
    world.sync(OFFSETS)
    assert world.replies[token].topics[0].partitions[0].committed_offset == 5


def test_an_unknown_group_has_committed_nothing() -> None:
    assert World().fetch(A, TopicPartition("none", 0)) == {A: -1, TopicPartition("none", 0): -1}


def test_a_refusal_stands_where_the_version_has_room_for_it() -> None:
    code = ErrorCode.KAFKA_STORAGE_ERROR
    grouped = OffsetFetchRequest(groups=(OffsetFetchRequestGroup(group_id="g"),))
    assert [group.error_code for group in refuse_fetch(grouped, code, 8).groups] == [code]
    single = OffsetFetchRequest(group_id="g", topics=(TOPIC,))
    assert refuse_fetch(single, code, 2).error_code == code
    assert [each.error_code for each in refuse_fetch(single, code, 1).topics[0].partitions] == [code, code]
