"""Messages about values and bytes that do not fit: they name the type, what came, and what to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from streams import serde
from streams.errors import SerdeError
from streams.serde import explain, resolve


@dataclass
class Bid:
    auction: int


class NoFormat:
    """Has no serde."""


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (str, 5, r"the value 5 is of type int, but value=str is declared\. Declare value=int, or return a str"),
        (int, "x", r"the value 'x' is of type str, but value=int is declared\. Declare value=str, or return an int"),
        (Bid, {}, r"of type dict, but value=Bid is declared\. Declare value=dict, or return a Bid"),
        (list[Bid], "x", r"value=list\[Bid\] is declared"),
        (str, NoFormat(), r"of type .*NoFormat, but value=str is declared\. Return a str where it is made"),
        (serde.int64, 2**64, r"which serde\.int64 takes, but not this one: int64 cannot hold it"),
        (float, float("nan"), r"serde\.float64 keeps it"),
        (bytes, "x", r"return bytes where"),
    ],
)
def test_a_value_that_does_not_fit(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(SerdeError, match=message):
        explain.encode(resolve(kind), value, "value")


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (int, b"\x00\x00\x00\x05", r"the key's 4 bytes are not key=int: .* declare key=serde\.int32"),
        (int, b"\x00" * 8, r"declare key=serde\.int64"),
        (float, b"\x3f" * 8, r"declare key=serde\.float64"),
        (serde.int64, b"\x00" * 4, r"could be key=serde\.int32"),
        (serde.int32, b"\x00" * 8, r"could be key=serde\.int64"),
        (serde.int64, b"12", r"text of a number: declare key=int"),
        (int, b"abc", r"plain text, declare key=str"),
        (Bid, b"{}", r"missing required field `auction`.*declare its type"),
        (str, b"\xff\xfe", r"key=bytes takes everything"),
        (int, b"\x00" * 100, r"100 bytes are not key=int: b'[^']*' \.\.\. "),
        (serde.ordered(int), b"1", r"not key=serde\.ordered\(int\)"),
    ],
)
def test_bytes_that_do_not_fit(kind: Any, data: bytes, message: str) -> None:
    with pytest.raises(SerdeError, match=message):
        explain.decode(resolve(kind), data, "key")


def test_null_needs_no_serde() -> None:
    assert explain.encode(resolve(str), None) is None
    assert explain.decode(resolve(str), None) is None


def test_what_fits_passes() -> None:
    assert explain.encode(resolve(int), 5) == b"5"
    assert explain.decode(resolve(int), b"5") == 5


@pytest.mark.parametrize("timestamp", [-1, 2**63, 1.5, "now", None])
def test_a_timestamp_is_milliseconds(timestamp: object) -> None:
    assert "no number of milliseconds" in (explain.record_problem(timestamp, ()) or "")
    assert explain.record_problem(0, ()) is None
    assert explain.record_problem(2**63 - 1, ()) is None


@pytest.mark.parametrize("headers", [(("a", "text"),), ((1, b"x"),), (("a",),), "text", 5, None])
def test_headers_are_pairs(headers: object) -> None:
    assert "no pairs of str and bytes" in (explain.record_problem(1, headers) or "")
    assert explain.record_problem(1, (("a", b"x"), ("b", None))) is None
