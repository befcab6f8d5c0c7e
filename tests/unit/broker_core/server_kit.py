"""A served broker in a thread of this process, on a free port and a disk in memory, and a client that speaks bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from broker_core.config import BrokerConfig
from broker_core.protocol.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from broker_core.protocol.framing import Request, decode_response, encode_request
from broker_core.server import BrokerServer, address_of, bind, wall_clock_ms
from tests.unit.broker_core.broker_kit import Kit

T = TypeVar("T")
PATIENCE_S = 20.0


class WireClient:
    """One connection. ``exchange`` for requests that are well formed, ``send_bytes`` for the others."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._correlation_id = 0
        self._asked: dict[int, tuple[int, int]] = {}

    def __enter__(self) -> WireClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def payload(self, body: Any, version: int | None = None) -> bytes:
        """The frame of a request."""
        self._correlation_id += 1
        number = body.MAX_VERSION if version is None else version
        self._asked[self._correlation_id] = (body.API_KEY, number)
        request = Request(
            api_key=body.API_KEY, api_version=number, correlation_id=self._correlation_id, client_id="test", body=body
        )
        payload = encode_request(request)
        return struct.pack(">i", len(payload)) + payload

    def send(self, body: Any, version: int | None = None) -> int:
        """Send without waiting; returns the correlation id."""
        self.send_bytes(self.payload(body, version))
        return self._correlation_id

    def receive_payload(self) -> bytes | None:
        """The next frame; None when the server has closed the connection."""
        head = self._receive(4)
        if head is None:
            return None
        payload = self._receive(struct.unpack(">i", head)[0])
        assert payload is not None
        return payload

    def receive(self) -> tuple[int, Any]:
        """The next answer: correlation id and body."""
        payload = self.receive_payload()
        assert payload is not None, "the server has closed the connection"
        return decode_response(*self._asked.pop(struct.unpack(">i", payload[:4])[0]), payload)

    def exchange(self, body: Any, version: int | None = None) -> Any:
        asked = self.send(body, version)
        correlation_id, answer = self.receive()
        assert correlation_id == asked
        return answer

    def is_closed(self) -> bool:
        """Waits until the server closes the connection, or sends something instead."""
        return self.receive_payload() is None

    def _receive(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return None
            if not piece:
                return None
            data += piece
        return data


class ServedBroker:
    """A context manager; ``kit`` is for looking inside, on the server's thread (``on_thread``)."""

    def __init__(self, config: BrokerConfig | None = None, filesystem: Any = None) -> None:
        given = config or BrokerConfig()
        self.listener = bind("127.0.0.1", 0)
        self.port = address_of(self.listener)[1]
        self.address = f"127.0.0.1:{self.port}"
        self.config = replace(given, advertised_host="127.0.0.1", advertised_port=self.port)
        more = {} if filesystem is None else {"filesystem": filesystem}
        self.kit = Kit(config=self.config, now_ms=wall_clock_ms(), **more)
        self.server: BrokerServer
        self.loop: asyncio.AbstractEventLoop
        self.failure: BaseException | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="served-broker")

    def __enter__(self) -> ServedBroker:
        self._thread.start()
        assert self._started.wait(PATIENCE_S)
        assert self.failure is None, self.failure
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.listener.close()

    def stop(self) -> None:
        """As SIGTERM does; returns when the server is through."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.server.request_stop)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def connect(self) -> WireClient:
        return WireClient(self.port)

    def on_thread(self, function: Callable[[], T]) -> T:
        """Call on the server's thread."""
        future: Future[T] = Future()

        def call() -> None:
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        self.loop.call_soon_threadsafe(call)
        return future.result(PATIENCE_S)

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until ``condition`` holds on the server's thread."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.on_thread(condition):
            assert time.monotonic() < deadline, "it does not come to that"

    def create(self, name: str, partitions: int = 1, **configs: str) -> None:
        settings = tuple(
            CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()
        )
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, configs=settings)
        with self.connect() as client:
            (result,) = client.exchange(CreateTopicsRequest(topics=(topic,))).topics
        assert result.error_code == 0, result

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.kit.open()
        self.server = BrokerServer(self.kit.broker, self.config.server, observer=self.kit.events)
        await self.server.listen(self.listener)
        self._started.set()
        await self.server.run()
