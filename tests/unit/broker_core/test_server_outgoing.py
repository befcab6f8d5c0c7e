"""What is sent in which pieces, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broker_core.server_outgoing import TOGETHER_BYTES, Outgoing, put_together

LARGE = b"L" * (TOGETHER_BYTES + 1)


class Socket(asyncio.WriteTransport):
    """Takes ``room`` bytes; what is written beyond is held, as asyncio's transports do."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.written: list[bytes] = []
        self.held_bytes = 0

    def get_write_buffer_size(self) -> int:
        return self.held_bytes

    def write(self, data: Any) -> None:
        self.written.append(data)
        taken = min(self.room, len(data))
        self.room -= taken
        self.held_bytes += len(data) - taken


def outgoing(*pieces: bytes) -> Outgoing:
    found = Outgoing()
    found.add(pieces)
    return found


def test_a_small_answer_is_one_piece_and_a_large_one_keeps_its_own() -> None:
    assert put_together([b"a", b"b"]) == (b"ab",)
    assert put_together([b"a", LARGE, b"b"]) == [b"a", LARGE, b"b"]


def test_small_pieces_go_together_and_large_ones_uncopied() -> None:
    socket = Socket(room=10 * len(LARGE))
    found = outgoing(b"a", b"b", LARGE, b"c", LARGE)
    found.send(socket)
    assert socket.written == [b"ab", LARGE, b"c", LARGE]
    assert socket.written[1] is LARGE
    assert (bool(found), found.waiting_bytes) == (False, 0)


@pytest.mark.parametrize(("size", "count"), [(TOGETHER_BYTES // 2, 2), (TOGETHER_BYTES // 2 + 1, 4)])
def test_pieces_are_joined_up_to_the_limit(size: int, count: int) -> None:
    socket = Socket(room=10 * TOGETHER_BYTES)
    outgoing(*[b"x" * size] * 4).send(socket)
    assert len(socket.written) == count
    assert sum(map(len, socket.written)) == 4 * size


def test_a_full_socket_gets_nothing_more_until_it_is_empty() -> None:
    socket = Socket(room=len(LARGE) + 1)
    found = outgoing(LARGE, LARGE, LARGE, b"end")
    found.send(socket)
    assert len(socket.written) == 2
    assert found.waiting_bytes == len(LARGE) + 3
    found.send(socket)
    assert len(socket.written) == 2
    socket.room, socket.held_bytes = 10 * len(LARGE), 0
    found.send(socket)
    assert b"".join(socket.written) == 3 * LARGE + b"end"
    assert not found


def test_everything_is_handed_over_before_a_close() -> None:
    socket = Socket(room=0)
    found = outgoing(LARGE, LARGE, b"end")
    found.send(socket, everything=True)
    assert b"".join(socket.written) == 2 * LARGE + b"end"
    assert found.waiting_bytes == 0


def test_what_nobody_reads_is_dropped() -> None:
    found = outgoing(LARGE)
    found.clear()
    assert (bool(found), found.waiting_bytes) == (False, 0)
