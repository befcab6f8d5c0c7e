"""Requests and responses as payloads: a header and a body, without the four length bytes of the stream.

Owns headers and correlation ids (https://kafka.apache.org/protocol#protocol_messages). Request header v1, or v2 for
a flexible body; response header v0, or v1 for a flexible body, except that ApiVersions always answers with v0, so
that a client can read the answer before it knows what the broker speaks. ``client_id`` keeps its int16 length in
header v2. Splitting a byte stream into payloads is the transport's and the server's business.
"""

from __future__ import annotations

import struct
from typing import Final

from broker_core.errors import ProtocolError
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.hot import decode_request_body, encode_response_body
from broker_core.protocol.primitives import (
    INT32,
    read_nullable_string,
    skip_tagged_fields,
    write_nullable_string,
)
from broker_core.protocol.schema import Message, Put, Struct, decode, encode_to

_REQUEST: Final = struct.Struct(">hhi")


class RequestHeader(Struct, frozen=True, kw_only=True):
    """What every request says before its body."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One request. ``correlation_id`` comes back in its response; ``client_id`` is for logs and quotas."""

    api_key: int
    api_version: int
    correlation_id: int = 0
    client_id: str | None = None
    body: Message


class UnsupportedRequestError(ProtocolError):
    """An API key or version that is not spoken here. ``header`` has what an error answer needs."""

    def __init__(self, header: RequestHeader) -> None:
        super().__init__(f"API key {header.api_key} version {header.api_version} is not spoken here")
        self.header = header


def encode_request(request: Request) -> bytes:
    """The payload of ``request``. Raises ``ProtocolError`` when the body does not fit the version."""
    body = request.body
    pieces = [_REQUEST.pack(request.api_key, request.api_version, request.correlation_id)]
    write_nullable_string(pieces.append, request.client_id)
    if request.api_version >= body.FLEXIBLE_FROM:
        pieces.append(b"\0")
    encode_to(pieces.append, body, request.api_version)
    return b"".join(pieces)


def read_request_header(payload: bytes) -> tuple[RequestHeader, int]:
    """The header up to ``client_id``, and the position after it (a flexible request's tags come next)."""
    if len(payload) < _REQUEST.size:
        raise ProtocolError(f"request of {len(payload)} bytes has no header")
    api_key, api_version, correlation_id = _REQUEST.unpack_from(payload)
    client_id, position = read_nullable_string(payload, _REQUEST.size)
    header = RequestHeader(api_key=api_key, api_version=api_version, correlation_id=correlation_id, client_id=client_id)
    return header, position


def decode_request(payload: bytes) -> Request:
    """The twin of ``encode_request``.

    Raises ``UnsupportedRequestError`` for a key or version that is not spoken (answer it with error 35, ApiVersions
    in the v0 layout), ``ProtocolError`` for bytes that are no request (close the connection). Bytes behind the body
    are ignored, as Kafka does: librdkafka leaves three behind a Metadata request for all topics (librdkafka #5049).
    """
    header, position = read_request_header(payload)
    spec = API.get(header.api_key)
    if spec is None or not spec.request.MIN_VERSION <= header.api_version <= spec.request.MAX_VERSION:
        raise UnsupportedRequestError(header)
    if header.api_version >= spec.request.FLEXIBLE_FROM:
        position = skip_tagged_fields(payload, position)
    return Request(
        api_key=header.api_key,
        api_version=header.api_version,
        correlation_id=header.correlation_id,
        client_id=header.client_id,
        body=decode_request_body(spec.request, header.api_version, payload, position)[0],
    )


def _has_response_tags(api_key: int, api_version: int, flexible_from: int) -> bool:
    return api_version >= flexible_from and api_key != ApiKey.API_VERSIONS


def encode_response_to(put: Put, api_key: int, api_version: int, correlation_id: int, body: Message) -> None:
    """Hand the payload to ``put`` in pieces, record data by reference. Raises as ``encode_response``."""
    put(INT32.pack(correlation_id))
    if _has_response_tags(api_key, api_version, body.FLEXIBLE_FROM):
        put(b"\0")
    encode_response_body(put, body, api_version)


def encode_response(api_key: int, api_version: int, correlation_id: int, body: Message) -> bytes:
    """The payload of a response. Raises ``ProtocolError`` when the body does not fit the version."""
    pieces: list[bytes] = []
    encode_response_to(pieces.append, api_key, api_version, correlation_id, body)
    return b"".join(pieces)


def decode_response(api_key: int, api_version: int, payload: bytes) -> tuple[int, Message]:
    """``(correlation id, body)`` of the answer to a request of ``api_key`` at ``api_version``.

    Raises ``ProtocolError`` for a key or version that is not spoken and for bytes that are no such response.
    """
    spec = API.get(api_key)
    if spec is None:
        raise ProtocolError(f"API key {api_key} is not spoken here")
    if len(payload) < 4:
        raise ProtocolError(f"response of {len(payload)} bytes has no header")
    (correlation_id,) = INT32.unpack_from(payload)
    position = 4
    if _has_response_tags(api_key, api_version, spec.response.FLEXIBLE_FROM):
        position = skip_tagged_fields(payload, position)
    return correlation_id, decode(spec.response, api_version, payload, position)
