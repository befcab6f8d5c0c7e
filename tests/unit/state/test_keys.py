"""Rows and ranges as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.keys import decode_row, encode_row, encode_rows, prefix_end, row_timestamp, row_value

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(value=st.binary(), timestamp=INT64)
def test_a_row_gives_back_value_and_timestamp(value: bytes, timestamp: int) -> None:
    row = encode_row(value, timestamp)
    assert decode_row(row) == (value, timestamp)
    assert (row_value(row), row_timestamp(row)) == (value, timestamp)


@given(rows=st.lists(st.tuples(st.none() | st.binary(), INT64)))
def test_many_rows_are_encoded_as_each_alone(rows: list[tuple[bytes | None, int]]) -> None:
    values, timestamps = [value for value, _ in rows], [timestamp for _, timestamp in rows]
    expected = [None if value is None else encode_row(value, timestamp) for value, timestamp in rows]
    assert encode_rows(values, timestamps) == expected


def test_a_row_too_short_for_a_timestamp_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 bytes, this one has 7"):
        decode_row(b"1234567")


@given(prefix=st.binary(), key=st.binary())
def test_prefix_end_parts_the_keys_with_the_prefix_from_those_after(prefix: bytes, key: bytes) -> None:
    end = prefix_end(prefix)
    inside = key >= prefix and (end is None or key < end)
    assert inside == key.startswith(prefix)
