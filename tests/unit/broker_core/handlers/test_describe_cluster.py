"""DescribeCluster: one broker, which is its own controller."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_cluster import DescribeClusterRequest
from broker_core.protocol.metadata import MetadataRequest
from tests.unit.broker_core.broker_kit import Kit


def test_the_one_broker(kit: Kit) -> None:
    answer = kit.call(DescribeClusterRequest())
    assert [(broker.broker_id, broker.host, broker.port) for broker in answer.brokers] == [(1, "localhost", 9092)]
    assert answer.controller_id == 1
    assert answer.cluster_id == kit.call(MetadataRequest(topics=())).cluster_id != ""


def test_controllers_are_not_here(kit: Kit) -> None:
    assert kit.call(DescribeClusterRequest(endpoint_type=2)).error_code == ErrorCode.INVALID_REQUEST
