"""What the leader demands of a batch before it enters the log, and the header it then gets. PURE.

Sequences and epochs are ``producer_state``'s; sizes of segments the log's. The checks are those of Kafka's
``LogValidator`` but for one: records of topics that are not compacted are not decoded, so that their inner offsets and
largest timestamp are the producer's word. A wrong one misleads only that topic's readers.
"""

from __future__ import annotations

from typing import Final

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, CorruptBatch, ErrorCode
from broker_core.model import LeaderEpoch, Offset, TimestampMs
from broker_core.protocol.batch import (
    BatchHeader,
    check_crc,
    decode_batch,
    read_header,
    with_log_append_time,
    with_offset,
)

LOG_APPEND_TIME: Final = "LogAppendTime"
MAX_CODEC: Final = 4


def check_batch(batch: bytes, config: LogConfig, now_ms: TimestampMs, *, from_coordinator: bool = False) -> BatchHeader:
    """Check a batch that is to be appended; returns its header.

    Arguments:
        from_coordinator: written by this broker itself: size, checksum and shape are checked, the rest is trusted.

    Raises:
        BrokerError: with Kafka's code for the first rule that is broken.
    """
    header = read_header(batch)
    size = len(batch)
    if header.size_bytes != size:
        raise CorruptBatch(f"{size} bytes of records hold a batch of {header.size_bytes}: exactly one is expected")
    if size > config.segment_bytes:
        raise BrokerError(
            ErrorCode.RECORD_LIST_TOO_LARGE, f"batch of {size} bytes exceeds segment.bytes {config.segment_bytes}"
        )
    check_crc(batch, 0, header)
    if header.record_count < 1 or header.last_offset_delta != header.record_count - 1:
        raise BrokerError(
            ErrorCode.INVALID_RECORD,
            f"{header.record_count} records do not match the last offset delta {header.last_offset_delta}",
        )
    if not from_coordinator:
        _check_client_batch(batch, header, config, now_ms)
    return header


def _check_client_batch(batch: bytes, header: BatchHeader, config: LogConfig, now_ms: TimestampMs) -> None:
    if len(batch) > config.max_message_bytes:
        raise BrokerError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"batch of {len(batch)} bytes exceeds max.message.bytes {config.max_message_bytes}",
        )
    if header.base_offset != 0:
        raise BrokerError(ErrorCode.INVALID_RECORD, f"base offset {header.base_offset} instead of 0")
    if header.is_control:
        raise BrokerError(ErrorCode.INVALID_RECORD, "clients may not write control batches")
    if header.codec > MAX_CODEC:
        raise CorruptBatch(f"unknown compression codec {header.codec}")
    if header.is_log_append_time:
        raise BrokerError(ErrorCode.INVALID_TIMESTAMP, "the timestamp type of a produced batch must be CreateTime")
    if header.producer_id >= 0 and (header.base_sequence < 0 or header.producer_epoch < 0):
        raise BrokerError(
            ErrorCode.INVALID_RECORD,
            f"producer {header.producer_id} sent epoch {header.producer_epoch}, sequence {header.base_sequence}",
        )
    if header.is_transactional and header.producer_id < 0:
        raise BrokerError(ErrorCode.INVALID_RECORD, "a transactional batch needs a producer id")
    if (
        config.message_timestamp_type != LOG_APPEND_TIME
        and header.max_timestamp > now_ms + config.message_timestamp_after_max_ms
    ):
        raise BrokerError(
            ErrorCode.INVALID_TIMESTAMP,
            f"timestamp {header.max_timestamp} is more than {config.message_timestamp_after_max_ms} ms ahead of the "
            f"broker's clock ({now_ms})",
        )
    if config.is_compacted:
        _check_keys(batch, header)


def _check_keys(batch: bytes, header: BatchHeader) -> None:
    """In a compacted topic a record without a key could never be kept."""
    keys = decode_batch(batch, 0, header)[2]
    if None in keys:
        raise BrokerError(
            ErrorCode.INVALID_RECORD, f"record {keys.index(None)} of the batch has no key, and the topic is compacted"
        )


def stamp(
    batch: bytes,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    log_append_time_ms: TimestampMs | None = None,
) -> bytes:
    """A copy of ``batch`` with its place in the log in the header.

    Arguments:
        log_append_time_ms: for LogAppendTime topics; it replaces the largest timestamp, and the checksum with it.
    """
    if log_append_time_ms is not None:
        batch = with_log_append_time(batch, log_append_time_ms)
    return with_offset(batch, base_offset, leader_epoch)
