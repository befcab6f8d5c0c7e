"""Splitting a stream into payloads, however the bytes arrive."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker_core.errors import ProtocolError
from broker_core.protocol.frames import GROWTH_BYTES, FrameReader

LIMIT = 64 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    return struct.pack(">i", len(payload)) + payload


def feed(reader: FrameReader, data: bytes, most: int = 1 << 20) -> list[bytes]:
    """As a socket does: as much as there is room for."""
    payloads: list[bytes] = []
    while data:
        buffer = reader.buffer()
        size = min(len(buffer), len(data), most)
        buffer[:size] = data[:size]
        buffer.release()
        payloads += reader.received(size)
        data = data[size:]
    return payloads


@given(payloads=st.lists(st.binary(max_size=40)), cut=st.integers(1, 50), shared=st.integers(1, 64))
def test_payloads_come_out_as_they_went_in(payloads: list[bytes], cut: int, shared: int) -> None:
    """Whatever the pieces are, and whatever the size of the shared buffer."""
    reader = FrameReader(bytearray(shared), LIMIT)
    assert feed(reader, b"".join(frame(payload) for payload in payloads), cut) == payloads
    assert reader.is_between_frames and reader.announced_bytes == 0


def test_streams_can_share_a_buffer() -> None:
    shared = bytearray(16)
    first, second = FrameReader(shared, LIMIT), FrameReader(shared, LIMIT)
    data = frame(b"abcdef")
    assert feed(first, data[:3]) == [] == feed(second, data[:7])
    assert not first.is_between_frames
    assert (first.announced_bytes, second.announced_bytes) == (0, 6)
    assert feed(first, data[3:]) == [b"abcdef"] == feed(second, data[7:])


@pytest.mark.parametrize("length", [-1, -(2**31), LIMIT + 1, 2**31 - 1])
def test_lengths_that_are_refused(length: int) -> None:
    with pytest.raises(ProtocolError, match=str(length)):
        feed(FrameReader(bytearray(16), LIMIT), struct.pack(">i", length))


def test_the_longest_frame_is_taken() -> None:
    reader = FrameReader(bytearray(1024), 5_000_000)
    payload = bytes(range(200)) * 25_000
    assert feed(reader, frame(payload) + frame(b"next"), 100_000) == [payload, b"next"]


def test_memory_is_given_as_bytes_come() -> None:
    """A frame that announces 64 MiB and sends little does not get 64 MiB."""
    reader = FrameReader(bytearray(1024), LIMIT)
    feed(reader, struct.pack(">i", LIMIT) + bytes(100))
    assert reader.announced_bytes == LIMIT
    assert len(reader.buffer()) <= GROWTH_BYTES
    feed(reader, bytes(3 * GROWTH_BYTES))
    assert len(reader.buffer()) <= 4 * GROWTH_BYTES
