"""str and bytes: exact bytes, and no silent conversion of other types."""

from __future__ import annotations

from typing import Any

import pytest

from streams.serde.plain import absent, raw, utf8


def test_text_is_utf8() -> None:
    assert utf8.encode("zürich") == b"z\xc3\xbcrich"
    assert utf8.decode(b"z\xc3\xbcrich") == "zürich"


@pytest.mark.parametrize("value", [5, b"x", None, ["x"]])
def test_text_takes_nothing_else(value: Any) -> None:
    with pytest.raises(TypeError):
        utf8.encode(value)


def test_broken_text_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="0xff"):
        utf8.decode(b"\xff")


def test_bytes_are_passed_on_without_a_copy() -> None:
    data = bytes([1, 2, 3])
    assert raw.encode(data) is data
    assert raw.decode(data) is data


@pytest.mark.parametrize("value", [5, "x", bytearray(b"x")])
def test_bytes_take_nothing_else(value: Any) -> None:
    """``bytes(5)`` would be five zeros; an int must never become that."""
    with pytest.raises(TypeError):
        raw.encode(value)


@pytest.mark.parametrize("serde", [utf8, raw])
def test_one_call_of_a_c_function(serde: Any) -> None:
    """The hot path calls these for every record; a Python frame would double their cost."""
    assert not hasattr(serde.encode, "__code__")
    assert not hasattr(serde.decode, "__code__")


def test_absent_keeps_only_that_a_value_was_there() -> None:
    assert absent.encode(object()) == b""
    assert absent.decode(b"") is None
