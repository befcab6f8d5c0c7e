"""Kafka's producer snapshot file: the producers of a log as of one offset.

Bytes and values, no files. A snapshot holds only the last batch of a producer's window, as Kafka's does; replay of the
log behind it fills the window again. docs/formats/producer_snapshot.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

import google_crc32c

from broker_core.log.producer_state import MAX_SEQUENCE, AppendedBatch, ProducerEntry
from broker_core.model import NO_OFFSET, NO_SEQUENCE

VERSION: Final = 1
HEADER: Final = struct.Struct(">hI")
"""Version and CRC-32C of everything behind the checksum."""
COUNT: Final = struct.Struct(">i")
ENTRY: Final = struct.Struct(">qhiqiqiq")
"""Producer id, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch, open transaction's
first offset."""


class BadSnapshotError(Exception):
    """A damaged snapshot; an older one and more replay do the same service."""


def encode_snapshot(entries: Iterable[ProducerEntry]) -> bytes:
    """The file's bytes."""
    packed = [_encode_entry(entry) for entry in entries]
    body = b"".join((COUNT.pack(len(packed)), *packed))
    return HEADER.pack(VERSION, google_crc32c.value(body)) + body


def decode_snapshot(data: bytes) -> list[ProducerEntry]:
    """Read a snapshot. Raises BadSnapshotError if version, checksum or length are wrong."""
    if len(data) < HEADER.size + COUNT.size:
        raise BadSnapshotError("too short")
    version, crc = HEADER.unpack_from(data)
    body = data[HEADER.size :]
    if version != VERSION:
        raise BadSnapshotError(f"unknown version {version}")
    if google_crc32c.value(body) != crc:
        raise BadSnapshotError("wrong checksum")
    (count,) = COUNT.unpack_from(body)
    if count < 0 or len(body) != COUNT.size + count * ENTRY.size:
        raise BadSnapshotError(f"{count} entries do not fill {len(body)} bytes")
    return [_decode_entry(fields) for fields in ENTRY.iter_unpack(body[COUNT.size :])]


def _encode_entry(entry: ProducerEntry) -> bytes:
    sequence, offset, delta = NO_SEQUENCE, NO_OFFSET, 0
    if entry.batches:
        last = entry.batches[-1]
        sequence, offset, delta = last.last_sequence, last.last_offset, last.last_offset - last.first_offset
    return ENTRY.pack(
        entry.producer_id,
        entry.epoch,
        sequence,
        offset,
        delta,
        entry.last_timestamp,
        entry.coordinator_epoch,
        entry.transaction_first_offset,
    )


def _decode_entry(fields: tuple[int, ...]) -> ProducerEntry:
    producer_id, epoch, sequence, offset, delta, timestamp, coordinator_epoch, first_offset = fields
    batches: tuple[AppendedBatch, ...] = ()
    if offset >= 0:
        first = (sequence - delta) & MAX_SEQUENCE if sequence >= 0 else NO_SEQUENCE
        batches = (AppendedBatch(first, sequence, offset - delta, offset, timestamp),)
    return ProducerEntry(
        producer_id=producer_id,
        epoch=epoch,
        coordinator_epoch=coordinator_epoch,
        last_timestamp=timestamp,
        batches=batches,
        transaction_first_offset=first_offset,
    )
