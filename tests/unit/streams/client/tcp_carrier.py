"""An embedded broker behind real sockets, in one thread: what stands for a server where a test turns every wheel."""

from __future__ import annotations

import selectors
import socket
import struct
from contextlib import suppress
from typing import Any

from broker_core.protocol.api import ApiKey
from broker_core.protocol.api_versions import ApiVersionsRequest
from broker_core.protocol.frames import FrameReader
from broker_core.protocol.framing import Request, UnsupportedRequestError, decode_request, encode_response
from streams.client.peers import Address
from streams.client.tcp import TcpTransport
from streams.client.transport import Answer, Body
from streams.runtime.embedded import EmbeddedBroker, EmbeddedTransport


class Served:
    """One accepted connection: answers leave in the order of the requests."""

    def __init__(self, sock: socket.socket, transport: EmbeddedTransport) -> None:
        self.sock, self.transport = sock, transport
        self.reader = FrameReader(bytearray(1 << 16), 1 << 28)
        self.order: list[tuple[int, Request]] = []
        self.answers: dict[int, Any] = {}
        self.output = b""


class TcpServer:
    """Serves ``embedded`` (set once its broker knows the port) on a free port, whenever ``pump`` is called."""

    embedded: EmbeddedBroker

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.address = Address(*self._listener.getsockname()[:2])
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.served: list[Served] = []
        self.asked: list[int] = []
        """API keys of all requests that came."""

    def pump(self, now_ms: int) -> bool:
        """Accept, read, handle, answer; True if any byte moved."""
        moved = False
        for found, _ in self._selector.select(0):
            moved = True
            if found.data is None:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                served = Served(sock, self.embedded.connect("tcp"))
                self.served.append(served)
                self._selector.register(sock, selectors.EVENT_READ, served)
            else:
                self._read(found.data)
        for served in list(self.served):
            moved = self._answer(served, now_ms) or moved
        return moved

    def hang_up(self) -> None:
        """Close every connection, as a broker that dies."""
        for served in list(self.served):
            self._drop(served)

    def close(self) -> None:
        self.hang_up()
        self._selector.close()
        self._listener.close()

    def _read(self, served: Served) -> None:
        size = 0
        with suppress(OSError):
            size = served.sock.recv_into(served.reader.buffer())
        if not size:
            self._drop(served)
            return
        for payload in served.reader.received(size):
            try:
                request = decode_request(payload)
            except UnsupportedRequestError as error:
                assert error.header.api_key == ApiKey.API_VERSIONS
                request = Request(
                    api_key=error.header.api_key, api_version=0, correlation_id=error.header.correlation_id,
                    body=ApiVersionsRequest(),
                )  # fmt: skip
            self.asked.append(request.api_key)
            served.order.append((served.transport.send(None, request.body, request.api_version), request))

    def _answer(self, served: Served, now_ms: int) -> bool:
        served.answers.update(served.transport.poll(now_ms))
        while served.order and served.order[0][0] in served.answers:
            token, request = served.order.pop(0)
            payload = encode_response(
                request.api_key, request.api_version, request.correlation_id, served.answers.pop(token)
            )
            served.output += struct.pack(">i", len(payload)) + payload
        if not served.output:
            return False
        try:
            sent = served.sock.send(served.output)
        except BlockingIOError:
            return False
        except OSError:
            self._drop(served)
            return True
        served.output = served.output[sent:]
        return True

    def _drop(self, served: Served) -> None:
        if served in self.served:
            self.served.remove(served)
            self._selector.unregister(served.sock)
            served.sock.close()


class TcpCarrier:
    """A ``TcpTransport`` whose server takes its turn with every ``poll``, until no byte moves any more."""

    def __init__(self, server: TcpServer, transport: TcpTransport) -> None:
        self.server, self.inner = server, transport

    def send(self, node_id: int | None, body: Body, max_version: int | None = None) -> int:
        return self.inner.send(node_id, body, max_version)

    def poll(self, now_ms: int) -> list[Answer]:
        answers = self.inner.poll(now_ms)
        while self.server.pump(now_ms):
            answers += self.inner.poll(now_ms)
        answers += self.inner.poll(now_ms)
        return answers

    def wait(self, timeout_ms: int) -> None:
        self.server.embedded.wait(0)

    def next_deadline(self) -> int | None:
        deadlines = (self.inner.next_deadline(), self.server.embedded.broker.next_deadline())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def close(self, now_ms: int) -> None:
        self.inner.close(now_ms)
