"""Encoding of values whose format the topology does not fix.

Helpers of generated code; which serde a type has is ``serde.resolve``'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {}
"""Encoder by type; only a memo of ``serde.resolve``, which is pure."""


def encode_by_type(value: object) -> bytes:
    """The bytes of a value in its own type's format; ``SerdeError`` or ``TypeError`` when it has none."""
    encode = _ENCODERS.get(type(value))
    if encode is None:
        from streams.serde.resolve import resolve

        encode = _ENCODERS[type(value)] = resolve(type(value)).encode
    return encode(value)


def nullable(encode: Callable[[Any], bytes]) -> Callable[[Any], bytes | None]:
    """``encode`` for values that may be null."""

    def encode_nullable(value: Any) -> bytes | None:
        return None if value is None else encode(value)

    return encode_nullable
