"""The APIs that are spoken here: keys, versions, and the classes of their messages.

Owns the table, which ApiVersions answers from. What an API does is its handler's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnResponse
from broker_core.protocol.alter_configs import AlterConfigsRequest, AlterConfigsResponse
from broker_core.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from broker_core.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsResponse
from broker_core.protocol.create_topics import CreateTopicsRequest, CreateTopicsResponse
from broker_core.protocol.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from broker_core.protocol.delete_records import DeleteRecordsRequest, DeleteRecordsResponse
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from broker_core.protocol.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from broker_core.protocol.describe_configs import DescribeConfigsRequest, DescribeConfigsResponse
from broker_core.protocol.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.fetch import FetchRequest, FetchResponse
from broker_core.protocol.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from broker_core.protocol.incremental_alter_configs import (
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.protocol.list_groups import ListGroupsRequest, ListGroupsResponse
from broker_core.protocol.list_offsets import ListOffsetsRequest, ListOffsetsResponse
from broker_core.protocol.metadata import MetadataRequest, MetadataResponse
from broker_core.protocol.offset_commit import OffsetCommitRequest, OffsetCommitResponse
from broker_core.protocol.offset_delete import OffsetDeleteRequest, OffsetDeleteResponse
from broker_core.protocol.offset_fetch import OffsetFetchRequest, OffsetFetchResponse
from broker_core.protocol.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse
from broker_core.protocol.produce import ProduceRequest, ProduceResponse
from broker_core.protocol.schema import Message
from broker_core.protocol.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitResponse
from broker_core.protocol.write_txn_markers import WriteTxnMarkersRequest, WriteTxnMarkersResponse


class ApiKey(IntEnum):
    """Kafka's API keys, as far as they are spoken here."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    WRITE_TXN_MARKERS = 27
    TXN_OFFSET_COMMIT = 28
    DESCRIBE_CONFIGS = 32
    ALTER_CONFIGS = 33
    CREATE_PARTITIONS = 37
    DELETE_GROUPS = 42
    INCREMENTAL_ALTER_CONFIGS = 44
    OFFSET_DELETE = 47
    DESCRIBE_CLUSTER = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """One API: its message classes and the versions that ApiVersions advertises.

    ``min_version`` may lie below what is decoded (``request.MIN_VERSION``): see ``_ADVERTISED_FROM``.
    """

    key: ApiKey
    request: type[Message]
    response: type[Message]
    min_version: int
    max_version: int


_ADVERTISED_FROM: Final[Mapping[ApiKey, int]] = {ApiKey.PRODUCE: 0}
"""librdkafka before 2.11.1 asks whether Produce v0 is in the range before it compresses (KAFKA-18659)."""


def _spec(request: type[Message], response: type[Message]) -> ApiSpec:
    key = ApiKey(request.API_KEY)
    return ApiSpec(
        key=key,
        request=request,
        response=response,
        min_version=_ADVERTISED_FROM.get(key, request.MIN_VERSION),
        max_version=request.MAX_VERSION,
    )


API: Final[Mapping[int, ApiSpec]] = MappingProxyType(
    {
        request.API_KEY: _spec(request, response)
        for request, response in (
            (ProduceRequest, ProduceResponse),
            (FetchRequest, FetchResponse),
            (ListOffsetsRequest, ListOffsetsResponse),
            (MetadataRequest, MetadataResponse),
            (OffsetCommitRequest, OffsetCommitResponse),
            (OffsetFetchRequest, OffsetFetchResponse),
            (FindCoordinatorRequest, FindCoordinatorResponse),
            (DescribeGroupsRequest, DescribeGroupsResponse),
            (ListGroupsRequest, ListGroupsResponse),
            (ApiVersionsRequest, ApiVersionsResponse),
            (CreateTopicsRequest, CreateTopicsResponse),
            (DeleteTopicsRequest, DeleteTopicsResponse),
            (DeleteRecordsRequest, DeleteRecordsResponse),
            (InitProducerIdRequest, InitProducerIdResponse),
            (OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse),
            (AddPartitionsToTxnRequest, AddPartitionsToTxnResponse),
            (AddOffsetsToTxnRequest, AddOffsetsToTxnResponse),
            (EndTxnRequest, EndTxnResponse),
            (WriteTxnMarkersRequest, WriteTxnMarkersResponse),
            (TxnOffsetCommitRequest, TxnOffsetCommitResponse),
            (DescribeConfigsRequest, DescribeConfigsResponse),
            (AlterConfigsRequest, AlterConfigsResponse),
            (CreatePartitionsRequest, CreatePartitionsResponse),
            (DeleteGroupsRequest, DeleteGroupsResponse),
            (IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse),
            (OffsetDeleteRequest, OffsetDeleteResponse),
            (DescribeClusterRequest, DescribeClusterResponse),
        )
    }
)
"""Every API that is spoken, by key, in ascending order."""
