"""The client's settings. Sizes are bytes, times are milliseconds; names follow Kafka's clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SOFTWARE_NAME: Final = "streams-dsl"
SOFTWARE_VERSION: Final = "0.1.0"
"""What brokers are told to talk to (KIP-511)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Settings that all cores of one client share.

    ``storage_errors_are_final``: with one broker nobody else can take a partition over, so waiting for a failed or
    full disk only hides it. False against a cluster with replicas, where Kafka's clients retry.
    """

    batch_bytes: int = 512 * 1024
    codec: int = 0
    request_timeout_ms: int = 30_000
    delivery_timeout_ms: int = 120_000
    operation_timeout_ms: int = 60_000
    retry_backoff_ms: int = 20
    retry_backoff_max_ms: int = 1_000
    concurrent_backoff_ms: int = 1
    """First wait when the transaction before is still being completed; doubled each time."""
    concurrent_backoff_max_ms: int = 50
    fetch_max_bytes: int = 8 * 1024 * 1024
    fetch_partition_max_bytes: int = 1024 * 1024
    fetch_max_wait_ms: int = 500
    fetch_min_bytes: int = 1
    metadata_max_age_ms: int = 300_000
    allow_auto_create: bool = True
    storage_errors_are_final: bool = True
    transactions_v2: bool = True
    """Use KIP-890's transactions where the broker has them in force, which our own always has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """How connections to brokers are made, kept and given up."""

    connect_timeout_ms: int = 10_000
    request_timeout_ms: int = 30_000
    """Without an answer for so long, plus the time that a request itself allows the broker, a connection is dead."""
    reconnect_backoff_ms: int = 50
    reconnect_backoff_max_ms: int = 1_000
    idle_ms: int = 540_000
    """Below the ten minutes after which brokers hang up, so that it is not a request that finds out."""
    parking_connections: int = 8
    """To one broker at most so many connections for requests that it parks."""
    max_frame_bytes: int = 256 * 1024 * 1024
