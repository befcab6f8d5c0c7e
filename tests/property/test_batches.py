"""Record batches against kafka-python's own builder and reader, and against damage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker_core.errors import CorruptBatch
from broker_core.protocol.batch import build_batch, decode_batch, read_header, validate_batch, with_offset
from broker_core.protocol.compression import Codec
from tests.property.oracles import MemoryRecords, MemoryRecordsBuilder

TEXT = st.none() | st.binary(max_size=40)
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=2).map(tuple)
ROWS = st.lists(st.tuples(TEXT, TEXT, st.integers(0, 2**42), HEADERS), min_size=1, max_size=40)
CODECS = st.sampled_from([Codec.NONE, Codec.GZIP])
"""The codecs that kafka-python has without further libraries."""


@settings(deadline=None)
@given(rows=ROWS, codec=CODECS, is_transactional=st.booleans())
def test_kafka_python_reads_our_batches(rows: list[Any], codec: int, is_transactional: bool) -> None:
    keys, values, timestamps, headers = (list(column) for column in zip(*rows, strict=True))
    raw = build_batch(
        keys, values, timestamps, headers, producer_id=7, producer_epoch=2, base_sequence=5,
        is_transactional=is_transactional, codec=codec,
    )  # fmt: skip
    theirs = MemoryRecords(with_offset(raw, 1_000, 3)).next_batch()
    assert theirs is not None and theirs.validate_crc()
    assert (theirs.base_offset, theirs.leader_epoch, theirs.is_transactional) == (1_000, 3, is_transactional)
    assert (theirs.producer_id, theirs.producer_epoch, theirs.base_sequence) == (7, 2, 5)
    found = [(record.offset, record.key, record.value, record.timestamp, tuple(record.headers)) for record in theirs]
    assert found == [(1_000 + index, *row) for index, row in enumerate(rows)]


@settings(deadline=None)
@given(rows=ROWS, codec=CODECS)
def test_we_read_kafka_pythons_batches(rows: list[Any], codec: int) -> None:
    builder = MemoryRecordsBuilder(magic=2, compression_type=int(codec), batch_size=1 << 20)
    for key, value, timestamp, headers in rows:
        builder.append(timestamp=timestamp, key=key, value=value, headers=list(headers))
    builder.close()
    raw = bytes(builder.buffer())
    header = validate_batch(raw)
    columns = decode_batch(raw)
    assert header.max_timestamp == max(row[2] for row in rows)
    headers_column = columns.headers or [()] * len(rows)
    assert list(zip(columns.keys, columns.values, columns.timestamps, headers_column, strict=True)) == rows


@settings(deadline=None)
@given(rows=ROWS)
def test_uncompressed_batches_are_kafka_pythons_byte_for_byte(rows: list[Any]) -> None:
    """Where the values agree, so do all bytes, checksum included."""
    keys, values, timestamps, headers = (list(column) for column in zip(*rows, strict=True))
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 20)
    for key, value, timestamp, record_headers in rows:
        builder.append(timestamp=timestamp, key=key, value=value, headers=list(record_headers))
    builder.close()
    theirs = bytes(builder.buffer())
    ours = build_batch(keys, values, timestamps, headers)
    # kafka-python writes leader epoch 0 where Java's client, like ours, writes -1; the checksum does not cover it.
    assert ours == with_offset(theirs, 0, -1)


@settings(deadline=None, max_examples=300)
@given(rows=ROWS, codec=st.sampled_from(Codec), data=st.data())
def test_no_changed_byte_goes_unnoticed(rows: list[Any], codec: int, data: st.DataObject) -> None:
    """One byte exchanged anywhere but in the base offset and leader epoch, which the checksum leaves out, is found."""
    keys, values, timestamps, headers = (list(column) for column in zip(*rows, strict=True))
    raw = bytearray(build_batch(keys, values, timestamps, headers, codec=codec))
    validate_batch(bytes(raw))
    position = data.draw(st.integers(8, 11) | st.integers(16, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptBatch):
        validate_batch(bytes(raw))


@settings(deadline=None, max_examples=300)
@given(rows=ROWS, codec=st.sampled_from(Codec), data=st.data())
def test_a_damaged_batch_decodes_or_is_corrupt(rows: list[Any], codec: int, data: st.DataObject) -> None:
    """Without the checksum, too, damage ends in columns or ``CorruptBatch``, whatever number it hits."""
    keys, values, timestamps, headers = (list(column) for column in zip(*rows, strict=True))
    raw = bytearray(build_batch(keys, values, timestamps, headers, codec=codec))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    hostile = bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    try:
        columns = decode_batch(hostile, max_bytes=1 << 20)
    except CorruptBatch:
        return
    assert len(columns.keys) == len(columns.values) == len(columns.timestamps) == read_header(hostile).record_count
