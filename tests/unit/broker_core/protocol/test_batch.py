"""Batches captured from other implementations, the worked example of the docs, and every check by itself."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from broker_core.errors import CorruptBatch
from broker_core.protocol.batch import (
    HEADER_BYTES,
    BatchHeader,
    build_batch,
    check_crc,
    control_batch,
    decode_batch,
    iterate_batches,
    keep_records,
    read_control,
    read_header,
    validate_batch,
    with_log_append_time,
    with_offset,
)
from broker_core.protocol.compression import Codec

BROKER_0_11 = bytes.fromhex(
    "00000000000000000000003b00000001020318a2700000000000000000015dff7b063c0000015dff7b063cffffffffffffffffffffffffffff"
    "0000000112000000010631323300"
    "0000000000000001000000400000000202c85cbd230000000000010000015dff7cdd6c0000015dff7cde14ffffffffffffffffffffffffffff"
    "000000020c0000000100000e00d00202010000"
    "00000000000000030000003b00000002022e0b85b70000000000000000015dff7ce79d0000015dff7ce79dffffffffffffffffffffffffffff"
    "0000000112000000010631323300"
)
"""Three batches out of a log of Apache Kafka 0.11, from the test data of kafka-python and aiokafka."""

# Written by MemoryRecordsBuilder of Apache Kafka 4.3.1: offset 42, leader epoch 5, producer 4242/3, sequence 17,
# transactional; one record with two headers, one of nulls, one of empty bytes that is a millisecond early.
JAVA = {
    Codec.NONE: bytes.fromhex(
        "000000000000002a0000007b000000050231af014a0010000000020000018bcfe568000000018bcfe5680500000000000010"
        "92000300000011000000037600000008757365724668656c6c6f2068656c6c6f2068656c6c6f2068656c6c6f2068656c6c6f"
        "2068656c6c6f040a74726163650231086e6f6e65010c000a020101000c000104000000"
    ),
    Codec.GZIP: bytes.fromhex(
        "000000000000002a00000073000000050239d237420011000000020000018bcfe568000000018bcfe5680500000000000010"
        "92000300000011000000031f8b08000000000000ff2b636060e0282d4e2d72cb48cdc9c957c04bb27095142526a7321972e4"
        "e5e7a532f2307031313232f03030b2004d0100c557617b4a000000"
    ),
    Codec.SNAPPY: bytes.fromhex(
        "000000000000002a000000780000000502c38cbf920012000000020000018bcfe568000000018bcfe5680500000000000010"
        "920003000000110000000382534e41505059000000000100000001000000334a3c7600000008757365724668656c6c6f2072"
        "060070040a74726163650231086e6f6e65010c000a020101000c000104000000"
    ),
    Codec.LZ4: bytes.fromhex(
        "000000000000002a000000740000000502d53049830013000000020000018bcfe568000000018bcfe5680500000000000010"
        "920003000000110000000304224d1860408234000000ff017600000008757365724668656c6c6f2006000af00e040a747261"
        "63650231086e6f6e65010c000a020101000c00010400000000000000"
    ),
    Codec.ZSTD: bytes.fromhex(
        "000000000000002a0000007100000005029726de9f0014000000020000018bcfe568000000018bcfe5680500000000000010"
        "920003000000110000000328b52ffd0058a40100d4027600000008757365724668656c6c6f20040a74726163650231086e6f"
        "6e65010c000a020101000c0001040000000100729725010000"
    ),
}
JAVA_ABORT = bytes.fromhex(
    "0000000000000007000000420000000502a1902d420030000000000000018bcfe568000000018bcfe5680000000000000010"
    "920003ffffffff000000012000000008000000000c00000000000900"
)
JAVA_COMMIT = bytes.fromhex(
    "000000000000000700000042000000050255aefb0a0030000000000000018bcfe568000000018bcfe5680000000000000010"
    "920003ffffffff000000012000000008000000010c00000000000900"
)
JAVA_LOGAPPEND = bytes.fromhex(
    "00000000000000000000004300000000028811ee1100080000000100000000000000010000018bcfe56be7ffffffffffffff"
    "ffffffffffffff0000000210000000026b02760010000202026b027700"
)

KEYS = [b"user", None, b""]
VALUES = [b"hello hello hello hello hello hello", None, b""]
TIMESTAMPS = [1_700_000_000_000, 1_700_000_000_005, 1_699_999_999_999]
HEADERS = [(("trace", b"1"), ("none", None)), (), ()]
EXAMPLE = Path(__file__).parents[4] / "docs" / "formats" / "record_batch.md"


def test_batches_of_an_old_broker() -> None:
    found = [(position, header.next_offset, header.crc) for position, header in iterate_batches(BROKER_0_11)]
    assert found == [(0, 1, 0x0318A270), (71, 3, 0xC85CBD23), (147, 4, 0x2E0B85B7)]
    for position, header in iterate_batches(BROKER_0_11):
        check_crc(BROKER_0_11, position, header)
    columns = decode_batch(BROKER_0_11, 71)
    assert (columns.base_offset, columns.next_offset) == (1, 3)
    assert (columns.keys, columns.values) == ([None, None], [b"", b""])
    assert columns.timestamps == [1503229959532, 1503229959700]


@pytest.mark.parametrize("codec", list(Codec))
def test_java_batches_are_read(codec: Codec) -> None:
    header = validate_batch(JAVA[codec])
    assert (header.base_offset, header.next_offset, header.partition_leader_epoch) == (42, 45, 5)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (4242, 3, 17)
    assert (header.codec, header.is_transactional, header.is_control) == (codec, True, False)
    columns = decode_batch(JAVA[codec], 0, header)
    assert columns == (42, 45, KEYS, VALUES, TIMESTAMPS, HEADERS, None)


def test_an_uncompressed_batch_is_javas_byte_for_byte() -> None:
    ours = build_batch(
        KEYS, VALUES, TIMESTAMPS, HEADERS, producer_id=4242, producer_epoch=3, base_sequence=17, is_transactional=True
    )
    assert with_offset(ours, 42, 5) == JAVA[Codec.NONE]


@pytest.mark.parametrize(("raw", "commit"), [(JAVA_ABORT, False), (JAVA_COMMIT, True)])
def test_markers_are_javas_byte_for_byte(raw: bytes, commit: bool) -> None:
    assert with_offset(control_batch(4242, 3, 9, commit, 1_700_000_000_000), 7, 5) == raw
    assert read_control(raw) == (commit, 9)
    header = validate_batch(raw)
    assert header.is_control and header.is_transactional and header.base_sequence == -1 == header.last_sequence


def test_log_append_time_overrides_the_records() -> None:
    assert decode_batch(JAVA_LOGAPPEND).timestamps == [1_700_000_000_999] * 2
    stamped = with_log_append_time(build_batch([b"k"], [b"v"], [5]), 77)
    header = validate_batch(stamped)
    assert header.is_log_append_time and header.max_timestamp == 77
    assert decode_batch(stamped).timestamps == [77]


def test_the_worked_example_of_the_docs() -> None:
    """The hex dump in docs/formats/record_batch.md is what the code writes for the record that the page names."""
    dump = re.search(r"```hex\n(.*?)```", EXAMPLE.read_text(), re.DOTALL)
    assert dump is not None
    documented = bytes.fromhex(re.sub(r"#.*", "", dump[1]))
    ours = build_batch([b"user"], [b"hello"], [1_700_000_000_000], [(("trace", b"1"),)], producer_id=7,
                       producer_epoch=0, base_sequence=3)  # fmt: skip
    assert with_offset(ours, 42, 5) == documented


def test_a_place_in_the_log_leaves_the_checksum_alone() -> None:
    ours = build_batch([b"a", b"b"], [b"1", b"2"], [9, 4])
    placed = with_offset(ours, 2**40, 77)
    header = validate_batch(placed)
    assert (header.base_offset, header.next_offset, header.partition_leader_epoch) == (2**40, 2**40 + 2, 77)
    assert placed[16:] == ours[16:] and header.crc == read_header(ours).crc
    assert (header.base_timestamp, header.max_timestamp) == (9, 9)


def test_sequences_wrap() -> None:
    header = read_header(build_batch([b"k"] * 3, [b"v"] * 3, [0] * 3, producer_id=1, base_sequence=2**31 - 2))
    assert header.last_sequence == 0


def test_an_incomplete_batch_ends_the_iteration() -> None:
    for cut in (1, 10, 11, 70):
        assert [position for position, _ in iterate_batches(BROKER_0_11[:-cut])] == [0, 71]
    assert list(iterate_batches(b"")) == []


def test_what_a_range_selects() -> None:
    keys, values = [b"%d" % number for number in range(9)], [b"v"] * 9
    columns = decode_batch(build_batch(keys, values, list(range(9)), start=3, stop=5))
    assert (columns.keys, columns.timestamps, columns.next_offset) == ([b"3", b"4"], [3, 4], 2)
    for start, stop in ((3, 3), (-1, 2), (5, 10)):
        with pytest.raises(ValueError, match="no records"):
            build_batch(keys, values, list(range(9)), start=start, stop=stop)


def repacked(raw: bytes, **changes: int) -> bytes:
    """``raw`` with header fields changed and the checksum not adapted."""
    header = read_header(raw)._replace(**changes)
    return struct.pack(">qiibIhiqqqhii", *header) + raw[HEADER_BYTES:]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"magic": 1}, "format 1"),
        ({"length": 48}, "length 48"),
        ({"length": -1}, "length -1"),
        ({"base_offset": -1}, "negative"),
        ({"last_offset_delta": -1}, "negative"),
        ({"record_count": -1}, "negative"),
        ({"record_count": 4}, "4 records in 3 offsets"),
    ],
)
def test_a_header_that_cannot_be_true_is_refused(changes: dict[str, int], complaint: str) -> None:
    with pytest.raises(CorruptBatch, match=complaint):
        read_header(repacked(JAVA[Codec.NONE], **changes))
    with pytest.raises(CorruptBatch, match="too few"):
        read_header(JAVA[Codec.NONE][:60])


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (JAVA[Codec.NONE] + b"x", "one whole batch"),
        (JAVA[Codec.NONE][:-1], "one whole batch"),
        (BROKER_0_11, "one whole batch"),
        (repacked(JAVA[Codec.NONE], crc=1), "checksum"),
        (repacked(JAVA[Codec.NONE], last_offset_delta=3), "3 records for 4 offsets"),
        (repacked(JAVA[Codec.NONE], record_count=0), "0 records"),
        (repacked(JAVA[Codec.NONE], record_count=2_000, last_offset_delta=1_999), "2000 records in"),
    ],
)
def test_what_a_producer_may_not_send(raw: bytes, complaint: str) -> None:
    with pytest.raises(CorruptBatch, match=complaint):
        validate_batch(raw)


def test_a_batch_over_the_limit_is_refused() -> None:
    with pytest.raises(CorruptBatch, match="over 100"):
        validate_batch(JAVA[Codec.NONE], max_bytes=100)


def test_batches_that_compaction_thinned_out() -> None:
    """Records are missing at the front, in the middle and at the end; offsets say which, the header where to go on."""
    record = lambda delta: bytes((12, 0, 0, delta * 2, 1, 1, 0))  # noqa: E731  a record of nulls
    body = record(2) + record(5)
    raw = repacked(build_batch([None], [None], [5])[:HEADER_BYTES], length=49 + len(body), record_count=2,
                   last_offset_delta=7, base_offset=100) + body  # fmt: skip
    columns = decode_batch(raw)
    assert (columns.offsets, columns.next_offset, columns.keys) == ([102, 105], 108, [None, None])
    with pytest.raises(CorruptBatch, match="offset 105 lies after"):
        decode_batch(repacked(raw, last_offset_delta=4))
    empty = repacked(raw[:HEADER_BYTES], length=49, record_count=0)
    assert decode_batch(empty) == (100, 108, [], [], [], None, None)


@pytest.mark.parametrize("codec", list(Codec))
def test_what_compaction_keeps_of_a_batch(codec: Codec) -> None:
    """Offsets, times, headers, producer and codec stay; the checksum is right; a horizon can be set once more."""
    data = build_batch(
        [b"a", b"b", b"c"], [b"1", None, b"3"], [100, 300, 200], [(("h", b"1"),), (), (("h", None),)],
        producer_id=7, producer_epoch=1, base_sequence=40, is_transactional=True, codec=codec,
    )  # fmt: skip
    data = with_offset(data, 1_000, 5)
    thinner = keep_records(data, read_header(data), [1, 2], delete_horizon_ms=9_000)
    header = read_header(thinner)
    check_crc(thinner, 0, header)
    assert (header.base_offset, header.last_offset, header.partition_leader_epoch) == (1_000, 1_002, 5)
    assert (header.producer_id, header.producer_epoch, header.last_sequence) == (7, 1, 42)
    assert (header.codec, header.is_transactional, header.record_count) == (codec, True, 2)
    assert (header.delete_horizon_ms, header.max_timestamp) == (9_000, 300)
    columns = decode_batch(thinner)
    assert (columns.offsets, columns.keys, columns.values) == ([1_001, 1_002], [b"b", b"c"], [None, b"3"])
    assert (columns.timestamps, columns.headers) == ([300, 200], [(), (("h", None),)])
    again = keep_records(thinner, header, [1])
    assert decode_batch(again).offsets == [1_002] and decode_batch(again).timestamps == [200]
    assert read_header(again).delete_horizon_ms == 9_000
    empty = keep_records(again, read_header(again), [])
    header = read_header(empty)
    check_crc(empty, 0, header)
    assert (len(empty), header.record_count, header.codec, header.next_offset) == (61, 0, 0, 1_003)
    assert header.delete_horizon_ms is None and decode_batch(empty).keys == []


def test_only_markers_are_read_as_markers() -> None:
    with pytest.raises(CorruptBatch, match="no transaction marker"):
        read_control(build_batch([b"\0\0\0\1"], [b"\0" * 6], [0]))
    with pytest.raises(CorruptBatch, match="unknown type 9"):
        read_control(JAVA_COMMIT.replace(b"\x08\0\0\0\1", b"\x08\0\0\0\x09"))


def test_the_header_is_sixty_one_bytes() -> None:
    assert struct.calcsize(">qiibIhiqqqhii") == HEADER_BYTES
    assert BatchHeader(*range(13)).size_bytes == 13
