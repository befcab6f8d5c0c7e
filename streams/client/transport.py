"""Where request values go and answers come from: the contract between the sans-IO cores and their carrier.

The transport onto an embedded broker is ``streams.runtime.embedded``, the one over TCP ``streams.client.tcp``. Nothing
below this line decides what a request means or whether it is tried again.
"""

from __future__ import annotations

from typing import Any, Protocol

Body = Any
"""A request or response class of ``broker_core.protocol``."""
Answer = tuple[int, Body | Exception]
"""A request's token, and its response or what came instead."""


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

    def wake(self) -> None:
        """End ``wait`` now; from any thread, or a signal handler."""

    def next_deadline(self) -> int | None:
        """When ``poll`` must be called again at the latest, in milliseconds; None for "only after wait"."""

    def close(self, now_ms: int) -> None: ...


class Pulsing(Protocol):
    """What a transport can do besides if it has a thread of its own: keep a group membership alive.

    The heartbeats go out while the caller's thread is busy with something else.
    """

    def pulse(
        self, node_id: int, body: Body, interval_ms: int, *, silence_limit_ms: int, max_version: int | None = None
    ) -> int:
        """Send a request now and again and again, until an answer says something else than "fine".

        Arguments:
            interval_ms: from one request to the next.
            silence_limit_ms: stop (and answer with ``ConnectionLost``) when ``poll`` was not called for so long:
                whoever does not come back is not alive (max.poll.interval.ms).
        Returns:
            The token of that last answer, an error of the broker's or an exception.
        """

    def stop_pulse(self, token: int) -> None:
        """Send no more; the token is never answered."""


def version_of(body: Body, max_version: int | None) -> int:
    """The version to speak when both sides are this library."""
    newest: int = body.MAX_VERSION
    return newest if max_version is None else min(newest, max_version)
