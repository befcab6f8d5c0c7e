"""OffsetFetch: what is committed, what is not, and what went with its topic."""

from __future__ import annotations

from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from tests.unit.broker_core.broker_kit import Kit, committed_offset
from tests.unit.broker_core.handlers.test_offset_commit import INPUT, commit_request


def test_nothing_committed_is_minus_one(kit: Kit) -> None:
    kit.create("input")
    assert committed_offset(kit, "g", INPUT) == (0, -1)


def test_all_offsets_of_a_group(kit: Kit) -> None:
    kit.create("input")
    kit.create("other")
    kit.call(commit_request(3, "input", "other"))
    body = OffsetFetchRequest(groups=(OffsetFetchRequestGroup(group_id="g", topics=None),))
    group = kit.call(body, 8).groups[0]
    assert {topic.name: topic.partitions[0].committed_offset for topic in group.topics} == {"input": 3, "other": 3}


def test_offsets_go_with_their_topic(kit: Kit) -> None:
    kit.create("input")
    kit.call(commit_request(3))
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="input"),)))
    kit.sync_all()
    kit.create("input")
    assert committed_offset(kit, "g", INPUT) == (0, -1)
    kit.restart()
    assert committed_offset(kit, "g", INPUT) == (0, -1)
