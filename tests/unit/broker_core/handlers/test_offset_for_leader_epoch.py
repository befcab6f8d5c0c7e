"""OffsetForLeaderEpoch: where the epochs of earlier runs end."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.unit.broker_core.broker_kit import Kit


def ask(kit: Kit, epoch: int, *, current: int = -1, topic: str = "words") -> EpochEndOffset:
    partition = OffsetForLeaderPartition(partition=0, current_leader_epoch=current, leader_epoch=epoch)
    body = OffsetForLeaderEpochRequest(topics=(OffsetForLeaderTopic(topic=topic, partitions=(partition,)),))
    answer = kit.call(body).topics[0].partitions[0]
    assert isinstance(answer, EpochEndOffset)
    return answer


def test_an_epoch_ends_where_the_next_begins(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "a", "b")
    kit.restart()
    kit.produce("words", "c")
    assert (ask(kit, 1).leader_epoch, ask(kit, 1).end_offset) == (1, 2)
    assert (ask(kit, 2).leader_epoch, ask(kit, 2).end_offset) == (2, 3)
    assert (ask(kit, 9).leader_epoch, ask(kit, 9).end_offset) == (-1, -1)


def test_fencing_and_unknown_partitions(kit: Kit) -> None:
    kit.create("words")
    assert ask(kit, 1, current=0).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert ask(kit, 1, current=7).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
    assert ask(kit, 1, topic="nothing").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
