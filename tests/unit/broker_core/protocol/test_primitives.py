"""Single values in their wire forms: examples from the protocol guide, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.errors import ProtocolError
from broker_core.protocol import primitives


@pytest.mark.parametrize(
    ("value", "raw"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**32 - 1, "ffffffff0f")],
)
def test_unsigned_varint(value: int, raw: str) -> None:
    assert primitives.unsigned_varint(value) == bytes.fromhex(raw)
    assert primitives.read_unsigned_varint(bytes.fromhex(raw), 0) == (value, len(raw) // 2)


@pytest.mark.parametrize("raw", ["", "80", "ffffffff1f", "ffffffffff01", "808080808000"])
def test_an_unsigned_varint_of_more_than_32_bits_or_cut_short_is_refused(raw: str) -> None:
    with pytest.raises(ProtocolError):
        primitives.read_unsigned_varint(bytes.fromhex(raw), 0)


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_value_beyond_32_bits_is_no_unsigned_varint(value: int) -> None:
    with pytest.raises(ProtocolError):
        primitives.unsigned_varint(value)


FORMS = [
    ("string", "hé", "000368c3a9"),
    ("nullable_string", None, "ffff"),
    ("compact_string", "hé", "0468c3a9"),
    ("compact_nullable_string", None, "00"),
    ("bytes", b"\1\2", "000000020102"),
    ("nullable_bytes", None, "ffffffff"),
    ("compact_bytes", b"\1\2", "030102"),
    ("compact_bytes", b"x" * 127, "8001" + "78" * 127),
    ("compact_nullable_bytes", None, "00"),
]


@pytest.mark.parametrize(("form", "value", "raw"), FORMS)
def test_strings_and_bytes_have_twin_readers_and_writers(form: str, value: Any, raw: str) -> None:
    pieces: list[bytes] = []
    getattr(primitives, f"write_{form}")(pieces.append, value)
    data = b"".join(pieces)
    assert data == bytes.fromhex(raw)
    read = getattr(primitives, f"read_{form}")
    assert read(b"\xaa" + data + b"\xaa", 1) == (value, 1 + len(data))
    for end in range(len(data)):
        with pytest.raises(ProtocolError):
            read(data[:end], 0)


@pytest.mark.parametrize(
    ("form", "raw"),
    [("string", "ffff"), ("nullable_string", "fffe"), ("compact_string", "00"), ("bytes", "ffffffff"),
     ("nullable_bytes", "fffffffe"), ("compact_bytes", "00"), ("string", "0001ff"), ("compact_string", "02ff")],
)  # fmt: skip
def test_null_where_it_is_not_allowed_and_bad_utf8_are_refused(form: str, raw: str) -> None:
    with pytest.raises(ProtocolError):
        getattr(primitives, f"read_{form}")(bytes.fromhex(raw), 0)


@pytest.mark.parametrize("form", ["string", "compact_string"])
def test_a_string_too_long_for_its_length_field_is_refused(form: str) -> None:
    with pytest.raises(ProtocolError, match="32768"):
        getattr(primitives, f"write_{form}")([].append, "x" * 32_768)


def test_an_array_count_is_checked_against_the_bytes_left() -> None:
    """Two thousand million items are refused before a list for them exists."""
    huge = bytes.fromhex("7fffffff")
    with pytest.raises(ProtocolError, match="2147483647 items"):
        primitives.read_count(huge + b"\0" * 100, 0, 4, False)
    assert primitives.read_count(bytes.fromhex("00000019") + b"\0" * 100, 0, 4, False) == (25, 4)
    with pytest.raises(ProtocolError):
        primitives.read_count(bytes.fromhex("ffffffff"), 0, 4, False)
    assert primitives.read_count(bytes.fromhex("ffffffff"), 0, 4, True) == (-1, 4)
    assert primitives.read_compact_count(b"\0", 0, 1, True) == (-1, 1)


def test_unknown_tagged_fields_are_passed_over() -> None:
    section = bytes.fromhex("02 05 03 aabbcc 8001 00")
    assert primitives.skip_tagged_fields(section + b"rest", 0) == len(section)
    with pytest.raises(ProtocolError):
        primitives.skip_tagged_fields(section[:-1], 0)


@pytest.mark.parametrize("text", [None, "", "a" * 32_767, "\u00e9" * 16_383])
def test_a_text_that_fits_is_left_alone(text: str | None) -> None:
    assert primitives.fitting(text) == text


@pytest.mark.parametrize(("text", "kept"), [("a" * 32_768, "a" * 32_764), ("\u00e9" * 16_384, "\u00e9" * 16_382)])
def test_a_text_that_does_not_fit_is_cut_between_characters(text: str, kept: str) -> None:
    assert primitives.fitting(text) == kept + "..."
