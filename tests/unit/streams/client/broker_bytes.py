"""The other side of a connection, in bytes: requests read back, answers planted."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from broker_core.protocol.api import API
from broker_core.protocol.api_versions import ApiVersion, ApiVersionsResponse
from broker_core.protocol.framing import Request, decode_request, encode_response
from broker_core.protocol.schema import Message
from streams.client.connection import Connection, ConnectionState


def frame(payload: bytes) -> bytes:
    return struct.pack(">i", len(payload)) + payload


def requests_in(output: list[bytes]) -> list[Request]:
    stream, found = b"".join(output), []
    while stream:
        (size,) = struct.unpack_from(">i", stream)
        found.append(decode_request(stream[4 : 4 + size]))
        stream = stream[4 + size :]
    return found


def receive(connection: Connection, data: bytes, now_ms: int) -> None:
    """Bytes come, in as many pieces as there is room for."""
    while data and connection.state is not ConnectionState.CLOSED:
        buffer = connection.reader.buffer()
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        connection.received(size, now_ms)


def answer_to(request: Request, body: Message, version: int | None = None) -> bytes:
    spoken = request.api_version if version is None else version
    return frame(encode_response(request.api_key, spoken, request.correlation_id, body))


def versions(changes: Mapping[int, tuple[int, int]] | None = None) -> ApiVersionsResponse:
    """Everything that this library speaks, but for ``changes``."""
    ranges = {key: (spec.min_version, spec.max_version) for key, spec in API.items()} | dict(changes or {})
    return ApiVersionsResponse(
        api_keys=tuple(
            ApiVersion(api_key=key, min_version=low, max_version=high) for key, (low, high) in ranges.items()
        )
    )


def negotiate(connection: Connection, changes: Mapping[int, tuple[int, int]] | None = None, now_ms: int = 0) -> None:
    """Bring a new connection to where requests leave at once."""
    connection.opened(now_ms)
    (request,) = requests_in(connection.take_output())
    receive(connection, answer_to(request, versions(changes)), now_ms)
