"""Encoding by a value's own type."""

from __future__ import annotations

import pytest

from streams.operators.types import encode_by_type, nullable


def test_each_type_has_its_own_format() -> None:
    assert [encode_by_type(value) for value in ("a", b"a", 1, [1, "a"])] == [b"a", b"a", b"1", b'[1,"a"]']


def test_a_type_without_a_format_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_by_type(object())


def test_nullable() -> None:
    assert (nullable(str.encode)(None), nullable(str.encode)("a")) == (None, b"a")
