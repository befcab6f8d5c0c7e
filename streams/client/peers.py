"""The brokers that are known: by address, by node id, where to begin, and whom to ask when anyone will do.

Learns from answers that pass by (Metadata, FindCoordinator). Connections themselves are ``network``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from broker_core.protocol.find_coordinator import FindCoordinatorResponse
from broker_core.protocol.metadata import MetadataResponse
from streams.client.calls import Backoff, Backoffs
from streams.client.connection import ConnectionState
from streams.client.transport import Body
from streams.errors import ClientError

if TYPE_CHECKING:
    from streams.client.network import Link


class Address(NamedTuple):
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Peer:
    """One broker's address, its connections, and when it may be tried again."""

    __slots__ = ("address", "backoff", "error", "has_been_ready", "links", "retry_ms")

    def __init__(self, address: Address, backoff: Backoff) -> None:
        self.address, self.backoff = address, backoff
        self.links: list[Link] = []
        self.retry_ms = 0
        self.error: ClientError | None = None
        """Why the last connection was given up; None once one works."""
        self.has_been_ready = False

    @property
    def is_ready(self) -> bool:
        return any(link.connection.state is ConnectionState.READY for link in self.links)

    @property
    def load(self) -> int:
        return sum(link.connection.load for link in self.links if not link.is_for_parked)


class Peers:
    """All brokers that are known.

    Arguments:
        bootstrap: where to begin, and where to go when no known broker can be reached.
        backoff: makes the waits between attempts at one address.
    """

    def __init__(self, bootstrap: Sequence[Address], backoff: Backoffs) -> None:
        assert bootstrap, "no address to begin with"
        self._bootstrap, self._backoff = tuple(bootstrap), backoff
        self._by_address: dict[Address, Peer] = {}
        self._nodes: dict[int, Address] = {}
        self.events: list[tuple[str, dict[str, str]]] = []
        """What an observer is to hear; whoever tells it takes them out."""

    @property
    def bootstrap(self) -> list[Peer]:
        return [self._peer(address) for address in self._bootstrap]

    def node(self, node_id: int) -> Peer | None:
        """The broker of an id; None if no answer named it."""
        address = self._nodes.get(node_id)
        return None if address is None else self._peer(address)

    def any(self, now_ms: int) -> Peer:
        """A broker that answers now rather than later; where no known one can be reached, a bootstrap address."""
        known = [self._peer(address) for address in dict.fromkeys((*self._nodes.values(), *self._bootstrap))]
        return min(known, key=lambda peer: (not peer.is_ready, max(0, peer.retry_ms - now_ms), peer.load))

    def name(self, peer: Peer) -> str:
        """What messages call a broker: an address that the user never gave needs a word."""
        return str(peer.address) if peer.address in self._bootstrap else f"{peer.address} (as it advertises itself)"

    def reached(self, peer: Peer) -> None:
        """A connection works."""
        if peer.error is not None and peer.has_been_ready:
            self.events.append(("broker.reached", {"broker": str(peer.address)}))
        peer.error, peer.retry_ms, peer.has_been_ready = None, 0, True
        peer.backoff.reset()

    def failed(self, peer: Peer, error: ClientError, now_ms: int) -> None:
        """A connection was given up, or none came about."""
        if peer.error is None and peer.has_been_ready:
            self.events.append(("broker.lost", {"broker": str(peer.address), "reason": str(error)}))
        peer.error, peer.retry_ms = error, now_ms + peer.backoff.next_ms()

    def learn(self, answer: Body) -> None:
        """Take note of the addresses in an answer. Metadata lists all brokers that are alive."""
        if isinstance(answer, MetadataResponse) and answer.brokers:
            self._nodes = {broker.node_id: Address(broker.host, broker.port) for broker in answer.brokers}
        elif isinstance(answer, FindCoordinatorResponse):
            for found in answer.coordinators:
                if not found.error_code:
                    self._nodes[found.node_id] = Address(found.host, found.port)

    def _peer(self, address: Address) -> Peer:
        peer = self._by_address.get(address)
        if peer is None:
            peer = self._by_address[address] = Peer(address, self._backoff())
        return peer
