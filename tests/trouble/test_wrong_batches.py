"""Every field of a produced batch wrong in turn: Kafka's error code, and not a trace in the log.

The codes are those of Kafka 4's ``ProduceRequest.validateRecords``, ``UnifiedLog.analyzeAndValidateRecords``,
``LogValidator`` and ``ProducerAppendInfo``, and were compared with the answers of a broker of Apache Kafka 4.3.1. Where
Kafka accepts what its readers cannot use we are stricter; that is said beside the case.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import google_crc32c
import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.batch import HEADER, HEADER_BYTES, build_batch, read_header
from broker_core.protocol.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from tests.unit.broker_core.broker_kit import NOW, Kit, produced

BAD = ErrorCode.INVALID_RECORD
CORRUPT = ErrorCode.CORRUPT_MESSAGE
UNPACKABLE = ErrorCode.UNKNOWN_SERVER_ERROR
NAMELESS = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
GOOD = build_batch(
    [b"a", b"b"], [b"1", b"2"], [NOW, NOW + 1], [(("h", b"x"),), ()], producer_id=0, producer_epoch=3, base_sequence=4
)
BODY = GOOD[HEADER_BYTES:]


def with_fields(**fields: int) -> bytes:
    """The good batch with other header fields, and the checksum that belongs to them."""
    return summed(HEADER.pack(*read_header(GOOD)._replace(**fields)) + BODY)


def with_body(body: bytes, **fields: int) -> bytes:
    """The good batch with other bytes for its records, and the length and checksum that belong to them."""
    header = read_header(GOOD)._replace(length=HEADER_BYTES - 12 + len(body), **fields)
    return summed(HEADER.pack(*header) + body)


def summed(data: bytes) -> bytes:
    whole = bytearray(data)
    struct.pack_into(">I", whole, 17, google_crc32c.value(bytes(whole[21:])))
    return bytes(whole)


def replaced(position: int, value: int) -> bytes:
    body = bytearray(BODY)
    body[position] = value
    return with_body(bytes(body))


# A record of BODY: length, attributes, timestamp delta, offset delta, key length, key, value length, value, headers.
SECOND = 1 + BODY[0] // 2
CASES: dict[str, tuple[bytes, ErrorCode]] = {
    "nothing": (b"", BAD),
    "base_offset": (with_fields(base_offset=1), BAD),
    "base_offset negative": (with_fields(base_offset=-1), BAD),
    "length too long": (with_fields(length=read_header(GOOD).length + 1), BAD),
    "length too short": (with_fields(length=read_header(GOOD).length - 1), CORRUPT),
    "length below the header's": (with_fields(length=48), CORRUPT),
    "length negative": (with_fields(length=-1), CORRUPT),
    "cut short": (GOOD[:-1], BAD),
    "two batches": (GOOD + GOOD, BAD),
    "magic 0": (with_fields(magic=0), BAD),
    "magic 1": (with_fields(magic=1), BAD),
    "magic 3": (with_fields(magic=3), CORRUPT),
    "crc": (GOOD[:17] + struct.pack(">I", read_header(GOOD).crc ^ 1) + GOOD[21:], CORRUPT),
    "attributes: unknown codec": (with_fields(attributes=5), UNPACKABLE),
    "attributes: gzip that it is not": (with_fields(attributes=1), UNPACKABLE),
    "attributes: snappy that it is not": (with_fields(attributes=2), UNPACKABLE),
    "attributes: lz4 that it is not": (with_fields(attributes=3), UNPACKABLE),
    "attributes: zstd that it is not": (with_fields(attributes=4), UNPACKABLE),
    "attributes: LogAppendTime (stricter than Kafka)": (with_fields(attributes=8), ErrorCode.INVALID_TIMESTAMP),
    "attributes: control": (with_fields(attributes=32), BAD),
    "attributes: delete horizon (stricter than Kafka)": (with_fields(attributes=64), BAD),
    "attributes: transactional without an id": (
        with_fields(attributes=16),
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ),
    "last_offset_delta": (with_fields(last_offset_delta=2), BAD),
    "last_offset_delta negative": (with_fields(last_offset_delta=-1), BAD),
    "base_timestamp too late": (with_fields(base_timestamp=NOW + 3_700_000), ErrorCode.INVALID_TIMESTAMP),
    "base_timestamp too early": (with_fields(base_timestamp=NOW - 10_000), ErrorCode.INVALID_TIMESTAMP),
    "base_timestamp beyond reason": (with_fields(base_timestamp=2**62), ErrorCode.INVALID_TIMESTAMP),
    "producer_epoch negative (stricter than Kafka)": (with_fields(producer_epoch=-1), BAD),
    "producer_epoch older": (with_fields(producer_epoch=2), ErrorCode.INVALID_PRODUCER_EPOCH),
    "base_sequence negative": (with_fields(base_sequence=-1), BAD),
    "base_sequence ahead": (with_fields(base_sequence=9), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
    "base_sequence behind": (with_fields(base_sequence=0), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
    "base_sequence not 0 in a new epoch": (with_fields(producer_epoch=4), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
    "record_count": (with_fields(record_count=1), BAD),
    "record_count 0": (with_fields(record_count=0, last_offset_delta=-1), BAD),
    "record_count negative": (with_fields(record_count=-1), BAD),
    "record_count and delta beyond the records": (with_fields(record_count=3, last_offset_delta=2), BAD),
    "record_count and delta short of the records": (with_fields(record_count=1, last_offset_delta=0), BAD),
    "record: length": (replaced(0, BODY[0] + 2), BAD),
    "record: length beyond the batch": (replaced(SECOND, 126), BAD),
    "record: timestamp delta (stricter than Kafka)": (replaced(2, 0xFF), BAD),
    "record: offset delta (stricter than Kafka)": (replaced(3, 2), BAD),
    "second record: offset delta (stricter than Kafka)": (replaced(SECOND + 3, 0), BAD),
    "record: key length": (replaced(4, 80), BAD),
    "record: value length": (replaced(6, 80), BAD),
    "record: header count": (replaced(8, 8), BAD),
    "record: header count negative": (replaced(8, 1), BAD),
    "record: header name length": (replaced(9, 80), BAD),
    "bytes behind the records": (with_body(BODY + b"\0"), BAD),
    "records cut short": (with_body(BODY[:-1]), BAD),
    "too large": (with_body(BODY + b"\0" * 2_000), ErrorCode.MESSAGE_TOO_LARGE),
}


def produce(kit: Kit, records: bytes, **request: Any) -> PartitionProduceResponse:
    data = PartitionProduceData(index=0, records=records)
    topic = TopicProduceData(name="words", partition_data=(data,))
    return produced(kit.call(ProduceRequest(acks=-1, timeout_ms=1, topic_data=(topic,), **request)))


def files(kit: Kit) -> dict[str, bytes]:
    names = kit.filesystem.list_directory("logs/words-0")
    return {name: kit.filesystem.read_file(f"logs/words-0/{name}") for name in names}


def prepared() -> Kit:
    """A log that a producer has written four records to, and expects the good batch next."""
    kit = Kit(wire=True).open()
    kit.create("words", max_message_bytes="1000", message_timestamp_before_max_ms="1000")
    first = build_batch([b"k"] * 4, [b"v"] * 4, [NOW] * 4, producer_id=0, producer_epoch=3, base_sequence=0)
    assert produce(kit, first).error_code == 0
    return kit


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_batch_gets_kafkas_code_and_leaves_no_trace(case: str) -> None:
    wrong, code = CASES[case]
    kit = prepared()
    log = kit.broker._partitions.logs[next(iter(kit.broker._partitions.logs))]
    before = (files(kit), log.end_offset, log.producers(), log.open_transactions())
    answer = produce(kit, wrong)
    assert ErrorCode(answer.error_code) is code, answer.error_message
    assert answer.error_message
    assert answer.base_offset == -1
    assert (files(kit), log.end_offset, log.producers(), log.open_transactions()) == before
    assert produce(kit, GOOD).base_offset == 4, "the right one is still taken"


def test_the_record_that_is_wrong_is_named() -> None:
    kit = prepared()
    (error,) = produce(kit, CASES["second record: offset delta (stricter than Kafka)"][0]).record_errors
    assert error.batch_index == 1
    assert "offset delta 0" in (error.batch_index_error_message or "")


@pytest.mark.parametrize("field", ["partition_leader_epoch", "max_timestamp"])
def test_fields_that_are_the_brokers_own_are_written_over(field: str) -> None:
    kit = prepared()
    assert produce(kit, with_fields(**{field: NOW + 77})).base_offset == 4
    header = read_header(kit.fetch("words", 4).records or b"")
    assert header.max_timestamp == NOW + 1
    assert header.partition_leader_epoch == 1


def reversed_bits(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize("damage", [lambda at: reversed_bits(GOOD, at), lambda at: GOOD[:at]], ids=["flipped", "cut"])
def test_damage_at_any_byte_is_refused(damage: Callable[[int], bytes]) -> None:
    """On the way or in memory: only the leader epoch, which the broker writes, may be anything."""
    kit = prepared()
    before = files(kit)
    for position in range(len(GOOD)):
        if not 12 <= position < 16 or len(damage(position)) < len(GOOD):
            assert produce(kit, damage(position)).error_code in (BAD, CORRUPT, NAMELESS), position
    assert files(kit) == before
