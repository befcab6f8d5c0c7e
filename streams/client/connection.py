"""One connection's protocol: requests to bytes, bytes to answers. A bytes machine; it knows no socket.

Owns framing, correlation ids, the versions that both sides speak (ApiVersions, with its fallback), and the order of
answers: a broker answers one connection's requests in their order. Which connection a request takes is ``network``'s.
"""

from __future__ import annotations

import struct
from collections import deque
from enum import Enum
from typing import Final, NamedTuple

from broker_core.errors import ErrorCode, ProtocolError
from broker_core.protocol import framing
from broker_core.protocol.api import ApiKey
from broker_core.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from broker_core.protocol.frames import FrameReader
from streams.client.errors import ConnectionLost, NotABroker
from streams.client.settings import SOFTWARE_NAME, SOFTWARE_VERSION, ConnectionSettings
from streams.client.transport import Answer, Body
from streams.errors import ClientError

LENGTH: Final = struct.Struct(">i")
_INT16: Final = struct.Struct(">h")


SHOWN_BYTES: Final = 16
"""Of what is no Kafka, in messages."""


class ConnectionState(Enum):
    """From the first byte on; requests wait for ``READY``."""

    OPENING = "opening"
    NEGOTIATING = "negotiating"
    READY = "ready"
    CLOSED = "closed"


class Waiting(NamedTuple):
    """A request that is to be sent once the versions are known."""

    token: int
    body: Body
    max_version: int | None


class InFlight(NamedTuple):
    """A request whose answer is due; ``token`` is None for the connection's own."""

    token: int | None
    api_key: int
    version: int
    correlation_id: int
    patience_ms: int


