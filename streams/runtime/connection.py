"""A client with something behind it: the embedded log of a data directory, or a cluster. A small shell.

What carries requests is imported where it is opened: the broker's modules are a quarter of the imports, and no cluster
needs them; only a log that listens needs asyncio.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker_core.errors import ErrorCode, StorageError
from broker_core.protocol.compression import Codec
from streams.client.client import Client
from streams.client.settings import ClientSettings
from streams.client.transport import Transport
from streams.config import StreamsConfig
from streams.errors import ClientError, ConfigError, UnknownTopic
from streams.ports import Observer
from streams.runtime.notices import Notices

if TYPE_CHECKING:
    from streams.runtime.embedded import EmbeddedBroker
    from streams.runtime.listening import ListeningBroker


class Clock:
    """The wall clock, except that it never goes back; from any thread.

    Commits, back-offs and timeouts count in it. Where the machine's clock is set back by an hour, this one goes on from
    where it was, ahead by that hour, instead of everything standing still for as long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._ahead_ms = 0

    def __call__(self) -> int:
        """Epoch milliseconds."""
        with self._lock:
            now_ms = time.time_ns() // 1_000_000 + self._ahead_ms
            if now_ms < self._last_ms:
                self._ahead_ms += self._last_ms - now_ms
                now_ms = self._last_ms
            self._last_ms = now_ms
            return now_ms


clock_ms: Final = Clock()
"""The one place where an application reads the time."""


_SAYS_LITTLE: Final = (ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.CONCURRENT_TRANSACTIONS)
"""Most of Kafka's answers have room for a number only; of these the embedded log knows the reason."""


CONNECT_TIMEOUT_MS: Final = 10_000
"""For the first contact; later connections are made for as long as a request may take."""


def client_settings(config: StreamsConfig) -> ClientSettings:
    """An application's settings as its clients have them."""
    return ClientSettings(
        batch_bytes=config.batch_bytes,
        fetch_max_bytes=config.fetch_max_bytes,
        codec=Codec[config.compression_type.upper()],
        # A cluster's topics are made on purpose, and its partitions may move to a broker whose disk works.
        allow_auto_create=config.broker is None,
        storage_errors_are_final=config.broker is None,
    )


@contextmanager
def connect(config: StreamsConfig, observer: Observer | None = None, *, listen: str | None = None) -> Iterator[Client]:
    """A client for an application's settings; closed, and the embedded log with it, at the end of the block.

    Arguments:
        observer: hears what the embedded log has to tell, or that a broker of a cluster is lost and reached again.
        listen: serve the embedded log at this address meanwhile.

    Raises:
        ConfigError: no broker answers at any address of the cluster that is named; says why, address by address.
        DataDirectoryError: the embedded log is in use by another process, of a newer version, or not writable.
        StorageError: it holds what it should not, or could not be closed cleanly (nothing is lost: it recovers).
    """
    if config.broker is None:
        with _embedded(config, observer, listen) as client:
            yield client
        return
    if listen is not None:
        raise ConfigError(
            f"listen={listen!r} serves the log inside the application, and broker={config.broker!r} says that there is "
            "none: leave one of them out (STREAMS_LISTEN and STREAMS_BROKER count, too)"
        )
    with _cluster(config, config.broker, observer) as client:
        yield client


@contextmanager
def _cluster(config: StreamsConfig, broker: str, observer: Observer | None) -> Iterator[Client]:
    """A client over TCP. What goes wrong in the block says where."""
    from streams.client.tcp import TcpTransport, parse_addresses

    transport = TcpTransport(
        parse_addresses(broker),
        client_id=config.application_id,
        clock=clock_ms,
        random=random.SystemRandom(),
        observer=observer,
    )
    try:
        transport.connect(CONNECT_TIMEOUT_MS)
        yield _client(transport, config)
    except (ClientError, UnknownTopic) as error:
        if broker not in str(error):
            error.args = (f"broker {broker}: {error}", *error.args[1:])
        raise
    finally:
        transport.close(clock_ms())


@contextmanager
def _embedded(config: StreamsConfig, observer: Observer | None, listen: str | None) -> Iterator[Client]:
    from streams.runtime.embedded import broker_config, open_embedded

    notices = Notices(observer)
    place = str(Path(config.data_dir) / "log")
    settings = broker_config(config)
    log: EmbeddedBroker | ListeningBroker
    if listen is None:
        log = open_embedded(place, settings, clock_ms(), observer=notices)
    else:
        from streams.runtime.listening import open_listening

        log = open_listening(place, settings, listen, clock_ms, observer=notices)
        notices.event("log.listening", address=log.address)
    try:
        yield _client(log.connect(config.application_id), config)
    except BaseException as error:
        with suppress(StorageError):  # the failure under way says more; the next start recovers
            log.close(clock_ms())
        reason = notices.last_trouble
        if isinstance(error, ClientError) and error.code in _SAYS_LITTLE and reason and reason not in str(error):
            raise ClientError(error.code, f"{error}: {reason}") from error
        raise
    log.close(clock_ms())


def _client(transport: Transport, config: StreamsConfig) -> Client:
    settings = client_settings(config)
    return Client(transport, client_id=config.application_id, random=random.SystemRandom(), settings=settings)
