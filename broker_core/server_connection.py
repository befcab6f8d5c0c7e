"""One client's socket: frames in, answers out, in order. A shell, on the server's event loop.

Requests are carried out in the order they came, each after the answer to the one before has been handed to the socket:
what is parked holds back what is behind it, and who does not read gets nothing more to read. Writes alone do not wait
for the writes before them, so that they share a sync. Nothing of a request is decided here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from broker_core.config import MAX_LIST_REQUEST_BYTES
from broker_core.errors import ProtocolError
from broker_core.outcome import Connection, NoReply
from broker_core.protocol.api import ApiKey
from broker_core.protocol.api_versions import ApiVersionsRequest
from broker_core.protocol.frames import FrameReader
from broker_core.protocol.framing import Request, UnsupportedRequestError, decode_request, encode_response_to
from broker_core.protocol.primitives import INT16, INT32
from broker_core.server_outgoing import Outgoing, put_together
from broker_core.server_requests import RequestQueue, Taken

if TYPE_CHECKING:
    from broker_core.server import BrokerServer

WRITE_HIGH_BYTES: Final = 256 * 1024
"""With more than this unsent, the next request waits; one answer may be larger, and is then sent bit by bit."""
LARGE_APIS: Final = frozenset({ApiKey.PRODUCE, ApiKey.SYNC_GROUP})
"""Requests that carry other people's bytes, and so are as long as ``socket.request.max.bytes`` says."""


