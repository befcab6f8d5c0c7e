"""What the interpreted record codec does in Python where the compiled one calls C.

``record_codec.pxd`` defines functions of the same names in C; nothing else belongs here.
"""

from __future__ import annotations

__all__ = ["copy_bytes"]


def copy_bytes(target: bytearray, position: int, source: bytes, size: int) -> None:
    """Write ``source``, which is ``size`` bytes long, into ``target`` at ``position``."""
    target[position : position + size] = source
