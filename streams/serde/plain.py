"""``str`` as UTF-8 and ``bytes`` as they are: both ways one call of a C function, which also checks the type.

No other type may live here.
"""

from __future__ import annotations

from streams.serde.base import Serde

utf8: Serde[str] = Serde(encode=str.encode, decode=bytes.decode, id="utf8", ordered=True, type=str)

raw: Serde[bytes] = Serde(encode=bytes.__bytes__, decode=bytes.__bytes__, id="bytes", ordered=True, type=bytes)
"""``bytes.__bytes__`` returns the object itself and refuses every other type (``bytes(5)`` would make five zeros)."""


def _absent_encode(value: object) -> bytes:
    return b""


def _absent_decode(data: bytes) -> None:
    return None


absent: Serde[object] = Serde(encode=_absent_encode, decode=_absent_decode, id="absent")
"""Says only that a value was there. For topics whose reader never looks at values: the way to a count."""
