"""The serde for where no type is declared: each object is written in its own type's format.

Bytes do not say what they were made of, so what is read without a declared type stays bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.serde.base import Serde
from streams.serde.resolve import resolve

_encoders: dict[type, Callable[[Any], bytes]] = {}
"""A memo of ``resolve``, which is pure."""


def encode_by_type(value: object) -> bytes:
    """The bytes of a value in its own type's format.

    Raises:
        SerdeError: its type has none.
    """
    encode = _encoders.get(type(value))
    if encode is None:
        encode = _encoders[type(value)] = resolve(type(value)).encode
    return encode(value)


own_type: Serde[Any] = Serde(encode=encode_by_type, decode=bytes.__bytes__, id="own-type", type=object)
