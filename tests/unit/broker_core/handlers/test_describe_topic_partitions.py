"""DescribeTopicPartitions: pages that together show every partition once."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_topic_partitions import Cursor, DescribeTopicPartitionsRequest, TopicRequest
from tests.unit.broker_core.broker_kit import Kit


def request(*names: str, limit: int = 2_000, cursor: Cursor | None = None) -> DescribeTopicPartitionsRequest:
    return DescribeTopicPartitionsRequest(
        topics=tuple(TopicRequest(name=name) for name in names), response_partition_limit=limit, cursor=cursor
    )


def test_topics_by_name_in_order(kit: Kit) -> None:
    kit.create("b", partitions=2)
    kit.create("a")
    answer = kit.call(request("b", "nothing", "a"))
    assert [(topic.name, topic.error_code, len(topic.partitions)) for topic in answer.topics] == [
        ("a", 0, 1),
        ("b", 0, 2),
        ("nothing", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0),
    ]
    assert answer.next_cursor is None
    (found,) = answer.topics[0].partitions
    assert (found.leader_id, found.leader_epoch, found.replica_nodes, found.isr_nodes) == (1, 1, (1,), (1,))


@pytest.mark.parametrize("limit", [-1, 1, 2, 3, 5, 6, 7])
def test_pages_show_every_partition_once(kit: Kit, limit: int) -> None:
    for name, partitions in (("a", 3), ("b", 1), ("c", 2)):
        kit.create(name, partitions=partitions)
    seen: list[tuple[str, int]] = []
    cursor: Cursor | None = None
    for _ in range(7):
        answer = kit.call(request(limit=limit, cursor=cursor))
        page = [(topic.name, found.partition_index) for topic in answer.topics for found in topic.partitions]
        assert 0 < len(page) <= max(1, limit)
        seen += page
        cursor = answer.next_cursor
        if cursor is None:
            break
    assert seen == [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("c", 0), ("c", 1)]


def test_a_cursor_to_what_is_gone_goes_on_behind_it(kit: Kit) -> None:
    kit.create("a")
    kit.create("c")
    answer = kit.call(request(cursor=Cursor(topic_name="b", partition_index=1)))
    assert [(topic.name, len(topic.partitions)) for topic in answer.topics] == [("c", 1)]
    answer = kit.call(request(cursor=Cursor(topic_name="d", partition_index=0)))
    assert (answer.topics, answer.next_cursor) == ((), None)
