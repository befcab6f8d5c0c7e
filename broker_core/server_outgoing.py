"""Answers on their way to a socket: small ones together, large ones as they are, as fast as it takes them. A shell.

Knows the size of pieces of bytes and whether the socket is full, and nothing of what they say.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

TOGETHER_BYTES: Final = 64 * 1024
"""Pieces are joined up to this size. A larger one is sent by itself and not copied: an answer of six times 1 MiB would
be copied when it is joined, and what the socket does not take at once a second time, by asyncio."""


def put_together(pieces: list[bytes]) -> Sequence[bytes]:
    """One answer, in pieces that are worth sending by themselves."""
    if sum(map(len, pieces)) <= TOGETHER_BYTES:
        return (b"".join(pieces),)
    return pieces


class Outgoing:
    """What one connection has to send.

    The transport is to have a high-water mark of 0: it then tells, by ``resume_writing``, that all it held is with the
    socket, and ``send`` goes on.

    Attributes:
        waiting_bytes: how much has not been handed to the transport yet.
    """

    __slots__ = ("_pieces", "waiting_bytes")

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self.waiting_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, pieces: Sequence[bytes]) -> None:
        """Send these after all others."""
        self._pieces.extend(pieces)
        self.waiting_bytes += sum(map(len, pieces))

    def send(self, transport: asyncio.WriteTransport, *, everything: bool = False) -> None:
        """Hand over what the socket takes, and at most one piece more; with ``everything`` the transport keeps it."""
        pieces = self._pieces
        while pieces and (everything or not transport.get_write_buffer_size()):
            ready = [pieces.popleft()]
            size = len(ready[0])
            while pieces and size + len(pieces[0]) <= TOGETHER_BYTES:
                size += len(pieces[0])
                ready.append(pieces.popleft())
            self.waiting_bytes -= size
            transport.write(b"".join(ready))  # of one piece that is the piece itself

    def clear(self) -> None:
        """Nobody reads any more."""
        self._pieces.clear()
        self.waiting_bytes = 0
