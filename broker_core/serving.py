"""A broker as a process: from settings to a server that runs until it is told to stop. A shell.

Shared by ``python -m broker_core`` and ``streams broker``; how they read their command lines and what they print is
theirs.
"""

from __future__ import annotations

import asyncio
import random
import resource
import signal
import socket
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from broker_core.broker import Broker
from broker_core.broker_config import START_SETTINGS
from broker_core.config import BrokerConfig
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.os_filesystem import OsFilesystem
from broker_core.ports import Observer
from broker_core.process_memory import keep_freed_memory
from broker_core.server import BrokerServer, address_of, bind, wall_clock_ms
from broker_core.start_settings import start_config

TOLD: Final = {
    "broker.clock_went_back": "the clock was set back by {by_ms} ms; deadlines begin anew",
    "connection.limit": "a connection was refused: {connections} are open (max.connections)",
    "log.failed": "the log of {partition} has failed: {reason}",
    "log.upkeep_failed": "retention or compaction of {partition} failed: {reason}",
    "request.failed": "a request of {client} broke the broker's code, please report it: {error!r} at {request}",
    "request.unanswerable": "an answer could not be written, please report it: API {api_key}, {reason}",
    "server.failed": "the broker has failed and stops; started again, it recovers: {error!r}",
    "server.saturated": "{held_bytes} bytes of requests are in work; nothing new is read (queued.max.request.bytes)",
}
"""Events that whoever runs a broker should know of, and what is told of them."""
MOST_TOLD: Final = 100
"""Of one kind; a client that goes on and on must not fill a disk with messages about it."""

_ANY: Final = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens, and what it tells clients to connect to."""

    host: str
    port: int
    advertised_host: str
    advertised_port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Teller:
    """Observer that tells what matters.

    Arguments:
        say: shows a text.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._counts: dict[str, int] = {}

    def event(self, name: str, **fields: object) -> None:
        text = TOLD.get(name)
        count = self._counts.get(name, 0) + 1
        if text is None or count > MOST_TOLD:
            return
        self._counts[name] = count
        self._say(text.format(**fields) + ("; no more of these are told" if count == MOST_TOLD else ""))
        error = fields.get("error")
        if isinstance(error, BaseException):
            self._say("".join(traceback.format_exception(error)))


def settings_from(
    listen: str | None, data_dir: str | None, given: list[str], base: BrokerConfig | None = None
) -> tuple[BrokerConfig, Mapping[str, str]]:
    """The configuration that command-line options ask for, and its settings as text.

    Arguments:
        listen: ``host:port``, as ``listeners``.
        data_dir: as ``log.dirs``.
        given: ``name=value`` each, by Kafka's names.

    Raises:
        BrokerError: ``INVALID_CONFIG``, saying what to write instead.
    """
    texts: dict[str, str] = {}
    for item in given:
        name, equals, text = item.partition("=")
        if not equals:
            raise BrokerError(ErrorCode.INVALID_CONFIG, f"--set {item}: is not name=value, such as num.partitions=3")
        texts[name.strip()] = text.strip()
    if listen is not None:
        texts["listeners"] = listen
    if data_dir is not None:
        texts["log.dirs"] = data_dir
    return start_config(texts, base), texts


def take_address(config: BrokerConfig, texts: Mapping[str, str]) -> tuple[socket.socket, BrokerConfig]:
    """Bind the listener; returns it, and the configuration with the address that clients are to be told.

    Raises:
        StorageError: the address cannot be had.
    """
    wanted = config.server
    try:
        listener = bind(wanted.listen_host, wanted.listen_port)
    except OSError as error:
        raise StorageError(
            f"cannot listen on {wanted.listen_host}:{wanted.listen_port}: {error.strerror or error}. Choose another "
            "address with --listen host:port; port 0 takes a free one"
        ) from error
    port = address_of(listener)[1]
    config = replace(config, server=replace(wanted, listen_port=port))
    if "advertised.listeners" not in texts:
        host = socket.gethostname() if wanted.listen_host in _ANY else wanted.listen_host
        config = replace(config, advertised_host=host, advertised_port=port)
    elif config.advertised_port == 0:
        config = replace(config, advertised_port=port)
    return listener, config


def serve(
    config: BrokerConfig,
    texts: Mapping[str, str],
    *,
    on_listening: Callable[[Address], None],
    observer: Observer | None = None,
) -> None:
    """Open the data directory and serve it until SIGTERM or Ctrl-C; a second signal ends the process at once.

    Arguments:
        on_listening: called once clients are accepted.

    Raises:
        StorageError: the address cannot be had, the directory not be opened, or not be closed cleanly.
    """
    _raise_file_limit()
    keep_freed_memory()
    listener, config = take_address(config, texts)
    try:
        broker = Broker(config, OsFilesystem(config.log_dirs), random.SystemRandom(), observer)
        try:
            broker.open(wall_clock_ms())
        except StorageError as error:
            raise type(error)(f"log in {config.log_dirs}: {error}") from error.__cause__
        address = Address(
            host=address_of(listener)[0],
            port=address_of(listener)[1],
            advertised_host=config.advertised_host,
            advertised_port=config.advertised_port,
        )
        asyncio.run(_serve(broker, config, listener, address, on_listening, observer))
    finally:
        listener.close()


async def _serve(
    broker: Broker,
    config: BrokerConfig,
    listener: socket.socket,
    address: Address,
    on_listening: Callable[[Address], None],
    observer: Observer | None,
) -> None:
    server = BrokerServer(broker, config.server, observer=observer)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        server.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await server.listen(listener)
    on_listening(address)
    await server.run()


def _raise_file_limit() -> None:
    """Every connection and every segment is an open file; the usual soft limit of 1024 is for other programs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, 65_536), hard)
        )


def settings_help() -> str:
    """One line per setting that belongs to the broker itself."""
    return "\n".join(f"  {name}: {setting.meaning}" for name, setting in START_SETTINGS.items())
