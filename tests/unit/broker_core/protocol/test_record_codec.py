"""What either form of the record codec refuses to write or read, by example (the rest is a property suite)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from broker_core.compiled import load_interpreted
from broker_core.errors import CorruptBatch
from broker_core.protocol import record_codec

TWINS = [
    pytest.param(load_interpreted("broker_core.protocol.record_codec"), id="interpreted"),
    pytest.param(record_codec, id="as imported"),
]
RECORD = bytes.fromhex("10 00 0a 00 02 61 02 62 00")
"""Timestamp delta 5, key ``a``, value ``b``."""


@pytest.mark.parametrize("codec", TWINS)
def test_one_record(codec: ModuleType) -> None:
    raw, base, largest = codec.encode_records([b"x", b"a"], [None, b"b"], [0, 5], None, 0, 2)
    assert raw == bytes.fromhex("0e 00 00 00 0278 01 00" + "10 00 0a 02 0261 0262 00")
    assert (base, largest) == (0, 5)
    assert codec.decode_records(b"??" + RECORD + b"?", 2, 11, 1, 7, 100) == ([b"a"], [b"b"], [105], None, None)


@pytest.mark.parametrize("codec", TWINS)
@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        (([], [], [], None, 0, 0), "no records"),
        (([b"a"], [b"b"], [1], None, 0, 2), "no records"),
        (([b"a", b"a"], [b"b"], [1, 1], None, 0, 2), "no records"),
        (([b"a", b"a"], [b"b", b"b"], [1], None, 0, 2), "no records"),
        (([b"a"], [b"b"], [1], None, -1, 1), "no records"),
        (([b"a"], [b"b"], [1], [], 0, 1), "no headers"),
        (([b"a"], [b"b"], [2**61], None, 0, 1), "out of range"),
        (([b"a"] * 2, [b"b"] * 2, [0, -(2**61)], None, 0, 2), "out of range"),
    ],
)
def test_columns_that_cannot_be_written(codec: ModuleType, columns: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        codec.encode_records(*columns)


@pytest.mark.parametrize("codec", TWINS)
@pytest.mark.parametrize("columns", [(["text"], [b"b"]), ([b"a"], ["text"]), ([b"a"], [5])])
def test_keys_and_values_are_bytes(codec: ModuleType, columns: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        codec.encode_records(*columns, [1], None, 0, 1)


@pytest.mark.parametrize("codec", TWINS)
@pytest.mark.parametrize(
    ("raw", "count", "complaint"),
    [
        (RECORD, 2, "2 records do not fit"),
        (RECORD, -1, "-1 records"),
        (RECORD, 2**31 - 1, "do not fit"),
        (RECORD * 2, 1, "9 bytes follow"),
        (RECORD[:-1], 1, "wrong length"),
        (b"\x0a" + RECORD[1:], 1, "wrong length"),
        (b"\xff" * 9, 1, "wrong length"),
        (bytes.fromhex("10 00 ffffffffffffff"), 1, "wrong timestamp"),
        (bytes.fromhex("10 00 0a 01 02 61 02 62 00"), 1, "wrong offset"),
        (RECORD * 2, 2, "record 1 of the batch has a wrong offset"),
        (bytes.fromhex("10 00 0a 00 20 61 02 62 00"), 1, "wrong key"),
        (bytes.fromhex("10 00 0a 00 02 61 20 62 00"), 1, "wrong value"),
        (bytes.fromhex("10 00 0a 00 02 61 02 62 02"), 1, "wrong headers"),
        (bytes.fromhex("10 00 0a 00 02 61 02 62 01"), 1, "wrong headers"),
        (bytes.fromhex("14 00 0a 00 01 01 02 02ff 01 00"), 1, "wrong headers"),
    ],
)
def test_bytes_that_are_no_records(codec: ModuleType, raw: bytes, count: int, complaint: str) -> None:
    with pytest.raises(CorruptBatch, match=complaint):
        codec.decode_records(raw, 0, len(raw), count, 0, 0)


@pytest.mark.parametrize("codec", TWINS)
@pytest.mark.parametrize(("start", "end"), [(-1, 9), (0, 10), (5, 4)])
def test_a_range_outside_the_bytes_is_refused(codec: ModuleType, start: int, end: int) -> None:
    with pytest.raises(CorruptBatch):
        codec.decode_records(RECORD, start, end, 1, 0, 0)
