"""``serde.ordered``: bytes sort as values do, and come back as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import SerdeError
from streams.serde import ordered

STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    bytes: st.binary(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False).filter(lambda value: str(value) != "-0.0"),
    bool: st.booleans(),
    UUID: st.uuids(),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    tuple[str, int]: st.tuples(st.text(alphabet="\x00\x01ab"), st.integers(-3, 3)),
    tuple[bytes, bytes]: st.tuples(st.binary(max_size=3), st.binary(max_size=3)),
    tuple[tuple[str, bool], float]: st.tuples(
        st.tuples(st.text(alphabet="\x00a", max_size=3), st.booleans()), st.floats(-2, 2).filter(bool)
    ),
}


@pytest.mark.parametrize("kind", STRATEGIES, ids=str)
@given(data=st.data())
def test_bytes_sort_as_values_do(kind: Any, data: st.DataObject) -> None:
    one, other = data.draw(STRATEGIES[kind]), data.draw(STRATEGIES[kind])
    serde = ordered(kind)
    assert serde.decode(serde.encode(one)) == one
    assert (serde.encode(one) < serde.encode(other)) == (one < other)


def test_a_text_and_a_zero_byte_within_a_tuple() -> None:
    """The example of docs/formats: a text ends with 00 00, and a zero inside is 00 FF."""
    assert ordered(tuple[str, int]).encode(("a\x00", 1)).hex() == "6100ff0000" + "8000000000000001"


def test_a_time_zone_is_normalised() -> None:
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    serde = ordered(datetime)
    assert serde.decode(serde.encode(east)) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (int, 2**63, ValueError),
        (int, True, TypeError),
        (int, "1", TypeError),
        (float, "1", TypeError),
        (datetime, datetime(2026, 1, 1), ValueError),
        (date, datetime(2026, 1, 1), TypeError),
        (tuple[int, int], (1,), ValueError),
        (tuple[int, int], [1, 2], TypeError),
        (bool, 1, TypeError),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(kind: Any, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        ordered(kind).encode(value)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (int, b"1234"),
        (bool, b"\x02"),
        (tuple[str, int], b"abc"),
        (tuple[int], b"\x00" * 9),
        (tuple[str, int], b"a\x00"),
    ],
    ids=str,
)
def test_other_bytes_are_a_value_error(kind: Any, data: bytes) -> None:
    with pytest.raises(ValueError):
        ordered(kind).decode(data)


def test_a_type_without_order_is_refused_with_the_list_of_those_that_have_one() -> None:
    kinds: Any = [dict, list[int], tuple[int, ...], object]
    for kind in kinds:
        with pytest.raises(SerdeError, match="these have: str, bytes, int"):
            ordered(kind)
