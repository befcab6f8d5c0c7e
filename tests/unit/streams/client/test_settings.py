from __future__ import annotations

from broker_core.config import BrokerConfig
from streams.client.settings import ClientSettings

DEFAULTS = ClientSettings()


def test_a_full_batch_fits_the_brokers_own_limit() -> None:
    """Otherwise every full batch would be refused once and split."""
    assert DEFAULTS.batch_bytes < BrokerConfig().log.max_message_bytes


def test_waits_are_ordered_as_their_use_supposes() -> None:
    assert DEFAULTS.concurrent_backoff_ms < DEFAULTS.retry_backoff_ms < DEFAULTS.retry_backoff_max_ms
    assert DEFAULTS.request_timeout_ms < DEFAULTS.operation_timeout_ms < DEFAULTS.delivery_timeout_ms


def test_one_partition_alone_cannot_fill_a_fetch() -> None:
    assert DEFAULTS.fetch_partition_max_bytes < DEFAULTS.fetch_max_bytes
