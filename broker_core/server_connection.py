"""One client's socket: frames in, answers out, one request at a time. A shell, on the server's event loop.

Requests are carried out in the order they came, each after the answer to the one before has been handed to the socket:
what is parked holds back what is behind it, and who does not read gets nothing more to read. Nothing of a request is
decided here.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
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
        self._backlog: deque[bytes] = deque()
        self._outgoing = Outgoing()
        self._backlog_bytes = 0
        self._in_work: Request | None = None
        self._in_work_bytes = 0
        self._answer_version = 0
        self._ticket: int | None = None
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
        self._backlog.extend(payloads)
        self._backlog_bytes += sum(map(len, payloads))
        self._work()

    def resume_writing(self) -> None:
        self._unsent_bytes = 0
        self.active_s = self._server.time_s()
        self._work()

    def connection_lost(self, error: Exception | None) -> None:
        if self._ticket is not None:
            self._server.abandon(self._ticket)
            self._ticket = None
        self._backlog.clear()
        self._backlog_bytes = self._in_work_bytes = self._unsent_bytes = 0
        self._in_work = None
        self._outgoing.clear()
        self._transport = None
        self._server.account(-self.held_bytes)
        self.held_bytes = 0
        self._server.disconnected(self)

    # -- the broker's side

    def answer(self, token: int, body: Any) -> None:
        """The answer to the request in work; the connection may be gone meanwhile."""
        request = self._in_work
        if request is None or self._transport is None:
            return
        self._in_work, self._ticket, self._in_work_bytes = None, None, 0
        if isinstance(body, NoReply):
            if body.failed:
                self._give_up(ProtocolError("a request with acks=0 was refused, and closing is the only answer to it"))
        else:
            try:
                self._outgoing.add(_frame(request, self._answer_version, body))
            except ProtocolError as error:  # an answer that its version cannot say: our fault, and seen by tests
                self._server.observer.event("request.unanswerable", api_key=request.api_key, reason=str(error))
                self._give_up(error)
        self._work()

    # -- the server's side

    @property
    def has_work(self) -> bool:
        """Whether a request of it is with the broker."""
        return self._in_work is not None

    def update_reading(self) -> None:
        """Read on, or let the client wait: after the server's or this connection's load has changed."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        mid_frame = not self._reader.is_between_frames
        wanted = not self._backlog and not self._server.is_stopping and (mid_frame or not self._server.is_saturated)
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
        while self._backlog and self._in_work is None and self._may_begin():
            payload = self._backlog.popleft()
            self._backlog_bytes -= len(payload)
            self._in_work_bytes = len(payload)
            self._begin(payload)
        self._is_working = False
        self._flush()
        self._count()
        self.update_reading()

    def _flush(self) -> None:
        """Send the answers that are ready: those of pipelined requests in one go."""
        transport = self._transport
        if self._outgoing and transport is not None:
            self._outgoing.send(transport)
            self.active_s = self._server.time_s()

    def _may_begin(self) -> bool:
        transport = self._transport
        if self._outgoing.waiting_bytes > WRITE_HIGH_BYTES:
            self._flush()
        return (
            transport is not None
            and not transport.is_closing()
            and not self._server.is_stopping
            and self._outgoing.waiting_bytes + transport.get_write_buffer_size() <= WRITE_HIGH_BYTES
        )

    def _begin(self, payload: bytes) -> None:
        try:
            request, self._answer_version = _decode(payload)
            self._in_work = request
            ticket = self._server.handle(self, self._connection, request)
            if ticket is not None:
                self._ticket = ticket
        except ProtocolError as error:
            self._give_up(error)
        except Exception as error:  # a fault of ours must not take the other connections along
            self._server.failed(self._connection, payload, error)
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Close: the one answer to what is no request."""
        self._server.observer.event(
            "connection.refused", client=self._connection.client_address, reason=str(error) or type(error).__name__
        )
        self._in_work = None
        self._backlog.clear()
        self._backlog_bytes = self._in_work_bytes = 0
        if self._transport is not None:
            self.close()

    def _count(self) -> None:
        """Tell the server what this connection holds now."""
        transport = self._transport
        if transport is None:
            return
        unsent = self._outgoing.waiting_bytes + transport.get_write_buffer_size()
        self._unsent_bytes = unsent
        held = self._backlog_bytes + self._in_work_bytes + self._reader.announced_bytes + unsent
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
