"""Kafka's primitive types: how each is written and read, and the annotations that message classes use.

Owns the wire form of single values (https://kafka.apache.org/protocol#protocol_types). Knows no message and no
version: which form a field has in which version is ``layout``'s business. Readers take ``(data, position)`` and
return ``(value, next position)``; they raise ``ProtocolError`` rather than read past the end, and check lengths and
counts against the bytes that are left before anything is allocated.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Annotated, Final, NamedTuple, NoReturn, TypeAlias
from uuid import UUID

from broker_core.errors import ProtocolError


class Primitive(NamedTuple):
    """A primitive type. ``format`` is its ``struct`` code when the width is fixed, else empty."""

    name: str
    format: str = ""


Bool: TypeAlias = Annotated[bool, Primitive("bool", "?")]
Int8: TypeAlias = Annotated[int, Primitive("int8", "b")]
Int16: TypeAlias = Annotated[int, Primitive("int16", "h")]
Uint16: TypeAlias = Annotated[int, Primitive("uint16", "H")]
Int32: TypeAlias = Annotated[int, Primitive("int32", "i")]
Uint32: TypeAlias = Annotated[int, Primitive("uint32", "I")]
Int64: TypeAlias = Annotated[int, Primitive("int64", "q")]
Float64: TypeAlias = Annotated[float, Primitive("float64", "d")]
Uuid: TypeAlias = Annotated[UUID, Primitive("uuid", "16s")]
String: TypeAlias = Annotated[str, Primitive("string")]
Bytes: TypeAlias = Annotated[bytes, Primitive("bytes")]
Records: TypeAlias = Annotated[bytes, Primitive("records")]

NO_UUID: Final = UUID(int=0)
"""Kafka's "no id"; also the default of every uuid field."""

MAX_STRING_BYTES: Final = 32_767

Put: TypeAlias = Callable[[bytes], object]
"""Takes the next piece of output; pieces are joined, or sent as an I/O vector, by the caller."""

INT16: Final = struct.Struct(">h")
INT32: Final = struct.Struct(">i")

_SMALL_VARINTS: Final = tuple(bytes((value,)) for value in range(128))


def truncated(needed: int, data: bytes, position: int) -> NoReturn:
    raise ProtocolError(f"message ends early: {needed} bytes needed at {position}, {len(data) - position} left")


def unsigned_varint(value: int) -> bytes:
    """The LEB128 bytes of a non-negative value below 2**32."""
    if 0 <= value < 128:
        return _SMALL_VARINTS[value]
    if not 0 <= value < 1 << 32:
        raise ProtocolError(f"{value} does not fit an unsigned varint")
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_unsigned_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    for at in range(position, position + 5):
        if at >= len(data):
            truncated(1, data, at)
        byte = data[at]
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 32:
                break
            return value, at + 1
        shift += 7
    raise ProtocolError(f"unsigned varint at {position} is longer than 32 bits")


def _take(data: bytes, position: int, size: int) -> tuple[bytes, int]:
    end = position + size
    if end > len(data):
        truncated(size, data, position)
    return data[position:end], end


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"string is not UTF-8: {error}") from None


def _length16(data: bytes, position: int) -> tuple[int, int]:
    if position + 2 > len(data):
        truncated(2, data, position)
    return INT16.unpack_from(data, position)[0], position + 2


def _length32(data: bytes, position: int) -> tuple[int, int]:
    if position + 4 > len(data):
        truncated(4, data, position)
    return INT32.unpack_from(data, position)[0], position + 4


def _compact_length(data: bytes, position: int) -> tuple[int, int]:
    if position < len(data) and (byte := data[position]) < 128:
        return byte - 1, position + 1
    value, position = read_unsigned_varint(data, position)
    return value - 1, position


def _not_null(length: int, position: int) -> NoReturn:
    raise ProtocolError(f"length {length} before position {position} in a field that is not nullable")


# One writer and one reader per (type, compact or not, nullable or not); ``generate`` picks them by name.


def fitting(text: str | None) -> str | None:
    """A text for people, cut to what a string holds: it may quote all that was asked, several names of full length."""
    if text is None or len(text) <= MAX_STRING_BYTES // 4 or len(data := text.encode()) <= MAX_STRING_BYTES:
        return text
    return data[: MAX_STRING_BYTES - 3].decode(errors="ignore") + "..."


