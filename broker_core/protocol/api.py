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
from broker_core.protocol.alter_client_quotas import AlterClientQuotasRequest, AlterClientQuotasResponse
from broker_core.protocol.alter_configs import AlterConfigsRequest, AlterConfigsResponse
from broker_core.protocol.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
)
from broker_core.protocol.alter_replica_log_dirs import AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse
from broker_core.protocol.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
)
from broker_core.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from broker_core.protocol.create_acls import CreateAclsRequest, CreateAclsResponse
from broker_core.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsResponse
from broker_core.protocol.create_topics import CreateTopicsRequest, CreateTopicsResponse
from broker_core.protocol.delete_acls import DeleteAclsRequest, DeleteAclsResponse
from broker_core.protocol.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from broker_core.protocol.delete_records import DeleteRecordsRequest, DeleteRecordsResponse
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from broker_core.protocol.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from broker_core.protocol.describe_client_quotas import DescribeClientQuotasRequest, DescribeClientQuotasResponse
from broker_core.protocol.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from broker_core.protocol.describe_configs import DescribeConfigsRequest, DescribeConfigsResponse
from broker_core.protocol.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from broker_core.protocol.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse
from broker_core.protocol.describe_producers import DescribeProducersRequest, DescribeProducersResponse
from broker_core.protocol.describe_quorum import DescribeQuorumRequest, DescribeQuorumResponse
from broker_core.protocol.describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
)
from broker_core.protocol.describe_transactions import DescribeTransactionsRequest, DescribeTransactionsResponse
from broker_core.protocol.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
)
from broker_core.protocol.elect_leaders import ElectLeadersRequest, ElectLeadersResponse
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.fetch import FetchRequest, FetchResponse
from broker_core.protocol.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from broker_core.protocol.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker_core.protocol.incremental_alter_configs import (
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupResponse
from broker_core.protocol.leave_group import LeaveGroupRequest, LeaveGroupResponse
from broker_core.protocol.list_config_resources import ListConfigResourcesRequest, ListConfigResourcesResponse
from broker_core.protocol.list_groups import ListGroupsRequest, ListGroupsResponse
from broker_core.protocol.list_offsets import ListOffsetsRequest, ListOffsetsResponse
from broker_core.protocol.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)
from broker_core.protocol.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from broker_core.protocol.metadata import MetadataRequest, MetadataResponse
from broker_core.protocol.offset_commit import OffsetCommitRequest, OffsetCommitResponse
from broker_core.protocol.offset_delete import OffsetDeleteRequest, OffsetDeleteResponse
from broker_core.protocol.offset_fetch import OffsetFetchRequest, OffsetFetchResponse
from broker_core.protocol.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse
from broker_core.protocol.produce import ProduceRequest, ProduceResponse
from broker_core.protocol.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from broker_core.protocol.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from broker_core.protocol.schema import Message
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupResponse
from broker_core.protocol.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitResponse
from broker_core.protocol.update_features import UpdateFeaturesRequest, UpdateFeaturesResponse
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
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    SASL_HANDSHAKE = 17
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
    DESCRIBE_ACLS = 29
    CREATE_ACLS = 30
    DELETE_ACLS = 31
    DESCRIBE_CONFIGS = 32
    ALTER_CONFIGS = 33
    ALTER_REPLICA_LOG_DIRS = 34
    DESCRIBE_LOG_DIRS = 35
    SASL_AUTHENTICATE = 36
    CREATE_PARTITIONS = 37
    DELETE_GROUPS = 42
    ELECT_LEADERS = 43
    INCREMENTAL_ALTER_CONFIGS = 44
    ALTER_PARTITION_REASSIGNMENTS = 45
    LIST_PARTITION_REASSIGNMENTS = 46
    OFFSET_DELETE = 47
    DESCRIBE_CLIENT_QUOTAS = 48
    ALTER_CLIENT_QUOTAS = 49
    DESCRIBE_USER_SCRAM_CREDENTIALS = 50
    ALTER_USER_SCRAM_CREDENTIALS = 51
    DESCRIBE_QUORUM = 55
    UPDATE_FEATURES = 57
    DESCRIBE_CLUSTER = 60
    DESCRIBE_PRODUCERS = 61
    DESCRIBE_TRANSACTIONS = 65
    LIST_TRANSACTIONS = 66
    LIST_CONFIG_RESOURCES = 74
    DESCRIBE_TOPIC_PARTITIONS = 75


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
            (JoinGroupRequest, JoinGroupResponse),
            (HeartbeatRequest, HeartbeatResponse),
            (LeaveGroupRequest, LeaveGroupResponse),
            (SyncGroupRequest, SyncGroupResponse),
            (DescribeGroupsRequest, DescribeGroupsResponse),
            (ListGroupsRequest, ListGroupsResponse),
            (SaslHandshakeRequest, SaslHandshakeResponse),
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
            (DescribeAclsRequest, DescribeAclsResponse),
            (CreateAclsRequest, CreateAclsResponse),
            (DeleteAclsRequest, DeleteAclsResponse),
            (DescribeConfigsRequest, DescribeConfigsResponse),
            (AlterConfigsRequest, AlterConfigsResponse),
            (AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse),
            (DescribeLogDirsRequest, DescribeLogDirsResponse),
            (SaslAuthenticateRequest, SaslAuthenticateResponse),
            (CreatePartitionsRequest, CreatePartitionsResponse),
            (DeleteGroupsRequest, DeleteGroupsResponse),
            (ElectLeadersRequest, ElectLeadersResponse),
            (IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse),
            (AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse),
            (ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse),
            (OffsetDeleteRequest, OffsetDeleteResponse),
            (DescribeClientQuotasRequest, DescribeClientQuotasResponse),
            (AlterClientQuotasRequest, AlterClientQuotasResponse),
            (DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse),
            (AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse),
            (DescribeQuorumRequest, DescribeQuorumResponse),
            (UpdateFeaturesRequest, UpdateFeaturesResponse),
            (DescribeClusterRequest, DescribeClusterResponse),
            (DescribeProducersRequest, DescribeProducersResponse),
            (DescribeTransactionsRequest, DescribeTransactionsResponse),
            (ListTransactionsRequest, ListTransactionsResponse),
            (ListConfigResourcesRequest, ListConfigResourcesResponse),
            (DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse),
        )
    }
)
"""Every API that is spoken, by key, in ascending order."""
