"""Kafka's binary formats: the big-endian numbers and the UUID text of its Java serializers.

Layouts only; which Python type takes which format by default is ``resolve``'s business.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from streams.serde.base import Fast, Serde

N = TypeVar("N", int, float)


def _number(name: str, layout: str, python_type: type[N]) -> Serde[N]:
    packer = struct.Struct(layout)
    pack, unpack, size = packer.pack, packer.unpack, packer.size

    def encode(value: N) -> bytes:
        try:
            return pack(value)
        except struct.error as error:
            raise ValueError(f"{name} cannot hold it: {error}") from None

    def decode(data: bytes) -> N:
        try:
            return unpack(data)[0]  # type: ignore[no-any-return]
        except struct.error:
            raise ValueError(f"{name} is {size} bytes long, these are {len(data)}") from None

    return Serde(encode=encode, decode=decode, id=name, type=python_type, fast=Fast(python_type, pack))


int16: Serde[int] = _number("int16", ">h", int)
int32: Serde[int] = _number("int32", ">i", int)
int64: Serde[int] = _number("int64", ">q", int)
float32: Serde[float] = _number("float32", ">f", float)
float64: Serde[float] = _number("float64", ">d", float)


def _uuid_codec() -> tuple[Callable[[UUID], bytes], Callable[[bytes], UUID]]:
    def encode(value: UUID) -> bytes:
        if not isinstance(value, UUID):
            raise TypeError(f"expected a uuid.UUID, got {type(value).__name__}")
        return str(value).encode()

    def decode(data: bytes) -> UUID:
        return UUID(data.decode())

    return encode, decode


_encode_uuid, _decode_uuid = _uuid_codec()
uuid: Serde[UUID] = Serde(encode=_encode_uuid, decode=_decode_uuid, id="uuid", ordered=True, type=UUID)
"""The 36 characters of its text, as Kafka's ``UUIDSerializer`` writes them."""
