"""DescribeQuorum: a quorum of one."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_quorum import DescribeQuorumRequest, PartitionData, TopicData
from tests.unit.broker_core.broker_kit import Kit


def request(topic: str) -> DescribeQuorumRequest:
    return DescribeQuorumRequest(topics=(TopicData(topic_name=topic, partitions=(PartitionData(partition_index=0),)),))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_this_broker_is_the_one_voter(version: int) -> None:
    kit = Kit(wire=True).open()
    answer = kit.call(request("__cluster_metadata"), version)
    (found,) = answer.topics[0].partitions
    assert (found.error_code, found.leader_id, found.leader_epoch) == (0, 1, 1)
    assert [voter.replica_id for voter in found.current_voters] == [1]
    assert [node.node_id for node in answer.nodes] == ([1] if version >= 2 else [])


def test_no_other_topic_has_a_quorum(kit: Kit) -> None:
    kit.create("words")
    (found,) = kit.call(request("words")).topics[0].partitions
    assert found.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
