"""A broker of ours behind a socket of this process, so that other people's clients can be let loose on it. Test code:
one lock, one thread per connection, syncs inline."""

from __future__ import annotations

import socketserver
import struct
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from broker_core.config import BrokerConfig
from broker_core.outcome import Connection, NoReply, Parked
from broker_core.protocol.api import ApiKey
from broker_core.protocol.api_versions import ApiVersionsRequest
from broker_core.protocol.framing import (
    Request,
    UnsupportedRequestError,
    decode_request,
    encode_response,
)
from tests.unit.broker_core.broker_kit import Kit


class TcpBroker:
    """A context manager; ``address`` is what clients bootstrap from, ``kit`` the broker for looking inside."""

    def __init__(self, config: BrokerConfig | None = None) -> None:
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    outer._serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        given = config or BrokerConfig()
        self.kit = Kit(config=replace(given, advertised_host="127.0.0.1", advertised_port=self.port), now_ms=_now_ms())
        self.lock = threading.Lock()

    def __enter__(self) -> TcpBroker:
        self.kit.open()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, connection: Any) -> None:
        while True:
            (length,) = struct.unpack(">i", _read(connection, 4))
            payload = self._answer(_read(connection, length))
            if payload is not None:
                connection.sendall(struct.pack(">i", len(payload)) + payload)

    def _answer(self, payload: bytes) -> bytes | None:
        try:
            request = decode_request(payload)
        except UnsupportedRequestError as error:
            if error.header.api_key != ApiKey.API_VERSIONS:
                raise OSError("not served") from error
            header = error.header
            request = Request(
                api_key=header.api_key, api_version=header.api_version, correlation_id=header.correlation_id,
                client_id=header.client_id, body=ApiVersionsRequest(),
            )  # fmt: skip
            with self.lock:
                outcome = self.kit.broker.handle(Connection(id=1), request, _now_ms())
            return encode_response(request.api_key, 0, request.correlation_id, outcome.body)  # type: ignore[union-attr]
        with self.lock:
            kit = self.kit
            kit.now_ms = _now_ms()
            outcome = kit.broker.handle(Connection(id=1), request, kit.now_ms)
            if isinstance(outcome, Parked):
                kit.parked[outcome.token] = (request.api_key, request.api_version)
        if isinstance(outcome, NoReply):
            return None
        body = self._wait(outcome.token) if isinstance(outcome, Parked) else outcome.body
        return encode_response(request.api_key, request.api_version, request.correlation_id, body)

    def _wait(self, token: int) -> Any:
        while True:
            with self.lock:
                self.kit.now_ms = _now_ms()
                self.kit.sync_all()
                self.kit.tick()
                if token in self.kit.answers:
                    return self.kit.answers.pop(token)
            time.sleep(0.001)


def _read(connection: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError("closed")
        data += piece
    return data


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
