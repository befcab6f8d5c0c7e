"""A byte stream of length-prefixed frames, split into payloads. PURE: bytes in, payloads out.

Frame = int32 length, payload (https://kafka.apache.org/protocol#protocol_common). A stream receives into ``buffer()``
and then tells how much came; small frames are cut out of a buffer that all streams share, a large one is received into
its own memory, which grows only as its bytes come. What a payload means is ``framing``'s business.
"""

from __future__ import annotations

from typing import Final

from broker_core.errors import ProtocolError
from broker_core.protocol.primitives import INT32

GROWTH_BYTES: Final = 1024 * 1024
"""A frame gets memory for so much at once, whatever length it announces; later for as much again as has come."""


class FrameReader:
    """The receiving side of one stream.

    Arguments:
        shared: memory that is free between two calls: streams that take turns can share it.
        max_bytes: the longest payload taken.
    """

    __slots__ = ("_filled", "_frame", "_head", "_length", "_max_bytes", "_shared")

    def __init__(self, shared: bytearray, max_bytes: int) -> None:
        self._shared = shared
        self._max_bytes = max_bytes
        self._head = b""
        self._frame: bytearray | None = None
        self._filled = 0
        self._length = 0

    @property
    def announced_bytes(self) -> int:
        """Length of the frame that has begun and not ended; 0 between two frames."""
        return 0 if self._frame is None else self._length

    @property
    def is_between_frames(self) -> bool:
        """Whether no byte of a further frame is here."""
        return self._frame is None and not self._head

    def buffer(self) -> memoryview:
        """Where to receive into; to be followed by ``received``."""
        frame = self._frame
        if frame is None:
            return memoryview(self._shared)
        if self._filled == len(frame):
            frame += bytes(min(self._length - self._filled, max(GROWTH_BYTES, self._filled)))
        return memoryview(frame)[self._filled :]

    def received(self, size: int) -> list[bytes]:
        """``size`` bytes came into ``buffer()``: the payloads that are complete now.

        Raises:
            ProtocolError: a frame announces a negative length or more than the limit; the stream is of no more use.
        """
        if self._frame is None:
            return self._split(memoryview(self._shared)[:size])
        self._filled += size
        if self._filled < self._length:
            return []
        payload = bytes(self._frame)
        self._frame = None
        return [payload]

    def _split(self, data: memoryview) -> list[bytes]:
        payloads: list[bytes] = []
        if self._head:
            data = memoryview(self._head + bytes(data))
            self._head = b""
        position, end = 0, len(data)
        while end - position >= INT32.size:
            (length,) = INT32.unpack_from(data, position)
            if not 0 <= length <= self._max_bytes:
                raise ProtocolError(f"a frame of {length} bytes; at most {self._max_bytes} are taken")
            position += INT32.size
            if end - position < length:
                self._begin(length, data[position:])
                return payloads
            payloads.append(bytes(data[position : position + length]))
            position += length
        self._head = bytes(data[position:])
        return payloads

    def _begin(self, length: int, start: memoryview) -> None:
        self._length, self._filled = length, len(start)
        self._frame = bytearray(min(length, max(GROWTH_BYTES, 2 * self._filled)))
        self._frame[: self._filled] = start