class ServerConnection(asyncio.BufferedProtocol):
    """The server's side of one connection.

    Attributes:
        active_s: when bytes last moved, on the loop's clock.
        held_bytes: memory that is held for it: requests announced, read or in work, and answers not sent.
    """

    def __init__(self, server: BrokerServer) -> None:
        self._server = server
        self._reader = FrameReader(server.shared_buffer, server.limits.socket_request_max_bytes)
        self._transport: asyncio.Transport | None = None
        self._connection = Connection(id=0)
        self._requests = RequestQueue()
        self._outgoing = Outgoing()
        self._fault: Exception | None = None
        self._unsent_bytes = 0
        self._is_working = False
        self._is_reading = True
        self.held_bytes = 0
        self.active_s = 0.0

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        address = f"{peer[0]}:{peer[1]}" if peer else "unknown"
        self._connection = Connection(id=self._server.next_connection_id(), client_address=address)
        if not self._server.connected(self):
            self._transport.abort()
            return
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._transport.set_write_buffer_limits(high=0)  # as ``Outgoing`` wants it
        self.active_s = self._server.time_s()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._reader.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        self.active_s = self._server.time_s()
        try:
            payloads = self._reader.received(nbytes)
        except ProtocolError as error:
            self._give_up(error)
            return
        self._requests.add(payloads)
        self._work()

    def resume_writing(self) -> None:
        self._unsent_bytes = 0
        self.active_s = self._server.time_s()
        self._work()

    def connection_lost(self, error: Exception | None) -> None:
        for ticket in self._requests.drop():
            self._server.abandon(ticket)
        self._unsent_bytes = 0
        self._outgoing.clear()
        self._transport = None
        self._server.account(-self.held_bytes)
        self.held_bytes = 0
        self._server.disconnected(self)

    # -- the broker's side

    def answer(self, token: int, body: Any) -> None:
        """The answer to a request in work; the connection may be gone meanwhile."""
        for taken in self._requests.answer(token, body):
            if self._fault is None or not self._is_closing:
                self._put(taken)
        self._work()

    # -- the server's side

    @property
    def has_work(self) -> bool:
        """Whether a request of it is with the broker."""
        return self._requests.has_work

    @property
    def _is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def update_reading(self) -> None:
        """Read on, or let the client wait: after the server's or this connection's load has changed."""
        transport = self._transport
        if transport is None or self._is_closing:
            return
        mid_frame = not self._reader.is_between_frames
        wanted = (
            not self._requests.has_waiting
            and not self._server.is_stopping
            and (mid_frame or not self._server.is_saturated)
        )
        if wanted != self._is_reading:
            self._is_reading = wanted
            if wanted:
                transport.resume_reading()
            else:
                transport.pause_reading()

    def progressed(self) -> None:
        """Note how much is unsent; less than before is a sign of life."""
        unsent_bytes = self._unsent_bytes
        self._count()
        if self._unsent_bytes < unsent_bytes:
            self.active_s = self._server.time_s()

    def close(self, *, at_once: bool = False) -> None:
        """Send what is to be sent and close, or give everything up at once."""
        if self._transport is not None:
            if at_once:
                self._transport.abort()
            else:
                self._outgoing.send(self._transport, everything=True)
                self._transport.close()

    # -- inside

    def _work(self) -> None:
        """Carry out what came, as far as it does not have to wait."""
        if self._is_working:
            return
        self._is_working = True
        while self._requests.may_begin():
            if self._outgoing.waiting_bytes > WRITE_HIGH_BYTES:
                self._flush()
            if not self._has_room:
                break
            self._begin(self._requests.next())
        self._is_working = False
        if self._fault is not None and not self._requests.has_work and not self._is_closing:
            self._give_up(self._fault)
        self._flush()
        self._count()
        self.update_reading()

    def _flush(self) -> None:
        """Send the answers that are ready: those of pipelined requests in one go."""
        transport = self._transport
        if self._outgoing and transport is not None:
            self._outgoing.send(transport)
            self.active_s = self._server.time_s()

    @property
    def _has_room(self) -> bool:
        """Whether there is anybody to take an answer, and room for it."""
        transport = self._transport
        return (
            transport is not None
            and self._fault is None
            and not transport.is_closing()
            and not self._server.is_stopping
            and self._outgoing.waiting_bytes + transport.get_write_buffer_size() <= WRITE_HIGH_BYTES
        )

    def _begin(self, payload: bytes) -> None:
        token = None
        try:
            request, version = _decode(payload)
            token = self._requests.begin(request, version, len(payload))
            self._requests.park(token, self._server.handle(self, self._connection, request, token))
        except Exception as error:
            if not isinstance(error, ProtocolError):  # a fault of ours must not take the other connections along
                self._server.failed(self._connection, payload, error)
            self._fault = error
            if token is not None:
                self._requests.fail(token)

    def _put(self, taken: Taken) -> None:
        """Take the answer of the oldest request along to what is sent next."""
        request, body = taken.request, taken.body
        if isinstance(body, NoReply):
            if body.failed:
                self._give_up(ProtocolError("a request with acks=0 was refused, and closing is the only answer to it"))
            return
        try:
            self._outgoing.add(_frame(request, taken.version, body))
        except ProtocolError as error:  # an answer that its version cannot say: our fault, and seen by tests
            self._server.observer.event("request.unanswerable", api_key=request.api_key, reason=str(error))
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Close: the one answer to what is no request."""
        self._server.observer.event(
            "connection.refused", client=self._connection.client_address, reason=str(error) or type(error).__name__
        )
        self._fault = error
        for ticket in self._requests.drop():
            self._server.abandon(ticket)
        self.close()

    def _count(self) -> None:
        """Tell the server what this connection holds now."""
        transport = self._transport
        if transport is None:
            return
        unsent = self._outgoing.waiting_bytes + transport.get_write_buffer_size()
        self._unsent_bytes = unsent
        requests = self._requests
        held = requests.waiting_bytes + requests.in_work_bytes + self._reader.announced_bytes + unsent
        if held != self.held_bytes:
            difference, self.held_bytes = held - self.held_bytes, held
            self._server.account(difference)


def _decode(payload: bytes) -> tuple[Request, int]:
    """A request, and the version in which it is to be answered.

    Raises:
        ProtocolError: it is none, none that is spoken here, or one that would take too much room and time.
    """
    if len(payload) > MAX_LIST_REQUEST_BYTES and INT16.unpack_from(payload)[0] not in LARGE_APIS:
        raise ProtocolError(
            f"a request of {len(payload)} bytes that carries no records; at most {MAX_LIST_REQUEST_BYTES} are taken"
        )
    try:
        request = decode_request(payload)
    except UnsupportedRequestError as error:
        header = error.header
        if header.api_key != ApiKey.API_VERSIONS:
            raise
        # The broker refuses this one, in version 0, which every client can read (KIP-511).
        request = Request(
            api_key=header.api_key, api_version=header.api_version, correlation_id=header.correlation_id,
            client_id=header.client_id, body=ApiVersionsRequest(),
        )  # fmt: skip
        return request, 0
    return request, request.api_version


def _frame(request: Request, version: int, body: Any) -> Sequence[bytes]:
    """The bytes of an answer, in pieces; raises ``ProtocolError`` when ``version`` cannot say it."""
    pieces: list[bytes] = [b""]
    encode_response_to(pieces.append, request.api_key, version, request.correlation_id, body)
    pieces[0] = INT32.pack(sum(map(len, pieces)))
    return put_together(pieces)
