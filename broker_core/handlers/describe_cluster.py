"""DescribeCluster (API key 60), versions 0 to 1: the cluster's id and brokers. 1: endpoint type."""

from __future__ import annotations

from typing import Final

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

_BROKERS: Final = 1


def handle(context: BrokerContext, body: DescribeClusterRequest, call: Call) -> Outcome:
    if body.endpoint_type != _BROKERS:
        message = f"endpoint type {body.endpoint_type}: this address answers for brokers (1) only"
        return Reply(DescribeClusterResponse(error_code=ErrorCode.INVALID_REQUEST, error_message=message))
    config = context.config
    return Reply(
        DescribeClusterResponse(
            cluster_id=context.catalog.cluster_id,
            controller_id=config.node_id,
            brokers=(
                DescribeClusterBroker(
                    broker_id=config.node_id, host=config.advertised_host, port=config.advertised_port
                ),
            ),
        )
    )
