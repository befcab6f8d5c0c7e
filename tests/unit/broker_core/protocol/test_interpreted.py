"""The Python stand-in for the compiled codec's memcpy."""

from __future__ import annotations

from broker_core.protocol.interpreted import copy_bytes


def test_copy_bytes_overwrites_in_place() -> None:
    target = bytearray(b"......")
    copy_bytes(target, 2, b"ab", 2)
    copy_bytes(target, 0, b"", 0)
    assert target == b"..ab.."
