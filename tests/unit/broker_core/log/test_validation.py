from __future__ import annotations

import struct
from dataclasses import replace

import google_crc32c
import pytest

from broker_core.config import LONG_MAX, LogConfig
from broker_core.errors import BrokerError, ErrorCode, RejectedRecords
from broker_core.log.validation import admit, stamp
from broker_core.protocol.batch import (
    HEADER,
    HEADER_BYTES,
    TIMESTAMP_LIMIT,
    build_batch,
    check_crc,
    control_batch,
    decode_batch,
    read_header,
    with_offset,
)
from tests.unit.broker_core.log.log_world import NOW_MS, batch

CONFIG = LogConfig()
COMPACTED = LogConfig(cleanup_policy=frozenset({"compact"}))
GOOD = batch(b"a", b"b")


def refusal(data: bytes, config: LogConfig = CONFIG, *, from_coordinator: bool = False) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        admit(data, config, NOW_MS, from_coordinator=from_coordinator)
    return caught.value.code


def test_a_good_batch_passes_with_its_header() -> None:
    assert admit(GOOD, CONFIG, NOW_MS) == (read_header(GOOD), GOOD)


@pytest.mark.parametrize("data", [b"", GOOD[:-1], GOOD + b"\0", GOOD + GOOD, GOOD[:60]])
def test_exactly_one_whole_batch(data: bytes) -> None:
    assert refusal(data) is ErrorCode.INVALID_RECORD


def test_what_is_no_batch_is_corrupt() -> None:
    assert refusal(b"\0" * 100) is ErrorCode.CORRUPT_MESSAGE


def test_a_flipped_bit_is_corrupt() -> None:
    for index in range(17, len(GOOD)):
        data = bytearray(GOOD)
        data[index] ^= 0x10
        assert refusal(bytes(data)) is ErrorCode.CORRUPT_MESSAGE


def test_sizes() -> None:
    assert refusal(GOOD, replace(CONFIG, max_message_bytes=len(GOOD) - 1)) is ErrorCode.MESSAGE_TOO_LARGE
    assert admit(GOOD, replace(CONFIG, max_message_bytes=len(GOOD)), NOW_MS)
    assert refusal(GOOD, replace(CONFIG, segment_bytes=len(GOOD) - 1)) is ErrorCode.RECORD_LIST_TOO_LARGE


def test_a_client_does_not_place_its_batch() -> None:
    assert refusal(with_offset(GOOD, 5, 0)) is ErrorCode.INVALID_RECORD


def test_clients_write_no_markers() -> None:
    data = control_batch(1, 0, 0, True, NOW_MS)
    assert refusal(data) is ErrorCode.INVALID_RECORD
    assert admit(data, CONFIG, NOW_MS, from_coordinator=True)


def test_idempotent_batches_carry_sequence_and_epoch() -> None:
    assert refusal(batch(b"a", producer_id=1, producer_epoch=0)) is ErrorCode.INVALID_RECORD
    assert refusal(batch(b"a", producer_id=1, base_sequence=0)) is ErrorCode.INVALID_RECORD
    assert refusal(batch(b"a", is_transactional=True)) is ErrorCode.INVALID_RECORD


def test_timestamps_far_ahead_are_refused_unless_the_broker_sets_them() -> None:
    limit = NOW_MS + CONFIG.message_timestamp_after_max_ms
    assert admit(batch(b"a", timestamp=limit), CONFIG, NOW_MS)
    assert refusal(batch(b"a", timestamp=limit + 1)) is ErrorCode.INVALID_TIMESTAMP
    ours = replace(CONFIG, message_timestamp_type="LogAppendTime")
    assert admit(batch(b"a", timestamp=limit + 1), ours, NOW_MS)


