"""What handlers may use: the parts of the broker, and the two helpers that every handler needs.

No request is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from broker_core.catalog import Catalog, Topic
from broker_core.config import BrokerConfig
from broker_core.coordinator import Coordinator
from broker_core.disk_guard import DiskGuard
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.fetch_session import FetchSessions
from broker_core.log.partition_log import PartitionLog
from broker_core.model import Isolation, TopicPartition
from broker_core.partitions import Partitions
from broker_core.ports import Filesystem, Observer
from broker_core.protocol.metadata import MetadataResponseTopic
from broker_core.settings import Settings
from broker_core.topics import Topics
from broker_core.waiting import Waiting

REFUSALS: Final = (BrokerError, StorageError)
"""What a handler turns into an error code: the client's fault, or the storage's."""


@dataclass(slots=True)
class DescribedTopics:
    """Topics as Metadata shows them, kept while the catalog stays as it is (every change gives it a new mapping)."""

    of: Mapping[str, Topic] | None = None
    topics: dict[str, MetadataResponseTopic] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class BrokerContext:
    """The parts of one broker; ``served`` holds the API keys that there are handlers for."""

    config: BrokerConfig
    filesystem: Filesystem
    catalog: Catalog
    topics: Topics
    settings: Settings
    partitions: Partitions
    coordinator: Coordinator
    guard: DiskGuard
    waiting: Waiting
    fetch_sessions: FetchSessions
    observer: Observer
    served: frozenset[int]
    described: DescribedTopics = field(default_factory=DescribedTopics)


def error_code(error: BrokerError | StorageError) -> ErrorCode:
    """The wire's number for a refusal."""
    return error.code if isinstance(error, BrokerError) else ErrorCode.KAFKA_STORAGE_ERROR


def check_leader_epoch(log: PartitionLog, current_leader_epoch: int) -> None:
    """Fence a client whose metadata is of another epoch than ours (KIP-320); -1 means it does not say.

    Raises:
        BrokerError: ``FENCED_LEADER_EPOCH`` (older) or ``UNKNOWN_LEADER_EPOCH`` (newer).
    """
    if current_leader_epoch in (-1, log.leader_epoch):
        return
    code = ErrorCode.FENCED_LEADER_EPOCH if current_leader_epoch < log.leader_epoch else ErrorCode.UNKNOWN_LEADER_EPOCH
    raise BrokerError(code, f"leader epoch of {log.topic_partition} is {log.leader_epoch}, not {current_leader_epoch}")


def isolation_of(isolation_level: int) -> Isolation:
    """The isolation that a request asks for; numbers that Kafka does not define read everything."""
    return Isolation.READ_COMMITTED if isolation_level == Isolation.READ_COMMITTED else Isolation.READ_UNCOMMITTED


def find_log(context: BrokerContext, topic: str, partition: int) -> PartitionLog:
    """The log; raises BrokerError ``UNKNOWN_TOPIC_OR_PARTITION``."""
    return context.partitions.find(TopicPartition(topic, partition))