def write_string(put: Put, value: str) -> None:
    data = value.encode()
    if len(data) > MAX_STRING_BYTES:
        raise ProtocolError(f"string of {len(data)} bytes; at most {MAX_STRING_BYTES} fit")
    put(INT16.pack(len(data)) + data)


def write_nullable_string(put: Put, value: str | None) -> None:
    if value is None:
        put(b"\xff\xff")
    else:
        write_string(put, value)


def write_compact_string(put: Put, value: str) -> None:
    data = value.encode()
    if len(data) > MAX_STRING_BYTES:
        raise ProtocolError(f"string of {len(data)} bytes; at most {MAX_STRING_BYTES} fit")
    put(unsigned_varint(len(data) + 1) + data)


def write_compact_nullable_string(put: Put, value: str | None) -> None:
    if value is None:
        put(b"\0")
    else:
        write_compact_string(put, value)


def read_nullable_string(data: bytes, position: int) -> tuple[str | None, int]:
    length, position = _length16(data, position)
    if length < 0:
        if length != -1:
            _not_null(length, position)
        return None, position
    end = position + length
    if end > len(data):
        truncated(length, data, position)
    return _text(data[position:end]), end


def read_string(data: bytes, position: int) -> tuple[str, int]:
    value, position = read_nullable_string(data, position)
    if value is None:
        _not_null(-1, position)
    return value, position


def read_compact_nullable_string(data: bytes, position: int) -> tuple[str | None, int]:
    length, position = _compact_length(data, position)
    if length < 0:
        return None, position
    end = position + length
    if end > len(data):
        truncated(length, data, position)
    return _text(data[position:end]), end


def read_compact_string(data: bytes, position: int) -> tuple[str, int]:
    value, position = read_compact_nullable_string(data, position)
    if value is None:
        _not_null(-1, position)
    return value, position


def write_bytes(put: Put, value: bytes) -> None:
    put(INT32.pack(len(value)))
    put(value)


def write_nullable_bytes(put: Put, value: bytes | None) -> None:
    if value is None:
        put(b"\xff\xff\xff\xff")
    else:
        write_bytes(put, value)


def write_compact_bytes(put: Put, value: bytes) -> None:
    put(unsigned_varint(len(value) + 1))
    put(value)


def write_compact_nullable_bytes(put: Put, value: bytes | None) -> None:
    if value is None:
        put(b"\0")
    else:
        write_compact_bytes(put, value)


def read_nullable_bytes(data: bytes, position: int) -> tuple[bytes | None, int]:
    length, position = _length32(data, position)
    if length < 0:
        if length != -1:
            _not_null(length, position)
        return None, position
    return _take(data, position, length)


def read_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    length, position = _length32(data, position)
    if length < 0:
        _not_null(length, position)
    return _take(data, position, length)


def read_compact_nullable_bytes(data: bytes, position: int) -> tuple[bytes | None, int]:
    length, position = _compact_length(data, position)
    if length < 0:
        return None, position
    return _take(data, position, length)


def read_compact_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    length, position = _compact_length(data, position)
    if length < 0:
        _not_null(length, position)
    return _take(data, position, length)


def _checked_count(count: int, item_bytes: int, nullable: bool, data: bytes, position: int) -> int:
    if count < 0:
        if count != -1 or not nullable:
            _not_null(count, position)
    elif count * item_bytes > len(data) - position:
        raise ProtocolError(f"{count} items announced before position {position}, {len(data) - position} bytes left")
    return count


def read_count(data: bytes, position: int, item_bytes: int, nullable: bool) -> tuple[int, int]:
    """An array's length (-1: null), refused when ``count`` items of at least ``item_bytes`` cannot follow."""
    count, position = _length32(data, position)
    return _checked_count(count, item_bytes, nullable, data, position), position


def read_compact_count(data: bytes, position: int, item_bytes: int, nullable: bool) -> tuple[int, int]:
    count, position = _compact_length(data, position)
    return _checked_count(count, item_bytes, nullable, data, position), position


def skip_tagged_fields(data: bytes, position: int) -> int:
    """Pass over a tagged-field section of which no tag is known (KIP-482)."""
    count, position = read_unsigned_varint(data, position)
    for _ in range(count):
        _tag, position = read_unsigned_varint(data, position)
        size, position = read_unsigned_varint(data, position)
        if position + size > len(data):
            truncated(size, data, position)
        position += size
    return position