@pytest.mark.parametrize("timestamp_type", ["CreateTime", "LogAppendTime"])
@pytest.mark.parametrize("timestamp", [-TIMESTAMP_LIMIT, -(2**63), TIMESTAMP_LIMIT, 2**63 - 1])
def test_a_base_timestamp_that_no_reader_of_ours_takes_is_refused(timestamp: int, timestamp_type: str) -> None:
    """Stored, such a batch would stop every application that reads it. Found by the fuzzer."""
    config = replace(
        CONFIG,
        message_timestamp_type=timestamp_type,
        message_timestamp_before_max_ms=LONG_MAX,
        message_timestamp_after_max_ms=LONG_MAX,
    )
    assert refusal(with_field(GOOD, "base_timestamp", timestamp), config) is ErrorCode.INVALID_TIMESTAMP
    nearest = with_field(GOOD, "base_timestamp", timestamp // abs(timestamp) * (TIMESTAMP_LIMIT - 1))
    header, stored = admit(nearest, config, NOW_MS)
    assert decode_batch(stored, 0, header).values == decode_batch(GOOD, 0, read_header(GOOD)).values


def test_the_timestamp_type_is_the_brokers_to_say() -> None:
    assert refusal(with_offset(stamp(GOOD, 0, 0, NOW_MS), 0, -1)) is ErrorCode.INVALID_TIMESTAMP


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_compacted_topics_need_keys(codec: int) -> None:
    keys: list[bytes | None] = [b"k", None]
    data = build_batch(keys, [b"v", b"v"], [NOW_MS] * 2, codec=codec)
    assert refusal(data, COMPACTED) is ErrorCode.INVALID_RECORD
    assert admit(data, CONFIG, NOW_MS)
    assert admit(batch(b"v", None, codec=codec), COMPACTED, NOW_MS), "a tombstone has a key"


def test_stamping_changes_place_and_epoch_only() -> None:
    stamped = stamp(GOOD, 1234, 7)
    header = read_header(stamped)
    assert (header.base_offset, header.partition_leader_epoch) == (1234, 7)
    assert stamped[16:] == GOOD[16:]
    check_crc(stamped, 0, header)
    assert read_header(GOOD).base_offset == 0, "the producer keeps its batch for a retry"


def test_append_time_replaces_every_timestamp() -> None:
    stamped = stamp(GOOD, 10, 0, NOW_MS + 5)
    header = read_header(stamped)
    check_crc(stamped, 0, header)
    assert header.max_timestamp == NOW_MS + 5
    assert decode_batch(stamped).timestamps == [NOW_MS + 5] * 2


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_a_wrong_largest_timestamp_is_corrected(codec: int) -> None:
    data = build_batch([b"k"] * 3, [b"v"] * 3, [NOW_MS, NOW_MS + 9, NOW_MS - 4], codec=codec)
    wrong = with_field(data, "max_timestamp", NOW_MS + 5)
    header, stored = admit(wrong, CONFIG, NOW_MS)
    assert header.max_timestamp == NOW_MS + 9
    assert decode_batch(stored) == decode_batch(data)
    check_crc(stored, 0, read_header(stored))
    trusted = replace(CONFIG, check_records=False)
    assert admit(wrong, trusted, NOW_MS) == (read_header(wrong), wrong)


def test_timestamps_of_single_records_are_checked() -> None:
    """KIP-937: each record's, whatever the header says; a record without one (-1) passes."""
    data = build_batch([None] * 3, [b"v"] * 3, [NOW_MS, NOW_MS - 50, -1])
    config = replace(CONFIG, message_timestamp_before_max_ms=49)
    with pytest.raises(RejectedRecords) as caught:
        admit(data, config, NOW_MS)
    assert (caught.value.code, list(caught.value.records)) == (ErrorCode.INVALID_TIMESTAMP, [1])
    assert admit(data, replace(CONFIG, message_timestamp_before_max_ms=50), NOW_MS)
    late = build_batch([None] * 2, [b"v"] * 2, [NOW_MS, NOW_MS + CONFIG.message_timestamp_after_max_ms + 1])
    with pytest.raises(RejectedRecords) as caught:
        admit(late, CONFIG, NOW_MS)
    assert list(caught.value.records) == [1]


@pytest.mark.parametrize("target", ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_a_batch_is_packed_as_the_topic_wants_it(codec: int, target: str) -> None:
    data = build_batch(
        [b"k"] * 50, [b"some value"] * 50, [NOW_MS] * 50, [(("h", b"1"),)] * 50, codec=codec, producer_id=7,
        producer_epoch=1, base_sequence=5, is_transactional=True,
    )  # fmt: skip
    header, stored = admit(data, replace(CONFIG, compression_type=target, check_records=False), NOW_MS)
    names = ["uncompressed", "gzip", "snappy", "lz4", "zstd"]
    assert header.codec == (codec if target == "producer" else names.index(target))
    assert header == read_header(stored)
    assert decode_batch(stored) == decode_batch(data)
    unchanged = ("producer_id", "producer_epoch", "base_sequence", "is_transactional", "max_timestamp", "record_count")
    assert [getattr(header, name) for name in unchanged] == [getattr(read_header(data), name) for name in unchanged]
    assert (stored is data) == (header.codec == codec)
    check_crc(stored, 0, header)


def test_levels_of_compression_are_the_topics() -> None:
    values: list[bytes | None] = [f"{index * index} or so, {index % 7}".encode() for index in range(3_000)]
    data = build_batch([None] * 3_000, values, [NOW_MS] * 3_000)
    for codec, low, high in (("gzip", 1, 9), ("zstd", 1, 19), ("lz4", 9, 12)):
        sizes = [
            len(
                admit(data, replace(CONFIG, compression_type=codec, **{f"compression_{codec}_level": level}), NOW_MS)[1]
            )
            for level in (low, high)
        ]
        assert sizes[1] < sizes[0], codec


def test_a_batch_must_fit_as_it_is_stored() -> None:
    data = build_batch([None], [b"\0" * 100_000], [NOW_MS], codec=1)
    config = replace(CONFIG, max_message_bytes=50_000)
    assert admit(data, config, NOW_MS)
    assert refusal(data, replace(config, compression_type="uncompressed")) is ErrorCode.MESSAGE_TOO_LARGE


def test_a_decompression_bomb_is_refused_with_a_bound() -> None:
    """Kilobytes that unpack to more than 128 MiB. (For each codec, and smaller bounds: ``test_compression``.)"""
    bomb = build_batch([None], [b"\0" * 140_000_000], [NOW_MS], codec=4)
    assert refusal(bomb, replace(CONFIG, max_message_bytes=2**30, segment_bytes=2**30)) is ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_records_that_do_not_unpack_are_refused_as_kafka_does(codec: int) -> None:
    data = build_batch([None] * 9, [b"some value"] * 9, [NOW_MS] * 9, codec=codec)
    assert refusal(reassembled(data, data[HEADER_BYTES:-9])) is ErrorCode.UNKNOWN_SERVER_ERROR


def with_field(data: bytes, name: str, value: int) -> bytes:
    """One field of the header changed, and the checksum that belongs to it."""
    changed = HEADER.pack(*read_header(data)._replace(**{name: value}))
    return reassembled(changed + data[HEADER_BYTES:], data[HEADER_BYTES:])


def reassembled(data: bytes, body: bytes) -> bytes:
    """The header of ``data`` around ``body``, with the length and checksum that belong to it."""
    whole = bytearray(data[:HEADER_BYTES] + body)
    struct.pack_into(">i", whole, 8, len(whole) - 12)
    struct.pack_into(">I", whole, 17, google_crc32c.value(bytes(whole[21:])))
    return bytes(whole)
