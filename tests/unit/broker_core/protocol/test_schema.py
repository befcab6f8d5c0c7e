"""The message codec on a small class of its own: versions, nulls, tags, and the errors it names."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

import pytest

from broker_core.errors import ProtocolError
from broker_core.protocol.schema import (
    NO_UUID,
    Field,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uuid,
    decode,
    decode_from,
    decode_versioned,
    encode,
    encode_versioned,
    read_version,
)


class Item(Struct, frozen=True, kw_only=True):
    number: Int32 = 0
    note: Annotated[String | None, Field(since=1, nullable=2)] = "none"


class Sample(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 999
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 3
    FLEXIBLE_FROM: ClassVar[int] = 3

    code: Int16 = 0
    ident: Annotated[Uuid, Field(since=1, ignorable=True)] = NO_UUID
    old: Annotated[Int32, Field(until=1)] = -1
    items: Annotated[tuple[Item, ...] | None, Field(nullable=2)] = ()
    best: Annotated[Item, Field(since=3, tag=4)] = Item()
    numbers: Annotated[tuple[Int16, ...], Field(since=3, tag=0)] = ()


def test_version_0_has_only_its_fields() -> None:
    raw = encode(Sample(code=1, old=2, items=(Item(number=3, note="none"),)), 0)
    assert raw == bytes.fromhex("0001 00000002 00000001 00000003")
    assert decode(Sample, 0, raw) == Sample(code=1, old=2, items=(Item(number=3),))


def test_a_flexible_version_writes_tags_in_order_and_only_when_set() -> None:
    assert encode(Sample(), 3) == bytes.fromhex("0000" + "00" * 16 + "01" + "00")
    message = Sample(items=None, best=Item(number=1, note=None), numbers=(7,))
    raw = encode(message, 3)
    assert raw == bytes.fromhex("0000" + "00" * 16 + "00" + "02" + "00 03 020007" + "04 06 00000001 00 00")
    assert decode(Sample, 3, raw) == message


def test_unknown_tags_are_skipped_at_every_level() -> None:
    raw = bytes.fromhex("0000" + "00" * 16 + "02 00000005 0261 01 63 01 ff" + "02 04 06 00000001 00 00 09 02 abcd")
    expected = Sample(items=(Item(number=5, note="a"),), best=Item(number=1, note=None))
    assert decode(Sample, 3, raw) == expected


def test_a_tag_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ProtocolError, match="tagged field 4"):
        decode(Sample, 3, bytes.fromhex("0000" + "00" * 16 + "01" + "01 04 07 00000001 00 00 00"))


@pytest.mark.parametrize(
    ("message", "version", "complaint"),
    [
        (Sample(old=5), 2, "Sample.old cannot be sent in version 2"),
        (Sample(items=None), 1, "cannot be written in version 1"),
        (Sample(items=(Item(note=None),)), 1, "cannot be written in version 1"),
        (Sample(items=(Item(note="x"),)), 0, "Item.note cannot be sent in version 0"),
        (Sample(code=40_000), 0, "cannot be written in version 0"),
        (Sample(code="x"), 0, "cannot be written in version 0"),  # type: ignore[arg-type]
        (Sample(), 4, "version 4 is unknown; 0 to 3 are spoken"),
    ],
)
def test_what_a_version_cannot_say_is_an_error(message: Message, version: int, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        encode(message, version)


def test_an_ignorable_field_is_dropped_in_silence() -> None:
    assert encode(Sample(ident=UUID(int=9)), 0) == encode(Sample(), 0)


def test_bytes_left_over_are_refused_unless_asked_for() -> None:
    raw = encode(Sample(), 0)
    with pytest.raises(ProtocolError, match="1 bytes follow"):
        decode(Sample, 0, raw + b"x")
    assert decode_from(Sample, 0, b"ab" + raw + b"x", 2) == (Sample(), 2 + len(raw))


def test_an_announced_count_is_checked_against_the_smallest_item() -> None:
    """Items of version 1 take six bytes at least, so seven bytes cannot hold two."""
    head = "0000" + "00" * 16 + "00000000"
    with pytest.raises(ProtocolError, match="2 items announced"):
        decode(Sample, 1, bytes.fromhex(head + "00000002" + "00000001 0000 00"))


def test_internal_records_carry_their_version() -> None:
    raw = encode_versioned(Sample(code=3), 2)
    assert raw[:2] == b"\0\2" and read_version(raw) == 2
    assert decode_versioned(Sample, raw) == Sample(code=3)
    with pytest.raises(ProtocolError, match="version 9 is unknown"):
        decode_versioned(Sample, b"\0\x09")
    with pytest.raises(ProtocolError):
        read_version(b"\0")
