"""OffsetCommit: durable when answered; unknown topics are refused one by one."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tests.unit.broker_core.broker_kit import Kit, committed_offset

INPUT = TopicPartition("input", 0)


def commit_request(offset: int, *names: str) -> OffsetCommitRequest:
    asked = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="m")
    return OffsetCommitRequest(
        group_id="g",
        topics=tuple(OffsetCommitRequestTopic(name=name, partitions=(asked,)) for name in names or ("input",)),
    )


def test_simple_commits_wait_for_their_sync(kit: Kit) -> None:
    kit.create("input")
    token = kit.send(commit_request(3))
    assert kit.answer(token) is None
    kit.sync()
    assert kit.answer(token).topics[0].partitions[0].error_code == 0
    kit.restart(crash="drop")
    assert committed_offset(kit, "g", INPUT) == (0, 3)


def test_each_topic_succeeds_or_fails_by_itself(kit: Kit) -> None:
    kit.create("input")
    answer = kit.call(commit_request(3, "nothing", "input"))
    codes = {topic.name: topic.partitions[0].error_code for topic in answer.topics}
    assert codes == {"nothing": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "input": 0}
    assert committed_offset(kit, "g", INPUT) == (0, 3)
