"""``serde.ordered(T)``: bytes that sort as the values do, so that a store can be read by range.

Layouts: docs/formats/ordered_keys.md. A format of our own; no other system reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, get_args, get_origin
from uuid import UUID

from streams.errors import SerdeError
from streams.serde.base import Serde
from streams.serde.models import type_name

T = TypeVar("T")

SIGN = 1 << 63
END = b"\x00\x00"
"""Ends a text or bytes within a tuple; a zero byte inside is written as ``00 FF``, which sorts above the end."""
ESCAPED_ZERO = b"\x00\xff"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Layout(NamedTuple):
    """One type's bytes. ``size`` None: of any length, so that a tuple must mark its end."""

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    size: int | None


def ordered(kind: type[T]) -> Serde[T]:
    """A serde whose bytes sort as the values do.

    Arguments:
        kind: str, bytes, int (64 bits, signed), float, bool, UUID, date, datetime (aware, microseconds), or a tuple of
            those, which sorts by its first element, then by its second, ...

    Raises:
        SerdeError: another type.
    """
    layout = _layout(kind)
    return Serde(encode=layout.encode, decode=layout.decode, id=f"ordered:{type_name(kind)}", ordered=True, type=kind)


def _layout(kind: Any) -> Layout:
    simple = _SIMPLE.get(kind) if isinstance(kind, type) and get_origin(kind) is None else None
    if simple is not None:
        return simple
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments and Ellipsis not in arguments:
        return _tuple_layout(tuple(_layout(argument) for argument in arguments))
    known = ", ".join(known.__name__ for known in _SIMPLE)
    raise SerdeError(
        f"{type_name(kind)} has no ordered format; these have: {known}, and tuples of them: tuple[str, int]"
    )


def _expect(value: object, *kinds: type) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"expected {kinds[0].__name__}, got {type(value).__name__}")


def _encode_int(value: int) -> bytes:
    _expect(value, int)
    try:
        return (value + SIGN).to_bytes(8, "big")
    except OverflowError:
        raise ValueError(f"{value} does not fit into 64 bits") from None


def _decode_int(data: bytes) -> int:
    _expect_size(data, 8)
    return int.from_bytes(data, "big") - SIGN


def _encode_float(value: float) -> bytes:
    """IEEE 754 bits, all inverted for negative numbers and the sign alone for others."""
    _expect(value, float, int)
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return struct.pack(">Q", bits ^ (2**64 - 1 if bits & SIGN else SIGN))


def _decode_float(data: bytes) -> float:
    _expect_size(data, 8)
    (bits,) = struct.unpack(">Q", data)
    (value,) = struct.unpack(">d", struct.pack(">Q", bits ^ (SIGN if bits & SIGN else 2**64 - 1)))
    return float(value)


def _encode_bool(value: bool) -> bytes:
    _expect(value, bool)
    return b"\x01" if value else b"\x00"


def _decode_bool(data: bytes) -> bool:
    if data not in (b"\x00", b"\x01"):
        raise ValueError("neither 00 nor 01")
    return data == b"\x01"


def _encode_uuid(value: UUID) -> bytes:
    _expect(value, UUID)
    return value.bytes


def _encode_datetime(value: datetime) -> bytes:
    _expect(value, datetime)
    if value.tzinfo is None:
        raise ValueError("a datetime without a time zone is no point in time")
    return _encode_int((value - _EPOCH) // timedelta(microseconds=1))


def _encode_date(value: date) -> bytes:
    if isinstance(value, datetime):
        raise TypeError("expected date, got datetime")
    _expect(value, date)
    return value.toordinal().to_bytes(4, "big")


def _decode_date(data: bytes) -> date:
    _expect_size(data, 4)
    return date.fromordinal(int.from_bytes(data, "big"))


def _expect_size(data: bytes, size: int) -> None:
    if len(data) != size:
        raise ValueError(f"{size} bytes expected, these are {len(data)}")


_SIMPLE: dict[type, Layout] = {
    str: Layout(str.encode, bytes.decode, None),
    bytes: Layout(bytes.__bytes__, bytes.__bytes__, None),
    int: Layout(_encode_int, _decode_int, 8),
    float: Layout(_encode_float, _decode_float, 8),
    bool: Layout(_encode_bool, _decode_bool, 1),
    UUID: Layout(_encode_uuid, lambda data: UUID(bytes=data), 16),
    datetime: Layout(_encode_datetime, lambda data: _EPOCH + timedelta(microseconds=_decode_int(data)), 8),
    date: Layout(_encode_date, _decode_date, 4),
}


def _tuple_layout(layouts: Sequence[Layout]) -> Layout:
    """Element after element; those of any length are escaped and ended, so that a shorter one sorts first."""

    def encode(value: tuple[Any, ...]) -> bytes:
        _expect(value, tuple)
        if len(value) != len(layouts):
            raise ValueError(f"a tuple of {len(layouts)} expected, this one has {len(value)}")
        return b"".join(_escaped(layout, layout.encode(item)) for layout, item in zip(layouts, value, strict=True))

    def decode(data: bytes) -> tuple[Any, ...]:
        items, position = [], 0
        for layout in layouts:
            part, position = _next_part(layout, data, position)
            items.append(layout.decode(part))
        if position != len(data):
            raise ValueError(f"{len(data) - position} bytes too many")
        return tuple(items)

    sizes = [layout.size for layout in layouts]
    known = [size for size in sizes if size is not None]
    return Layout(encode, decode, sum(known) if len(known) == len(sizes) else None)


def _escaped(layout: Layout, part: bytes) -> bytes:
    return part if layout.size is not None else part.replace(b"\x00", ESCAPED_ZERO) + END


def _next_part(layout: Layout, data: bytes, position: int) -> tuple[bytes, int]:
    if layout.size is not None:
        return data[position : position + layout.size], position + layout.size
    end = position
    while True:
        end = data.find(b"\x00", end)
        if end < 0 or end + 1 >= len(data):
            raise ValueError("the bytes end within a text")
        if data[end + 1] == 0:
            return data[position:end].replace(ESCAPED_ZERO, b"\x00"), end + 2
        end += 2
