"""Which connection a request takes: brokers by node id, their connections, reconnecting. A machine without sockets.

Requests go in by ``send``; ``advance`` routes them. What a shell has to do comes out (connections to make and to close,
bytes to be written), what happened goes in (``opened``, ``received``, ``lost``). One connection carries everything but
what a broker parks: each Fetch, JoinGroup and SyncGroup has a connection for itself while it is under way, so that it
holds nothing else back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from broker_core.protocol.api import ApiKey
from streams.client.calls import Backoff
from streams.client.connection import HUNG_UP, Connection, ConnectionState
from streams.client.errors import ConnectionLost
from streams.client.peers import Address, Peer, Peers
from streams.client.settings import ConnectionSettings
from streams.client.transport import Answer, Body
from streams.ports import Random

READ_BYTES: Final = 256 * 1024
"""What is taken from a socket at once."""
PARKED_KEYS: Final[frozenset[int]] = frozenset({ApiKey.FETCH, 11, 14})
"""Fetch, JoinGroup, SyncGroup: a broker may hold their answers back for long."""


class Request(NamedTuple):
    """A request that has no connection yet."""

    token: int
    node_id: int | None
    body: Body
    max_version: int | None


class Link:
    """One connection to a peer, and what it is for."""

    __slots__ = ("connection", "idle_since_ms", "is_counted", "is_for_parked", "key", "peer")

    def __init__(self, key: int, peer: Peer, connection: Connection, *, is_for_parked: bool, now_ms: int) -> None:
        self.key, self.peer, self.connection, self.is_for_parked = key, peer, connection, is_for_parked
        self.idle_since_ms = now_ms
        self.is_counted = False
        """Whether the peer knows that this connection works."""


class Network:
    """All connections of one client.

    Arguments:
        bootstrap: where to begin, and where to go when no known broker can be reached.
        random: jitter of reconnecting.
    """

    def __init__(
        self, bootstrap: Sequence[Address], *, client_id: str, random: Random, settings: ConnectionSettings
    ) -> None:
        self._client_id, self._settings = client_id, settings
        self.peers = Peers(
            bootstrap, lambda: Backoff(settings.reconnect_backoff_ms, settings.reconnect_backoff_max_ms, random)
        )
        self._shared = bytearray(READ_BYTES)
        self._links: dict[int, Link] = {}
        self._requests: list[Request] = []
        self._answers: list[Answer] = []
        self._openings: list[tuple[int, Address]] = []
        self._closings: list[int] = []
        self._last_key = 0
        self.has_been_ready = False
        """Whether some broker has said what it speaks."""

    def send(self, token: int, node_id: int | None, body: Body, max_version: int | None) -> None:
        """Take a request; the next ``advance`` gives it a connection. Its answer carries ``token``."""
        self._requests.append(Request(token, node_id, body, max_version))

    def advance(self, now_ms: int) -> None:
        """Route what was sent, give up what is overdue or idle."""
        requests, self._requests = self._requests, []
        for request in requests:
            self._route(request, now_ms)
        for link in list(self._links.values()):
            link.connection.tick(now_ms)
            self._settle(link, now_ms)
            if not link.connection.load and now_ms - link.idle_since_ms >= self._settings.idle_ms:
                self._drop(link)

    def connect(self, now_ms: int) -> bool:
        """Ask for connections to the bootstrap addresses; False once each has failed."""
        peers = self.peers.bootstrap
        for peer in peers:
            if not peer.links and peer.error is None:
                self._open(peer, now_ms, is_for_parked=False)
        return any(peer.error is None for peer in peers)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What stands between us and the bootstrap addresses, one by one."""
        return tuple(str(peer.error) if peer.error else _not_yet(peer) for peer in self.peers.bootstrap)

    def opened(self, key: int, now_ms: int) -> None:
        """The socket is connected."""
        if (link := self._links.get(key)) is not None:
            link.connection.opened(now_ms)

    def buffer(self, key: int) -> memoryview | None:
        """Where to receive into; None for a connection that was given up in this very round."""
        link = self._links.get(key)
        return None if link is None else link.connection.reader.buffer()

    def received(self, key: int, size: int, now_ms: int) -> None:
        """So many bytes came into ``buffer``."""
        link = self._links[key]
        link.connection.received(size, now_ms)
        self._settle(link, now_ms)

    def lost(self, key: int, reason: str | None, now_ms: int) -> None:
        """The socket failed, or the other side closed it (no reason)."""
        link = self._links.get(key)
        if link is None:
            return
        connection = link.connection
        if connection.state is ConnectionState.READY and not connection.load:
            self._drop(link)  # brokers hang up on idle clients; nobody need know
        else:
            connection.lost(reason or HUNG_UP)
            self._settle(link, now_ms)

    def take_changes(self) -> tuple[list[tuple[int, Address]], list[int]]:
        """Connections that the shell is to make, and those that it is to close."""
        changes = self._openings, self._closings
        self._openings, self._closings = [], []
        return changes

    def take_output(self) -> list[tuple[int, list[bytes]]]:
        """What is to be written, by connection."""
        found = ((link.key, link.connection.take_output()) for link in self._links.values())
        return [(key, pieces) for key, pieces in found if pieces]

    def take_answers(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        return answers

    @property
    def has_news(self) -> bool:
        """Whether a call of ``advance`` or ``take_answers`` has something to do at once."""
        return bool(self._requests or self._answers)

    @property
    def next_deadline(self) -> int | None:
        """When ``advance`` has to be called at the latest."""
        deadlines = [link.connection.next_deadline() for link in self._links.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def close(self) -> None:
        """Give every connection up."""
        for link in list(self._links.values()):
            link.connection.close(ConnectionLost("the client is closed"))
            self._drop(link)

    def _route(self, request: Request, now_ms: int) -> None:
        peer = self.peers.any(now_ms) if request.node_id is None else self.peers.node(request.node_id)
        if peer is None:
            self._answers.append((request.token, ConnectionLost(f"no broker with id {request.node_id} is known")))
            return
        parked = request.body.API_KEY in PARKED_KEYS
        link = _free_link(peer, parked, self._settings.parking_connections)
        if link is None and now_ms < peer.retry_ms:
            assert peer.error is not None
            self._answers.append((request.token, peer.error))
            return
        if link is None:
            link = self._open(peer, now_ms, is_for_parked=parked)
        link.connection.send(request.token, request.body, request.max_version, now_ms)
        self._settle(link, now_ms)

    def _open(self, peer: Peer, now_ms: int, *, is_for_parked: bool) -> Link:
        self._last_key += 1
        connection = Connection(
            peer=self.peers.name(peer),
            client_id=self._client_id,
            settings=self._settings,
            now_ms=now_ms,
            shared=self._shared,
        )
        link = Link(self._last_key, peer, connection, is_for_parked=is_for_parked, now_ms=now_ms)
        peer.links.append(link)
        self._links[link.key] = link
        self._openings.append((link.key, peer.address))
        return link

    def _settle(self, link: Link, now_ms: int) -> None:
        """Take what a connection's last step brought."""
        connection, peer = link.connection, link.peer
        for token, answer in connection.take_answers():
            link.idle_since_ms = now_ms
            self._answers.append((token, answer))
            if not isinstance(answer, Exception):
                self.peers.learn(answer)
        if connection.state is ConnectionState.READY and not link.is_counted:
            link.is_counted = self.has_been_ready = True
            self.peers.reached(peer)
        elif connection.state is ConnectionState.CLOSED:
            assert connection.error is not None
            self._drop(link)
            if not peer.is_ready:  # else it is this one connection that broke
                self.peers.failed(peer, connection.error, now_ms)

    def _drop(self, link: Link) -> None:
        if self._links.pop(link.key, None) is not None:
            link.peer.links.remove(link)
            self._closings.append(link.key)


def _free_link(peer: Peer, is_for_parked: bool, most_parked: int) -> Link | None:
    """A connection that may take one more request of the kind; None if one is to be made."""
    links = [link for link in peer.links if link.is_for_parked == is_for_parked]
    if not links:
        return None
    link = min(links, key=lambda link: link.connection.load)
    is_free = not is_for_parked or not link.connection.load
    return link if is_free or len(links) >= most_parked else None


def _not_yet(peer: Peer) -> str:
    if any(link.connection.state is ConnectionState.NEGOTIATING for link in peer.links):
        return (
            f"broker {peer.address}: it takes connections and says nothing; is it a Kafka broker, without TLS and "
            "SASL, and not a web server?"
        )
    return f"broker {peer.address}: no connection yet; is the address right, and reachable?"
