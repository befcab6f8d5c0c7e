"""Where no type is declared, each object is written in its own type's format."""

from __future__ import annotations

from typing import Any

import pytest

from streams.errors import SerdeError
from streams.serde.own import own_type


@pytest.mark.parametrize(("value", "written"), [("a", b"a"), (b"\x00", b"\x00"), (5, b"5"), ({"a": [1]}, b'{"a":[1]}')])
def test_each_object_by_its_own_type(value: Any, written: bytes) -> None:
    assert own_type.encode(value) == written


def test_what_is_read_stays_bytes() -> None:
    assert own_type.decode(b"5") == b"5"


def test_an_object_without_a_format_is_refused() -> None:
    with pytest.raises(SerdeError, match=r"there is no format for .*generator"):
        own_type.encode(value for value in "ab")
