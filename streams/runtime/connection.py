"""A client with something behind it: the embedded log of a data directory, or a cluster. A small shell."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from broker_core.errors import StorageError
from streams.client.client import Client
from streams.client.settings import ClientSettings
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.runtime.embedded import broker_config, open_embedded


def clock_ms() -> int:
    """Wall clock, epoch milliseconds: the one place where an application reads it."""
    return time.time_ns() // 1_000_000


@contextmanager
def connect(config: StreamsConfig) -> Iterator[Client]:
    """A client for an application's settings; closed, and the embedded log with it, at the end of the block.

    Raises:
        ConfigError: a cluster is named, which this version cannot reach.
        DataDirectoryError: the embedded log is in use by another process, of a newer version, or not writable.
        StorageError: it holds what it should not, or could not be closed cleanly (nothing is lost: it recovers).
    """
    if config.broker is not None:
        raise ConfigError(
            f"broker={config.broker!r}: this version runs on the embedded log only; leave broker (and STREAMS_BROKER) "
            "out, the application's file stays the same"
        )
    embedded = open_embedded(str(Path(config.data_dir) / "log"), broker_config(config), clock_ms())
    try:
        client = Client(
            embedded.connect(config.application_id),
            client_id=config.application_id,
            random=random.SystemRandom(),
            settings=ClientSettings(batch_bytes=config.batch_bytes, fetch_max_bytes=config.fetch_max_bytes),
        )
        yield client
    except BaseException:
        with suppress(StorageError):  # the failure under way says more; the next start recovers
            embedded.close(clock_ms())
        raise
    embedded.close(clock_ms())
