"""Where request values go and answers come from; the loopback that puts every one of them through its bytes.

The contract between the sans-IO cores and whatever carries their requests. The transport onto an embedded broker
is ``streams.runtime.embedded``; one over TCP belongs here. No decision about a request's meaning is made below this line.
"""

from __future__ import annotations

from typing import Any, Protocol

from broker_core.protocol import framing

Body = Any
"""A request or response class of ``broker_core.protocol``."""


class Transport(Protocol):
    """Carries requests to brokers. Every token is answered exactly once: by a response body or an exception.

    A lost connection and a request that took too long come back as ``ConnectionLost``. Requests to one node are
    carried out in the order they were sent, answers may come in any order across nodes, and a parked
    Fetch holds no other request back (over TCP: connections of its own).
    """

    def send(self, node_id: int | None, body: Body, max_version: int | None = None) -> int:
        """Take a request; nothing is carried out before the next ``poll``.

        Arguments:
            node_id: which broker; None for any.
            max_version: newest version of the API to use; None for the newest both sides know.
        Returns:
            The token that its answer will carry.
        """

    def poll(self, now_ms: int) -> list[tuple[int, Body | Exception]]:
        """Do what can be done without blocking; returns the answers that came."""

    def wait(self, timeout_ms: int) -> None:
        """Block until ``poll`` may have something to do, at most ``timeout_ms``."""

    def next_deadline(self) -> int | None:
        """When ``poll`` must be called again at the latest, in milliseconds; None for "only after wait"."""

    def close(self, now_ms: int) -> None: ...


def version_of(body: Body, max_version: int | None) -> int:
    """The version to speak when both sides are this library."""
    newest: int = body.MAX_VERSION
    return newest if max_version is None else min(newest, max_version)


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