class Connection:
    """The machine of one connection.

    Every request is answered exactly once: by a response, by a ``ClientError`` if the broker does not speak a version
    of it, or by ``ConnectionLost`` once the connection is closed.

    Arguments:
        peer: whom messages name: ``localhost:9092``.
        client_id: what the broker's logs call us.
        shared: memory to receive into that connections take turns with.
    """

    def __init__(
        self, *, peer: str, client_id: str, settings: ConnectionSettings, now_ms: int, shared: bytearray
    ) -> None:
        self.peer = peer
        self.state = ConnectionState.OPENING
        self.error: ClientError | None = None
        """Why it is closed."""
        self._client_id, self._settings = client_id, settings
        self._shared = shared
        self.reader = FrameReader(shared, settings.max_frame_bytes)
        """Says where to receive into; ``received`` is told how much came."""
        self._waiting: deque[Waiting] = deque()
        self._in_flight: deque[InFlight] = deque()
        self._output: list[bytes] = []
        self._answers: list[Answer] = []
        self._last_correlation_id = 0
        self._versions: dict[int, tuple[int, int]] = {}
        self._asked_versions_again = False
        self._head_since_ms = now_ms

    def opened(self, now_ms: int) -> None:
        """The other side accepted: ask what it speaks."""
        self.state = ConnectionState.NEGOTIATING
        self._ask_versions(ApiVersionsRequest.MAX_VERSION, now_ms)

    def send(self, token: int, body: Body, max_version: int | None, now_ms: int) -> None:
        """Take a request; its bytes are in ``take_output`` at once, or when the versions are known."""
        assert self.state is not ConnectionState.CLOSED
        if self.state is ConnectionState.READY:
            self._write(Waiting(token, body, max_version), now_ms)
        else:
            self._waiting.append(Waiting(token, body, max_version))

    def received(self, size: int, now_ms: int) -> None:
        """``size`` bytes of the broker's came into the reader's buffer. What no Kafka broker says closes it."""
        try:
            for payload in self.reader.received(size):
                if self.state is ConnectionState.CLOSED:
                    return
                self._take(payload, now_ms)
        except ProtocolError as error:
            if self.state is ConnectionState.NEGOTIATING:
                self.close(_no_broker(self.peer, bytes(self._shared[: min(size, SHOWN_BYTES)])))
            else:
                self.close(ConnectionLost(f"broker {self.peer}: what it sent makes no sense: {error}"))

    def tick(self, now_ms: int) -> None:
        """Give the connection up if what is due has not come."""
        deadline = self.next_deadline()
        if deadline is None or now_ms < deadline:
            return
        if self.state is ConnectionState.OPENING:
            reason = (
                f"no connection within {self._settings.connect_timeout_ms} ms; is the address right, and reachable?"
            )
        else:
            head = self._in_flight[0]
            reason = f"no answer to {ApiKey(head.api_key).name} within {head.patience_ms} ms"
        self.lost(reason)

    def lost(self, reason: str) -> None:
        """The connection is no more."""
        if self.state is ConnectionState.NEGOTIATING:
            reason += (
                ", before it said what it speaks: it is stopping, or it is no Kafka broker, or a listener with TLS or "
                "SASL, which this client does not speak"
            )
        self.close(ConnectionLost(f"broker {self.peer}: {reason}"))

    def close(self, error: ClientError) -> None:
        """Answer everything that is open with ``error``; a second call does nothing."""
        if self.state is ConnectionState.CLOSED:
            return
        self.state, self.error = ConnectionState.CLOSED, error
        self._output.clear()
        open_tokens = [sent.token for sent in self._in_flight if sent.token is not None]
        open_tokens += [waiting.token for waiting in self._waiting]
        self._answers += [(token, error) for token in open_tokens]
        self._in_flight.clear()
        self._waiting.clear()

    def take_output(self) -> list[bytes]:
        """Bytes to be written, in order."""
        output, self._output = self._output, []
        return output

    def take_answers(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        return answers

    def next_deadline(self) -> int | None:
        """When ``tick`` has something to say."""
        if self.state is ConnectionState.OPENING:
            return self._head_since_ms + self._settings.connect_timeout_ms
        return self._head_since_ms + self._in_flight[0].patience_ms if self._in_flight else None

    @property
    def load(self) -> int:
        """Requests without an answer."""
        return len(self._in_flight) + len(self._waiting)

    def _ask_versions(self, version: int, now_ms: int) -> None:
        body = ApiVersionsRequest(client_software_name=SOFTWARE_NAME, client_software_version=SOFTWARE_VERSION)
        self._put(None, body, version, now_ms)

    def _write(self, waiting: Waiting, now_ms: int) -> None:
        body = waiting.body
        lowest, highest = self._versions.get(body.API_KEY, (0, -1))
        version = min(body.MAX_VERSION, highest)
        if waiting.max_version is not None:
            version = min(version, waiting.max_version)
        if version < max(lowest, body.MIN_VERSION):
            self._answers.append((waiting.token, _unsupported(self.peer, waiting, lowest, highest)))
            return
        try:
            self._put(waiting.token, body, version, now_ms)
        except ProtocolError as error:
            what = f"{ApiKey(body.API_KEY).name} cannot be said to broker {self.peer} in its version {version}: {error}"
            self._answers.append((waiting.token, ClientError(ErrorCode.UNSUPPORTED_VERSION, what)))

    def _put(self, token: int | None, body: Body, version: int, now_ms: int) -> None:
        correlation_id = (self._last_correlation_id + 1) & 0x7FFF_FFFF
        request = framing.Request(
            api_key=body.API_KEY,
            api_version=version,
            correlation_id=correlation_id,
            client_id=self._client_id,
            body=body,
        )
        payload = framing.encode_request(request)
        self._last_correlation_id = correlation_id
        if not self._in_flight:
            self._head_since_ms = now_ms
        patience_ms = patience_of(body, self._settings.request_timeout_ms)
        self._in_flight.append(InFlight(token, body.API_KEY, version, correlation_id, patience_ms))
        self._output += (LENGTH.pack(len(payload)), payload)

    def _take(self, payload: bytes, now_ms: int) -> None:
        if not self._in_flight:
            raise ProtocolError("an answer to nothing that was asked")
        sent = self._in_flight[0]
        if len(payload) < LENGTH.size:
            raise ProtocolError(f"an answer of {len(payload)} bytes")
        (correlation_id,) = LENGTH.unpack_from(payload)
        if correlation_id != sent.correlation_id:
            raise ProtocolError(f"correlation id {correlation_id} where {sent.correlation_id} was due")
        if sent.token is None:
            self._take_versions(sent, payload, now_ms)
            return
        _, body = framing.decode_response(sent.api_key, sent.version, payload)
        self._pop(now_ms)
        self._answers.append((sent.token, body))

    def _pop(self, now_ms: int) -> None:
        self._in_flight.popleft()
        self._head_since_ms = now_ms

    def _take_versions(self, sent: InFlight, payload: bytes, now_ms: int) -> None:
        """KIP-511: a broker that does not speak the version answers in the layout of version 0, with its range."""
        refused = len(payload) >= 6 and _INT16.unpack_from(payload, 4)[0] == ErrorCode.UNSUPPORTED_VERSION
        _, body = framing.decode_response(sent.api_key, 0 if refused else sent.version, payload)
        assert isinstance(body, ApiVersionsResponse)
        ranges = {entry.api_key: (entry.min_version, entry.max_version) for entry in body.api_keys}
        self._pop(now_ms)
        if refused and not self._asked_versions_again:
            self._asked_versions_again = True
            _, highest = ranges.get(ApiKey.API_VERSIONS, (0, 0))
            self._ask_versions(max(0, min(highest, ApiVersionsRequest.MAX_VERSION)), now_ms)
            return
        if body.error_code:
            self.lost(f"it refused to say what it speaks, error {body.error_code}")
            return
        self._versions = ranges
        self.state = ConnectionState.READY
        waiting, self._waiting = self._waiting, deque()
        for request in waiting:
            self._write(request, now_ms)


HUNG_UP: Final = "the connection was closed by the other side"


def patience_of(body: Body, request_timeout_ms: int) -> int:
    """How long an answer may take: some requests tell the broker to wait themselves."""
    asked = getattr(body, "max_wait_ms", 0) or getattr(body, "rebalance_timeout_ms", 0)
    return request_timeout_ms + max(0, int(asked))


def _unsupported(peer: str, waiting: Waiting, lowest: int, highest: int) -> ClientError:
    body = waiting.body
    theirs = f"only versions {lowest} to {highest}" if highest >= 0 else "no version"
    newest = body.MAX_VERSION if waiting.max_version is None else waiting.max_version
    return ClientError(
        ErrorCode.UNSUPPORTED_VERSION,
        f"broker {peer} speaks {theirs} of {ApiKey(body.API_KEY).name}, this client {body.MIN_VERSION} to {newest}; "
        "Apache Kafka 3.0 and newer works",
    )


def _no_broker(peer: str, sent: bytes) -> NotABroker:
    """What seems to answer where the first bytes are no answer of a broker's."""
    if sent.startswith((b"HTTP", b"<")):
        what = "a web server answers there"
    elif sent.startswith((b"\x15\x03", b"\x16\x03")):
        what = "it speaks TLS, which this client does not"
    else:
        what = f"what answers there is no Kafka broker (it sent {sent!r})"
    return NotABroker(f"broker {peer}: {what}; give host:port of a Kafka listener without TLS and SASL")
