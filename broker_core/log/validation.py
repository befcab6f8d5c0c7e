"""What the leader demands of a batch before it enters the log, and the batch that enters it. PURE.

Sequences and epochs are ``producer_state``'s; when a segment ends is the log's. The checks and their codes are those of
Kafka's ``ProduceRequest`` and ``LogValidator``. Like that, a wrong largest timestamp is corrected and not refused, and
a batch is packed anew where the topic's ``compression.type`` is not the producer's.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from broker_core.config import LogConfig
from broker_core.errors import BrokerError, CorruptBatch, ErrorCode, RejectedRecords
from broker_core.model import NO_TIMESTAMP, LeaderEpoch, Offset, TimestampMs
from broker_core.protocol.batch import (
    DELETE_HORIZON_BIT,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    PREFIX,
    PREFIX_BYTES,
    TIMESTAMP_LIMIT,
    BatchHeader,
    check_crc,
    decode_batch,
    read_header,
    rebuilt,
    unpacked_body,
    with_log_append_time,
    with_offset,
)
from broker_core.protocol.compression import Codec
from broker_core.protocol.record_codec import check_records

LOG_APPEND_TIME: Final = "LogAppendTime"
MAX_CODEC: Final = 4
SMALLEST_BATCH_OF_ANY_FORMAT: Final = 14
"""Of formats 0 and 1: below it a length says nothing (Kafka's ``LegacyRecord.RECORD_OVERHEAD_V0``)."""
_MAGIC_POSITION: Final = 16
_CODECS: Final[Mapping[str, int]] = {
    "uncompressed": Codec.NONE, "gzip": Codec.GZIP, "snappy": Codec.SNAPPY, "lz4": Codec.LZ4, "zstd": Codec.ZSTD,
}  # fmt: skip


class Admitted(NamedTuple):
    """A batch that may be appended, as it is to be stored but for its place."""

    header: BatchHeader
    data: bytes


def admit(batch: bytes, config: LogConfig, now_ms: TimestampMs, *, from_coordinator: bool = False) -> Admitted:
    """Check a batch that is to be appended.

    Arguments:
        from_coordinator: written by this broker itself: size, checksum and shape are checked, the rest is trusted.

    Returns:
        The batch, or a corrected or repacked one instead.

    Raises:
        BrokerError: with Kafka's code for the first rule that is broken; ``RejectedRecords`` names the records.
    """
    header = _whole_batch(batch)
    if not from_coordinator:
        _check_size(batch, header, config)
    check_crc(batch, 0, header)
    if header.record_count < 1 or header.last_offset_delta != header.record_count - 1:
        raise BrokerError(
            ErrorCode.INVALID_RECORD,
            f"{header.record_count} records do not match the last offset delta {header.last_offset_delta}",
        )
    if not from_coordinator:
        _check_client_batch(header)
        batch, header = _settle(batch, header, config, now_ms)
    if len(batch) > config.segment_bytes:
        raise BrokerError(
            ErrorCode.RECORD_LIST_TOO_LARGE, f"batch of {len(batch)} bytes exceeds segment.bytes {config.segment_bytes}"
        )
    return Admitted(header, batch)


def _whole_batch(batch: bytes) -> BatchHeader:
    """The header of exactly one whole batch of format 2, of which nothing else is checked."""
    size = len(batch)
    if size >= PREFIX_BYTES and PREFIX.unpack_from(batch)[1] < SMALLEST_BATCH_OF_ANY_FORMAT:
        raise CorruptBatch(f"batch length {PREFIX.unpack_from(batch)[1]} is below that of any header")
    if size > _MAGIC_POSITION and batch[_MAGIC_POSITION] != MAGIC:
        magic = batch[_MAGIC_POSITION]
        if magic < MAGIC:
            raise BrokerError(ErrorCode.INVALID_RECORD, f"batch format {magic}: produce requests carry format {MAGIC}")
        raise CorruptBatch(f"batch format {magic}; only {MAGIC} is known")
    try:
        header = BatchHeader._make(HEADER.unpack_from(batch))
    except struct.error:
        raise BrokerError(ErrorCode.INVALID_RECORD, f"{size} bytes of records hold no whole batch") from None
    if header.length < HEADER_BYTES - PREFIX_BYTES:
        raise CorruptBatch(f"batch length {header.length} is below that of the header")
    if header.size_bytes != size:
        if header.size_bytes < size < header.size_bytes + HEADER_BYTES:  # no second batch: the length is what is wrong
            check_crc(batch, 0, header)
        raise BrokerError(
            ErrorCode.INVALID_RECORD,
            f"{size} bytes of records hold a batch of {header.size_bytes}: exactly one is expected",
        )
    return header


def _check_size(batch: bytes, header: BatchHeader, config: LogConfig) -> None:
    if header.base_offset != 0:
        raise BrokerError(ErrorCode.INVALID_RECORD, f"base offset {header.base_offset} instead of 0")
    if len(batch) > config.max_message_bytes:
        raise BrokerError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"batch of {len(batch)} bytes exceeds max.message.bytes {config.max_message_bytes}",
        )


