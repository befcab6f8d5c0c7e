"""What goes into and comes out of ``Broker.handle``: connections, calls, replies, parked requests and sync results.

Only values live here. What a reply contains is a handler's business, when it is released the purgatory's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from broker_core.log.results import PendingSync


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where requests come from: one embedded client or one socket.

    Arguments:
        id: unique among the connections of this broker.
        client_address: for messages and quotas; ``embedded`` where there is no socket.
    """

    id: int
    client_address: str = "embedded"


class Call(NamedTuple):
    """The circumstances of one request, as every handler gets them."""

    connection: Connection
    api_version: int
    client_id: str | None
    now_ms: int


class Reply(NamedTuple):
    """The answer is there: ``body`` is a response value of ``broker_core.protocol``."""

    body: Any


class Parked(NamedTuple):
    """The answer comes later, through ``Broker.released()`` under this token."""

    token: int


class NoReply(NamedTuple):
    """Nothing is sent (``acks=0``).

    Arguments:
        failed: the request was refused: the shell closes the connection, the client's only signal.
    """

    failed: bool = False


Outcome: TypeAlias = Reply | Parked | NoReply


class Released(NamedTuple):
    """The answer of a request that had been parked under ``token``."""

    token: int
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What a sync wave came to; every ``PendingSync`` of the wave is in one of the two.

    Arguments:
        done: all files of these are durable up to their end offsets.
        failed: at least one file of these could not be synced; its log is given up.
    """

    done: tuple[PendingSync, ...] = ()
    failed: tuple[tuple[PendingSync, OSError], ...] = ()
