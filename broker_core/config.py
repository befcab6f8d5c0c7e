"""Settings of the broker, one frozen record per component, and every limit as a named constant.

Names follow Kafka's (``segment.bytes`` is ``segment_bytes``); defaults are this project's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

MAX_REQUEST_BYTES: Final = 100 * 1024 * 1024
MAX_LIST_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Of a request that is a list of small things. As values they take a hundred times the room, and a second per MiB."""
MAX_OFFSET_METADATA_BYTES: Final = 4096
MAX_TOPIC_NAME_LENGTH: Final = 249
PRODUCER_WINDOW_BATCHES: Final = 5
"""Batches per producer and partition that duplicates are recognised among (KIP-98)."""
MAX_PRODUCER_EPOCH: Final = 32_767
LONG_MAX: Final = 2**63 - 1
"""Kafka's way to say "never" or "no limit" in a setting of type long."""
FORMAT_VERSION: Final = 1
"""Version of the data directory; an older program refuses a newer one."""


class Durability(Enum):
    """When an append counts as done."""

    SYNCED = "synced"
    """Acknowledged after fdatasync; nothing acknowledged is lost on power failure."""
    INTERVAL = "interval"
    """Acknowledged once the operating system has the bytes, and synced every ``sync_interval_ms``: power failure loses
    at most what was acknowledged in that time, and what came with it."""
    NONE = "none"
    """Acknowledged once the operating system has the bytes: survives kill -9, not power failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """How one partition's log is kept on disk. Sizes are bytes, times are milliseconds.

    Two are no settings of Kafka's. ``has_gaps``: offsets may be missing because the topic is compacted, or once was.
    ``check_records``: walk over the records of every batch that a client sends, unpacking it, as Kafka does. Without,
    only the header is checked where nobody but our own producer writes: a wrong record then misleads its readers.
    """

    segment_bytes: int = 128 * 1024 * 1024
    segment_ms: int = 7 * 24 * 3_600_000
    index_interval_bytes: int = 4096
    segment_index_bytes: int = 10 * 1024 * 1024
    max_message_bytes: int = 1024 * 1024 + 128
    retention_ms: int = 7 * 24 * 3_600_000
    retention_bytes: int = -1
    cleanup_policy: frozenset[str] = frozenset({"delete"})
    message_timestamp_type: str = "CreateTime"
    message_timestamp_after_max_ms: int = 3_600_000
    message_timestamp_before_max_ms: int = LONG_MAX
    compression_type: str = "producer"
    compression_gzip_level: int = -1
    compression_lz4_level: int = 9
    compression_zstd_level: int = 3
    delete_retention_ms: int = 24 * 3_600_000
    min_cleanable_dirty_ratio: float = 0.5
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = LONG_MAX
    segment_jitter_ms: int = 0
    preallocate: bool = False
    flush_messages: int = LONG_MAX
    flush_ms: int = LONG_MAX
    has_gaps: bool = False
    check_records: bool = True
    producer_id_expiration_ms: int = 24 * 3_600_000

    @property
    def is_compacted(self) -> bool:
        return "compact" in self.cleanup_policy

    @property
    def initial_file_bytes(self) -> int:
        """What a new segment's log takes of the disk at once."""
        return self.segment_bytes if self.preallocate else 0

    @property
    def may_have_gaps(self) -> bool:
        """Whether reading and recovery must take missing offsets for compaction's work instead of damage."""
        return self.has_gaps or self.is_compacted


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Where a server listens and what it takes. Names are Kafka's: ``socket.request.max.bytes`` and so on."""

    listen_host: str = "127.0.0.1"
    listen_port: int = 9092
    """0 takes a free one."""
    socket_request_max_bytes: int = MAX_REQUEST_BYTES
    max_connections: int = 10_000
    queued_max_request_bytes: int = 256 * 1024 * 1024
    """Requests that are read or in work, and answers that their readers have not taken, in all connections together."""
    connections_max_idle_ms: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Settings of one broker. ``log`` is the default that topic configs override; ``server`` matters where it listens.

    The advertised address is what clients are told to connect to.
    """

    node_id: int = 1
    cluster_id: str = ""
    advertised_host: str = "localhost"
    advertised_port: int = 9092
    num_partitions: int = 4
    auto_create_topics: bool = True
    durability: Durability = Durability.SYNCED
    sync_interval_ms: int = 100
    """With ``Durability.INTERVAL``: no byte is older than this when its sync begins."""
    offsets_topic_partitions: int = 1
    transaction_topic_partitions: int = 1
    transaction_max_timeout_ms: int = 15 * 60_000
    transaction_scan_interval_ms: int = 1_000
    transactional_id_expiration_ms: int = 7 * 24 * 3_600_000
    """How long a transactional id is known after its last use; negative for ever."""
    transactional_id_check_interval_ms: int = 3_600_000
    offsets_retention_minutes: int = 7 * 24 * 60
    """How long a group keeps offsets after it lost its members, or its topic; negative for ever."""
    offsets_retention_check_interval_ms: int = 600_000
    group_initial_rebalance_delay_ms: int = 3_000
    group_min_session_timeout_ms: int = 6_000
    group_max_session_timeout_ms: int = 30 * 60_000
    group_max_size: int = 2**31 - 1
    min_free_bytes: int = 256 * 1024 * 1024
    fetch_max_bytes: int = 55 * 1024 * 1024
    fetch_session_slots: int = 1_000
    """Fetch sessions at a time; clients beyond them send whole requests."""
    log_dirs: str = "data"
    """The data directory, as it was named."""
    log: LogConfig = field(default_factory=LogConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