def _check_client_batch(header: BatchHeader) -> None:
    if header.is_control:
        raise BrokerError(ErrorCode.INVALID_RECORD, "clients may not write control batches")
    if header.codec > MAX_CODEC:
        raise _unpackable(f"unknown compression codec {header.codec}")
    if header.is_log_append_time:
        raise BrokerError(ErrorCode.INVALID_TIMESTAMP, "the timestamp type of a produced batch must be CreateTime")
    if not -TIMESTAMP_LIMIT < header.base_timestamp < TIMESTAMP_LIMIT:  # no reader of ours could take it
        raise BrokerError(ErrorCode.INVALID_TIMESTAMP, f"base timestamp {header.base_timestamp} is no time")
    if header.attributes & DELETE_HORIZON_BIT:
        raise BrokerError(ErrorCode.INVALID_RECORD, "a delete horizon is set by compaction only")
    if header.producer_id >= 0 and (header.base_sequence < 0 or header.producer_epoch < 0):
        raise BrokerError(
            ErrorCode.INVALID_RECORD,
            f"producer {header.producer_id} sent epoch {header.producer_epoch}, sequence {header.base_sequence}",
        )
    if header.is_transactional and header.producer_id < 0:
        raise BrokerError(ErrorCode.INVALID_RECORD, "a transactional batch needs a producer id")


def _settle(batch: bytes, header: BatchHeader, config: LogConfig, now_ms: TimestampMs) -> tuple[bytes, BatchHeader]:
    """Check what is inside as far as the settings ask for it, and make the batch what the topic stores."""
    codec = _CODECS.get(config.compression_type, header.codec)
    smallest = header.base_timestamp
    largest = header.max_timestamp
    body = None
    if config.check_records or config.is_compacted or codec != header.codec:
        body = _unpacked(batch, header) if header.codec else batch
        try:
            start = 0 if header.codec else HEADER_BYTES
            lowest, highest, keyless = check_records(body, start, len(body), header.record_count)
        except CorruptBatch as error:
            raise _malformed(error) from error
        if config.is_compacted and keyless >= 0:
            raise _keyless(batch, header)
        smallest, largest = header.base_timestamp + lowest, header.base_timestamp + highest
    stamps_time = config.message_timestamp_type == LOG_APPEND_TIME
    if not stamps_time:
        _check_timestamps(batch, header, config, now_ms, smallest, largest)
    elif largest != header.max_timestamp:
        largest = header.max_timestamp  # it is replaced in a moment
    if body is None or (codec == header.codec and largest == header.max_timestamp):
        return batch, header
    level = getattr(config, f"compression_{config.compression_type}_level", None)
    records = body if header.codec else body[HEADER_BYTES:]
    rewritten = rebuilt(header, records, codec=codec, max_timestamp=largest, level=level)
    header = read_header(rewritten)
    _check_size(rewritten, header, config)
    return rewritten, header


def _unpacked(batch: bytes, header: BatchHeader) -> bytes:
    try:
        return unpacked_body(batch, header)
    except CorruptBatch as error:
        raise (_unpackable(error.message) if error.code is ErrorCode.CORRUPT_MESSAGE else error) from error


def _unpackable(message: str) -> BrokerError:
    """Kafka 4.3 answers so, for a codec that nobody knows as for bytes that a codec did not write. Unlike
    CORRUPT_MESSAGE it is not sent again: the next try could not be better."""
    return BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, message)


def _malformed(error: CorruptBatch) -> BrokerError:
    if error.record_index is None:
        return BrokerError(ErrorCode.INVALID_RECORD, error.message)
    return RejectedRecords(ErrorCode.INVALID_RECORD, error.message, {error.record_index: error.message})


def _keyless(batch: bytes, header: BatchHeader) -> BrokerError:
    """In a compacted topic a record without a key could never be kept."""
    keys = decode_batch(batch, 0, header).keys
    missing = [index for index, key in enumerate(keys) if key is None]
    return RejectedRecords(
        ErrorCode.INVALID_RECORD,
        f"record {missing[0]} of the batch has no key, and the topic is compacted",
        dict.fromkeys(missing, "no key, and the topic is compacted"),
    )


def _check_timestamps(
    batch: bytes,
    header: BatchHeader,
    config: LogConfig,
    now_ms: TimestampMs,
    smallest: TimestampMs,
    largest: TimestampMs,
) -> None:
    earliest, latest = now_ms - config.message_timestamp_before_max_ms, now_ms + config.message_timestamp_after_max_ms
    if largest <= latest and (smallest >= earliest or smallest == largest == NO_TIMESTAMP):
        return
    try:
        timestamps = decode_batch(batch, 0, header).timestamps
    except CorruptBatch:  # beyond anything that is a time
        timestamps = []
    wrong = {
        index: f"timestamp {timestamp} is not from {earliest} to {latest}"
        for index, timestamp in enumerate(timestamps)
        if timestamp != NO_TIMESTAMP and not earliest <= timestamp <= latest
    }
    if not wrong and largest <= latest:
        return
    raise RejectedRecords(
        ErrorCode.INVALID_TIMESTAMP,
        f"timestamps from {smallest} to {largest}: more than {config.message_timestamp_after_max_ms} ms ahead or "
        f"{config.message_timestamp_before_max_ms} ms behind the broker's clock ({now_ms})",
        wrong,
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
