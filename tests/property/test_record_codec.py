"""The two forms of the record codec, compiled and interpreted, are one function; and neither trusts its input."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker_core.compiled import compiled_modules, load_interpreted
from broker_core.errors import CorruptBatch
from broker_core.protocol import record_codec

NAME = "broker_core.protocol.record_codec"
INTERPRETED = load_interpreted(NAME)
TWINS = [pytest.param(INTERPRETED, id="interpreted"), pytest.param(record_codec, id="as imported")]
compiled_only = pytest.mark.skipif(not compiled_modules()[NAME], reason="no compiled form was built")

TEXT = st.none() | st.binary(max_size=12) | st.integers(0, 20_000).map(bytes)
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3).map(tuple)
TIMESTAMPS = st.integers(-1, 2**42) | st.integers(-(2**61) + 1, 2**61 - 1)
ROWS = st.lists(st.tuples(TEXT, TEXT, TIMESTAMPS, HEADERS), min_size=1, max_size=140)


def columns(rows: list[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("codec", TWINS)
@settings(deadline=None, max_examples=60)
@given(rows=ROWS, with_headers=st.booleans(), data=st.data())
def test_columns_survive(codec: ModuleType, rows: list[Any], with_headers: bool, data: st.DataObject) -> None:
    """decode(encode(columns[start:stop])) is columns[start:stop], and the timestamps are told."""
    start = data.draw(st.integers(0, len(rows) - 1))
    stop = data.draw(st.integers(start + 1, len(rows)))
    keys, values, timestamps, headers = columns(rows)
    body, base, largest = codec.encode_records(keys, values, timestamps, headers if with_headers else None, start, stop)
    assert (base, largest) == (timestamps[start], max(timestamps[start:stop]))
    found = codec.decode_records(body, 0, len(body), stop - start, 1_000, base)
    expected_headers = headers[start:stop] if with_headers and any(headers[start:stop]) else None
    assert found == (keys[start:stop], values[start:stop], timestamps[start:stop], expected_headers, None)


@compiled_only
@settings(deadline=None, max_examples=100)
@given(rows=ROWS, with_headers=st.booleans())
def test_the_twins_write_the_same_bytes(rows: list[Any], with_headers: bool) -> None:
    keys, values, timestamps, headers = columns(rows)
    arguments = (keys, values, timestamps, headers if with_headers else None, 0, len(rows))
    assert record_codec.encode_records(*arguments) == INTERPRETED.encode_records(*arguments)


@pytest.mark.parametrize("codec", TWINS)
@settings(deadline=None, max_examples=60)
@given(rows=ROWS, with_headers=st.booleans(), base=TIMESTAMPS, data=st.data())
def test_records_with_gaps_survive(
    codec: ModuleType, rows: list[Any], with_headers: bool, base: int, data: st.DataObject
) -> None:
    """Any ascending offsets and any base timestamp, as compaction writes them; the twins write the same bytes."""
    deltas = sorted(data.draw(st.sets(st.integers(0, 2**31 - 1), min_size=len(rows), max_size=len(rows))))
    keys, values, timestamps, headers = columns(rows)
    arguments = (keys, values, timestamps, headers if with_headers else None, deltas, base)
    body = codec.encode_sparse_records(*arguments)
    assert body == INTERPRETED.encode_sparse_records(*arguments)
    found = codec.decode_records(body, 0, len(body), len(rows), 1_000, base)
    expected_headers = headers if with_headers and any(headers) else None
    assert found[:4] == (keys, values, timestamps, expected_headers)
    assert (found[4] or [1_000 + index for index in range(len(rows))]) == [1_000 + delta for delta in deltas]


@pytest.mark.parametrize("codec", TWINS)
@pytest.mark.parametrize(
    "deltas", [[0], [0, 0], [1, 0], [0, 2**31], [-1, 0], [0, 1, 2]], ids=["few", "twice", "down", "far", "low", "many"]
)
def test_offsets_that_no_batch_can_have_are_refused(codec: ModuleType, deltas: list[int]) -> None:
    with pytest.raises(ValueError, match=r"out of range|2 keys"):
        codec.encode_sparse_records([b"a", b"b"], [b"", b""], [1, 2], None, deltas, 0)


def outcome(codec: ModuleType, *arguments: Any) -> Any:
    try:
        return codec.decode_records(*arguments)
    except CorruptBatch as error:
        return str(error)


@compiled_only
@settings(deadline=None, max_examples=400)
@given(rows=ROWS, data=st.data())
def test_the_twins_read_and_refuse_alike(rows: list[Any], data: st.DataObject) -> None:
    """Bytes exchanged, cut or appended, counts and bases wrong: the same columns or the same complaint."""
    keys, values, timestamps, headers = columns(rows)
    body, base, _ = INTERPRETED.encode_records(keys, values, timestamps, headers, 0, len(rows))
    raw = bytearray(body)
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    hostile = bytes(raw[: data.draw(st.integers(0, len(raw)))]) if data.draw(st.booleans()) else bytes(raw)
    count = data.draw(st.just(len(rows)) | st.integers(-1, 2**31 - 1))
    base_offset = data.draw(st.integers(0, 2**63 - 1))
    base_timestamp = data.draw(st.just(base) | st.integers(-(2**63), 2**63 - 1))
    arguments = (hostile, 0, len(hostile), count, base_offset, base_timestamp)
    assert outcome(record_codec, *arguments) == outcome(INTERPRETED, *arguments)


@compiled_only
@settings(deadline=None, max_examples=400)
@given(noise=st.binary(max_size=80), count=st.integers(0, 12))
def test_the_twins_agree_about_noise(noise: bytes, count: int) -> None:
    arguments = (noise, 0, len(noise), count, 0, 0)
    assert outcome(record_codec, *arguments) == outcome(INTERPRETED, *arguments)


@compiled_only
@settings(deadline=None)
@given(value=st.integers(-(2**63), 2**63 - 1))
def test_the_twins_read_every_varint(value: int) -> None:
    """A timestamp delta of any 64-bit value, in its ten-byte form, is read or refused alike."""
    code = value * 2 if value >= 0 else -value * 2 - 1
    varint = bytearray()
    while code > 127:
        varint.append(code & 127 | 128)
        code >>= 7
    varint.append(code)
    record = b"\0" + bytes(varint) + b"\0\x01\x01\0"
    raw = bytes((len(record) * 2,)) + record
    assert outcome(record_codec, raw, 0, len(raw), 1, 0, 0) == outcome(INTERPRETED, raw, 0, len(raw), 1, 0, 0)


def checked(codec: ModuleType, *arguments: Any) -> Any:
    try:
        return codec.check_records(*arguments)
    except CorruptBatch as error:
        return str(error), error.record_index


@pytest.mark.parametrize("codec", TWINS)
@settings(deadline=None, max_examples=60)
@given(rows=ROWS)
def test_checking_tells_the_range_of_timestamps_and_a_missing_key(codec: ModuleType, rows: list[Any]) -> None:
    keys, values, timestamps, headers = columns(rows)
    body, base, _ = codec.encode_records(keys, values, timestamps, headers, 0, len(rows))
    keyless = keys.index(None) if None in keys else -1
    expected = (min(timestamps) - base, max(timestamps) - base, keyless)
    assert codec.check_records(body, 0, len(body), len(rows)) == expected


@compiled_only
@settings(deadline=None, max_examples=200)
@given(rows=ROWS, data=st.data())
def test_the_twins_check_alike_and_pass_nothing_that_cannot_be_decoded(rows: list[Any], data: st.DataObject) -> None:
    """But for names of headers, which only decoding looks at."""
    keys, values, timestamps, _ = columns(rows)
    body, base, _ = record_codec.encode_records(keys, values, timestamps, None, 0, len(rows))
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    count = len(rows) + data.draw(st.integers(-1, 1))
    arguments = (bytes(damaged), 0, len(body), count)
    found = checked(record_codec, *arguments)
    assert found == checked(INTERPRETED, *arguments)
    decoded = outcome(INTERPRETED, *arguments, 0, base)
    if isinstance(found[0], int) and not (isinstance(decoded, str) and "headers" in decoded):
        assert not isinstance(decoded, str)
        assert decoded[4] is None, "offsets count up"
