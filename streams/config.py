"""Settings of an application; each also by environment (``STREAMS_<NAME>``) and command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Guarantee(Enum):
    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsConfig:
    """One application's settings; sizes in bytes, times in milliseconds. Defaults: architecture.md, section 8."""

    application_id: str
    data_dir: str
    broker: str | None = None
    guarantee: Guarantee = Guarantee.EXACTLY_ONCE
    commit_interval_ms: int = 100
    partitions: int = 4
    durability: str = "synced"
    state_backend: str = "rocksdb"
    cache_max_bytes: int = 64 * 1024 * 1024
    staging_max_bytes: int = 256 * 1024 * 1024
    transaction_timeout_ms: int = 60_000
    batch_bytes: int = 512 * 1024
    fetch_max_bytes: int = 8 * 1024 * 1024
    """Most bytes one fetch answer carries."""
    buffered_records: int = 20_000
    """Records a task holds per partition before the consumer pauses it."""
    state_flush_interval_ms: int = 600_000
    state_flush_records: int = 100_000
