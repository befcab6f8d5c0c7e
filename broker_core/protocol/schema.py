"""The version-aware message codec: ``encode`` and ``decode`` for every class that is declared with ``Field``.

Owns the entry points and their error contract. A message class is a ``Struct`` (frozen, slotted, keyword-only) with
defaults, whose annotations say what each field is on the wire; request, response and internal-topic classes also
carry ``MIN_VERSION``, ``MAX_VERSION`` and ``FLEXIBLE_FROM`` (``NEVER_FLEXIBLE`` when there is no such version).
The message classes themselves live in one module per API key.
"""

from __future__ import annotations

import struct
from typing import Any, ClassVar, Final, Protocol, TypeVar

from broker_core.errors import ProtocolError
from broker_core.protocol.generate import reader, writer
from broker_core.protocol.layout import NEWEST, Field, Struct
from broker_core.protocol.primitives import (
    INT16,
    NO_UUID,
    Bool,
    Bytes,
    Float64,
    Int8,
    Int16,
    Int32,
    Int64,
    Put,
    Records,
    String,
    Uint16,
    Uint32,
    Uuid,
)

__all__ = [
    "NEVER_FLEXIBLE", "NO_UUID", "Bool", "Bytes", "Field", "Float64", "Int8", "Int16", "Int32", "Int64", "Message",
    "Put", "Records", "String", "Struct", "Uint16", "Uint32", "Uuid", "Versioned", "decode", "decode_from",
    "decode_versioned", "encode", "encode_to", "encode_versioned", "read_version",
]  # fmt: skip

NEVER_FLEXIBLE: Final = NEWEST


class Versioned(Protocol):
    """A class that says which versions of itself exist."""

    MIN_VERSION: ClassVar[int]
    MAX_VERSION: ClassVar[int]
    FLEXIBLE_FROM: ClassVar[int]


class Message(Versioned, Protocol):
    """A request or response body."""

    API_KEY: ClassVar[int]


V = TypeVar("V", bound=Versioned)


def _check_version(cls: type[Versioned], version: int) -> None:
    if not cls.MIN_VERSION <= version <= cls.MAX_VERSION:
        raise ProtocolError(
            f"{cls.__name__} version {version} is unknown; {cls.MIN_VERSION} to {cls.MAX_VERSION} are spoken"
        )


def encode_to(put: Put, message: Versioned, version: int) -> None:
    """Hand the bytes of ``message`` to ``put`` in pieces; record data is passed on without a copy.

    Raises ``ProtocolError`` for an unknown version, a value out of its type's range, ``None`` in a field that is not
    nullable, and a value that this version has no field for.
    """
    cls = type(message)
    _check_version(cls, version)
    try:
        writer(cls, version, version >= cls.FLEXIBLE_FROM)(put, message)
    except (struct.error, AttributeError, TypeError, UnicodeEncodeError) as error:
        raise ProtocolError(f"{cls.__name__} cannot be written in version {version}: {error}") from error


def encode(message: Versioned, version: int) -> bytes:
    """The bytes of ``message`` at ``version``. Raises as ``encode_to``."""
    pieces: list[bytes] = []
    encode_to(pieces.append, message, version)
    return b"".join(pieces)


def decode_from(cls: type[V], version: int, data: bytes, position: int = 0) -> tuple[V, int]:
    """The message that starts at ``position``, and the position after it.

    Unknown tagged fields are skipped. Raises ``ProtocolError`` for an unknown version and for bytes that are no such
    message; lengths and counts are checked against the bytes that are left before anything is allocated.
    """
    _check_version(cls, version)
    try:
        return reader(cls, version, version >= cls.FLEXIBLE_FROM)(data, position)
    except struct.error as error:
        raise ProtocolError(f"{cls.__name__} version {version} ends early: {error}") from None


def decode(cls: type[V], version: int, data: bytes, position: int = 0) -> V:
    """The message from ``position`` to the end. Raises as ``decode_from``, and for bytes that are left over."""
    message, position = decode_from(cls, version, data, position)
    if position != len(data):
        raise ProtocolError(f"{len(data) - position} bytes follow {cls.__name__} version {version}")
    return message


def encode_versioned(message: Versioned, version: int) -> bytes:
    """``message`` behind its version as an int16: the form of keys and values in Kafka's internal topics."""
    return INT16.pack(version) + encode(message, version)


def decode_versioned(cls: type[V], data: bytes) -> V:
    """The twin of ``encode_versioned``."""
    return decode(cls, read_version(data), data, 2)


def read_version(data: bytes) -> int:
    """The int16 that an internal topic's key or value starts with; it also tells key classes apart."""
    if len(data) < 2:
        raise ProtocolError("no version in front of an internal record")
    version: Any = INT16.unpack_from(data)[0]
    return int(version)
