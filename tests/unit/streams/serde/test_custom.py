"""``serde.of``: two functions make a serde."""

from __future__ import annotations

from typing import Any

import pytest

from streams.errors import SerdeError
from streams.serde import of


def to_hex(value: int) -> bytes:
    return f"{value:x}".encode()


def from_hex(data: bytes) -> int:
    return int(data, 16)


def test_two_functions_make_a_serde() -> None:
    serde = of(to_hex, from_hex)
    assert serde.decode(serde.encode(255)) == 255
    assert serde.type is int
    assert serde.id == f"of:{__name__}.to_hex"


def test_its_name_and_order_can_be_given() -> None:
    serde = of(to_hex, from_hex, id="hex", ordered=True)
    assert (serde.id, serde.ordered) == ("hex", True)


def test_no_function_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(SerdeError, match="decode is None"):
        of(to_hex, nothing)
