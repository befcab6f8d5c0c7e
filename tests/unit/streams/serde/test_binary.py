"""Kafka's binary formats, by the bytes that Java's serializers write."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serde.binary import float32, float64, int16, int32, int64, uuid

EXAMPLES: list[tuple[Any, Any, str]] = [
    (int16, -2, "fffe"),
    (int32, 258, "00000102"),
    (int64, -1, "ffffffffffffffff"),
    (float32, 1.5, "3fc00000"),
    (float64, -2.0, "c000000000000000"),
    (uuid, UUID("12345678-1234-5678-1234-567812345678"), b"12345678-1234-5678-1234-567812345678".hex()),
]


@pytest.mark.parametrize(("serde", "value", "written"), EXAMPLES, ids=lambda example: getattr(example, "id", None))
def test_the_bytes_are_kafkas(serde: Any, value: Any, written: str) -> None:
    assert serde.encode(value).hex() == written
    assert serde.decode(bytes.fromhex(written)) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_int64_round_trip(value: int) -> None:
    assert int64.decode(int64.encode(value)) == value


@pytest.mark.parametrize(("serde", "value"), [(int16, 2**15), (int32, -(2**31) - 1), (int64, 2**63), (int64, "5")])
def test_what_does_not_fit_is_a_value_error(serde: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=serde.id):
        serde.encode(value)


@pytest.mark.parametrize(("serde", "length"), [(int32, 8), (int64, 4), (float64, 0), (int16, 3)])
def test_another_length_is_a_value_error(serde: Any, length: int) -> None:
    with pytest.raises(ValueError, match=f"these are {length}"):
        serde.decode(b"\x00" * length)


@pytest.mark.parametrize("serde", [int16, int32, int64, float32, float64])
def test_the_shortcut_writes_the_same(serde: Any) -> None:
    """Generated code calls ``fast.encode`` for exact instances."""
    value = serde.fast.exact(7)
    assert serde.fast.encode(value) == serde.encode(value)


def test_a_uuid_is_not_its_text() -> None:
    text: Any = "12345678-1234-5678-1234-567812345678"
    with pytest.raises(TypeError, match="UUID"):
        uuid.encode(text)
    with pytest.raises(ValueError):
        uuid.decode(b"no uuid")
