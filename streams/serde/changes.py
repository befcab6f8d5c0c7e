"""The change of a table's row as one value: how it travels through a repartition topic below ``KTable.group_by``.

Kafka Streams' own format (its ChangedSerializer, KIP-904); docs/formats/table_changes.md describes it. The two values
stay bytes here: which serde they have is the topology's business.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeVar

from streams.serde.base import Serde

T = TypeVar("T")

_OLD: Final = b"\x00"
_NEW: Final = b"\x01"
_BOTH: Final = b"\x02"


class Change(NamedTuple):
    """What became of a row; None where there is none (any more)."""

    new: Any
    old: Any


def pack_change(new: bytes | None, old: bytes | None) -> bytes:
    """One value of both. ``ValueError`` where there is neither."""
    if old is None:
        if new is None:
            raise ValueError("a change has a new value, an old one, or both")
        return new + _NEW
    if new is None:
        return old + _OLD
    return b"".join((_varint(len(new)), new, old, _BOTH))


def unpack_change(data: bytes | None) -> tuple[bytes | None, bytes | None]:
    """New and old value. ``ValueError`` for bytes that are no change; null is a change from nothing to nothing."""
    if data is None:
        return None, None
    flag = data[-1:]
    if flag == _NEW:
        return data[:-1], None
    if flag == _OLD:
        return None, data[:-1]
    if flag != _BOTH:
        raise ValueError(f"a change ends with 0, 1 or 2, not {flag!r}")
    length, start = _read_varint(data)
    end = start + length
    if not start <= end < len(data):
        raise ValueError(f"the new value has {length} bytes, of {len(data) - start - 1} that are there")
    return data[start:end], data[end:-1]


def change_serde(value: Serde[T]) -> Serde[Change]:
    """The same as objects, for whoever reads such a topic."""

    def encode(change: Change) -> bytes:
        new, old = (None if part is None else value.encode(part) for part in change)
        return pack_change(new, old)

    def decode(data: bytes) -> Change:
        return Change(*(None if part is None else value.decode(part) for part in unpack_change(data)))

    return Serde(encode=encode, decode=decode, id=f"change({value.id})", type=Change)


def _varint(number: int) -> bytes:
    """Zigzag, then groups of seven bits, the lowest first (Kafka's ByteUtils.writeVarint)."""
    rest = number << 1
    found = bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)


def _read_varint(data: bytes) -> tuple[int, int]:
    """A number from the start of ``data``, and where it ends."""
    number = 0
    for index in range(min(5, len(data))):
        byte = data[index]
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), index + 1
    raise ValueError("a length takes at most five bytes")
