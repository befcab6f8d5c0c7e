"""The transport that puts every request and every answer through its bytes on the way to another transport.

What the embedded broker spares, this one pays: it shows in-process that nothing depends on values passed by reference.
No socket and no decision lives here.
"""

from __future__ import annotations

from broker_core.protocol import framing
from streams.client.transport import Body, Transport, version_of


class LoopbackTransport:
    """Encodes and decodes every request and every answer on the way to another transport."""

    def __init__(self, inner: Transport, client_id: str = "loopback") -> None:
        self._inner = inner
        self._client_id = client_id
        self._in_flight: dict[int, tuple[int, int]] = {}
        self._correlation_id = 0

    def send(self, node_id: int | None, body: Body, max_version: int | None = None) -> int:
        version = version_of(body, max_version)
        self._correlation_id += 1
        request = framing.Request(
            api_key=body.API_KEY,
            api_version=version,
            correlation_id=self._correlation_id,
            client_id=self._client_id,
            body=body,
        )
        decoded = framing.decode_request(framing.encode_request(request))
        token = self._inner.send(node_id, decoded.body, version)
        self._in_flight[token] = (body.API_KEY, version)
        return token

    def poll(self, now_ms: int) -> list[tuple[int, Body | Exception]]:
        return [(token, self._through_bytes(token, answer)) for token, answer in self._inner.poll(now_ms)]

    def wait(self, timeout_ms: int) -> None:
        self._inner.wait(timeout_ms)

    def wake(self) -> None:
        self._inner.wake()

    def next_deadline(self) -> int | None:
        return self._inner.next_deadline()

    def close(self, now_ms: int) -> None:
        self._inner.close(now_ms)

    def _through_bytes(self, token: int, answer: Body | Exception) -> Body | Exception:
        api_key, version = self._in_flight.pop(token)
        if isinstance(answer, Exception):
            return answer
        payload = framing.encode_response(api_key, version, token & 0x7FFFFFFF, answer)
        _, body = framing.decode_response(api_key, version, payload)
        return body
