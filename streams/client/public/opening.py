"""What is behind a client: the embedded log of a data directory, or a cluster, by the same arguments as ``App``.

The one place of ``streams.client`` that looks up into ``runtime``, which knows how to open either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streams.client.public.driver import Driver, drivers
from streams.config import StreamsConfig, load_config
from streams.errors import ConfigError


class Opened:
    """A driver, and how to give it back: once, however often ``close`` is called, for others may share it."""

    def __init__(self, driver: Driver, give_back: Callable[[], None]) -> None:
        self.driver = driver
        self._give_back: Callable[[], None] | None = give_back

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


def open_driver(
    broker: str | None, data_dir: str | Path | None, client_id: str, settings: Mapping[str, Any] | None = None
) -> Opened:
    """Open (or share) what is named; returns before it is there (``Driver.opened``).

    Arguments:
        broker, data_dir: one of them, or the environment's ``STREAMS_BROKER`` or ``STREAMS_DATA_DIR``.
        settings: fields of ``StreamsConfig``.

    Raises:
        ConfigError: neither or both are named, or a setting makes no sense.
    """
    from streams.runtime.connection import clock_ms, connect

    given = {"broker": broker, "data_dir": None if data_dir is None else str(data_dir), **(settings or {})}
    if broker is not None and data_dir is not None:
        raise ConfigError(f"broker={broker!r} and data_dir={str(data_dir)!r}: a client reads one log; leave one out")
    named = broker or data_dir or os.environ.get("STREAMS_BROKER") or os.environ.get("STREAMS_DATA_DIR")
    if not named:
        raise ConfigError(
            "where is the log? Give broker='host:port', or data_dir='...' for the embedded log in that directory"
        )
    environment = dict(os.environ)
    if data_dir is not None:
        environment.pop("STREAMS_BROKER", None)
    config = load_config(
        client_id, {name: value for name, value in given.items() if value is not None}, environment, {}
    )

    def start() -> Driver:
        return Driver(lambda: connect(config), clock_ms, client_id)

    if config.broker is not None:
        driver = start()
        return Opened(driver, driver.close)
    place = _place(config)
    driver = drivers.share(place, start)
    return Opened(driver, lambda: drivers.give_back(place, driver))


def _place(config: StreamsConfig) -> str:
    return str(Path(config.data_dir).resolve())
