"""Changes of a row as one value: round trips, Kafka's bytes, and what is no change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serde.changes import Change, change_serde, pack_change, unpack_change
from streams.serde.resolve import resolve

parts = st.one_of(st.none(), st.binary(max_size=300))


@given(parts, parts)
def test_both_ways(new: bytes | None, old: bytes | None) -> None:
    if new is None and old is None:
        with pytest.raises(ValueError, match="a new value, an old one, or both"):
            pack_change(new, old)
    else:
        assert unpack_change(pack_change(new, old)) == (new, old)


def test_the_bytes_are_those_of_kafka_streams() -> None:
    """Its ChangedSerializer: the flag last, and before two values the first one's length as a zigzag varint."""
    assert pack_change(b"new", None) == b"new\x01"
    assert pack_change(None, b"old") == b"old\x00"
    assert pack_change(b"new", b"old") == b"\x06newold\x02"
    assert pack_change(b"n" * 100, b"o") == b"\xc8\x01" + b"n" * 100 + b"o\x02"


@pytest.mark.parametrize("data", [b"", b"x\x03", b"\x07\x02", b"\x0anew\x02", b"\xff\xff\xff\xff\xff\xff\x02"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"change ends|new value has|five bytes"):
        unpack_change(data)


def test_null_changes_nothing() -> None:
    assert unpack_change(None) == (None, None)


def test_as_objects() -> None:
    serde = change_serde(resolve(int))
    assert serde.id == "change(json:int)"
    assert serde.decode(serde.encode(Change(5, None))) == (5, None)
    assert serde.decode(b"\x0412\x02"[:1] + b"12" + b"3\x02") == (12, 3)
