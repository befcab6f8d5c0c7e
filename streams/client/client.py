"""One connection's worth of client: owns the cores, hands their requests to a transport and answers back to them.

Pumping only; what is asked and what answers mean is the cores' business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from broker_core.ports import Random
from streams.client.admin import Admin
from streams.client.consumer import Consumer
from streams.client.pending import Pending
from streams.client.producer import Producer
from streams.client.settings import ClientSettings
from streams.client.transport import Transport
from streams.model import Isolation

T = TypeVar("T")


class Client:
    """Producers, consumers and an admin over one transport; used by one thread.

    Arguments:
        transport: carries the requests.
        client_id: what the broker's logs call us.
        random: jitter of back-offs.
        settings: of all cores.
    """

    admin: Admin

    def __init__(
        self, transport: Transport, *, client_id: str, random: Random, settings: ClientSettings | None = None
    ) -> None:
        self._transport = transport

    def producer(self, *, transactional_id: str | None = None, transaction_timeout_ms: int = 60_000) -> Producer:
        """A producer of its own: idempotent, and transactional with a ``transactional_id``."""
        raise NotImplementedError

    def consumer(self, *, isolation: Isolation = Isolation.READ_COMMITTED, offset_reset: str | None = None) -> Consumer:
        """A consumer of its own, nothing assigned.

        Arguments:
            isolation: what it may see.
            offset_reset: ``earliest`` or ``latest`` where a position is not in the log; None raises.
        """
        raise NotImplementedError

    def poll(self, now_ms: int) -> bool:
        """Send what is ready, take what came; True if anything moved. Never blocks."""
        raise NotImplementedError

    def wait(self, timeout_ms: int) -> None:
        """Block until ``poll`` may have something to do, at most ``timeout_ms``."""
        self._transport.wait(timeout_ms)

    def next_deadline(self) -> int | None:
        """When ``poll`` has work at the latest, in milliseconds."""
        raise NotImplementedError

    def complete(self, pending: Pending[T], clock: Callable[[], int], timeout_ms: int = 60_000) -> T:
        """Pump until ``pending`` is settled; for shells and tests. Raises its error, or ``TimeoutError``."""
        raise NotImplementedError

    def close(self, now_ms: int) -> None:
        """Give the transport up; whatever is open stays unsettled."""
        raise NotImplementedError
