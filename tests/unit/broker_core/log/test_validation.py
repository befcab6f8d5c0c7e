from __future__ import annotations

from dataclasses import replace

import pytest

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, ErrorCode
from broker_core.log.validation import check_batch, stamp
from broker_core.protocol.batch import build_batch, check_crc, control_batch, decode_batch, read_header, with_offset
from tests.unit.broker_core.log.log_world import NOW_MS, batch

CONFIG = LogConfig()
COMPACTED = LogConfig(cleanup_policy=frozenset({"compact"}))
GOOD = batch(b"a", b"b")


def refusal(data: bytes, config: LogConfig = CONFIG, *, from_coordinator: bool = False) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        check_batch(data, config, NOW_MS, from_coordinator=from_coordinator)
    return caught.value.code


def test_a_good_batch_passes_with_its_header() -> None:
    assert check_batch(GOOD, CONFIG, NOW_MS) == read_header(GOOD)


@pytest.mark.parametrize("data", [b"", GOOD[:-1], GOOD + b"\0", GOOD + GOOD, GOOD[:60], b"\0" * 100])
def test_exactly_one_whole_batch(data: bytes) -> None:
    assert refusal(data) is ErrorCode.CORRUPT_MESSAGE


def test_a_flipped_bit_is_corrupt() -> None:
    for index in range(16, len(GOOD)):
        data = bytearray(GOOD)
        data[index] ^= 0x10
        assert refusal(bytes(data)) is ErrorCode.CORRUPT_MESSAGE


def test_sizes() -> None:
    assert refusal(GOOD, replace(CONFIG, max_message_bytes=len(GOOD) - 1)) is ErrorCode.MESSAGE_TOO_LARGE
    assert check_batch(GOOD, replace(CONFIG, max_message_bytes=len(GOOD)), NOW_MS)
    assert refusal(GOOD, replace(CONFIG, segment_bytes=len(GOOD) - 1)) is ErrorCode.RECORD_LIST_TOO_LARGE


def test_a_client_does_not_place_its_batch() -> None:
    assert refusal(with_offset(GOOD, 5, 0)) is ErrorCode.INVALID_RECORD


def test_clients_write_no_markers() -> None:
    data = control_batch(1, 0, 0, True, NOW_MS)
    assert refusal(data) is ErrorCode.INVALID_RECORD
    assert check_batch(data, CONFIG, NOW_MS, from_coordinator=True)


def test_idempotent_batches_carry_sequence_and_epoch() -> None:
    assert refusal(batch(b"a", producer_id=1, producer_epoch=0)) is ErrorCode.INVALID_RECORD
    assert refusal(batch(b"a", producer_id=1, base_sequence=0)) is ErrorCode.INVALID_RECORD
    assert refusal(batch(b"a", is_transactional=True)) is ErrorCode.INVALID_RECORD


def test_timestamps_far_ahead_are_refused_unless_the_broker_sets_them() -> None:
    limit = NOW_MS + CONFIG.message_timestamp_after_max_ms
    assert check_batch(batch(b"a", timestamp=limit), CONFIG, NOW_MS)
    assert refusal(batch(b"a", timestamp=limit + 1)) is ErrorCode.INVALID_TIMESTAMP
    ours = replace(CONFIG, message_timestamp_type="LogAppendTime")
    assert check_batch(batch(b"a", timestamp=limit + 1), ours, NOW_MS)


def test_the_timestamp_type_is_the_brokers_to_say() -> None:
    assert refusal(with_offset(stamp(GOOD, 0, 0, NOW_MS), 0, -1)) is ErrorCode.INVALID_TIMESTAMP


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_compacted_topics_need_keys(codec: int) -> None:
    keys: list[bytes | None] = [b"k", None]
    data = build_batch(keys, [b"v", b"v"], [NOW_MS] * 2, codec=codec)
    assert refusal(data, COMPACTED) is ErrorCode.INVALID_RECORD
    assert check_batch(data, CONFIG, NOW_MS)
    assert check_batch(batch(b"v", None, codec=codec), COMPACTED, NOW_MS), "a tombstone has a key"


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
