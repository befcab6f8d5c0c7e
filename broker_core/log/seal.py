"""What a segment was when it was sealed: ``<20 digits>.seal``, our own file beside Kafka's.

Kafka's indexes have no checksum, and a batch's checksum leaves its offset out. The seal holds what proves them, and
what an open has to know of a segment without reading it. Values and bytes, no files. docs/formats/seal.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import google_crc32c

from broker_core.log.index import BadIndexError
from broker_core.model import Offset, TimestampMs

VERSION: Final = 1
BODY: Final = struct.Struct(">hqqqqqIIIIII")
CHECKSUM: Final = struct.Struct(">I")
PLACE: Final = struct.Struct(">qi")
NO_ABORTS_CRC: Final = 0
"""CRC-32C of an empty transaction index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Facts and checksums of one segment.

    Arguments:
        size_bytes: of the log when it was sealed; an active segment that was closed may have grown since.
        next_offset: behind the last batch, or where the next segment begins.
        first_timestamp: of the first batch; -1 if it has none.
        max_timestamp, max_timestamp_offset: the largest, and the last offset of its batch.
        places_crc: over the last offset and size of every batch, in order (``extend_places``).
        index_crc, time_index_crc, transaction_index_crc: of the files beside the log.
        epochs_before_crc, epochs_crc: of ``leader-epoch-checkpoint`` as it was on disk, and as it was to become.
    """

    size_bytes: int
    next_offset: Offset
    first_timestamp: TimestampMs
    max_timestamp: TimestampMs
    max_timestamp_offset: Offset
    places_crc: int
    index_crc: int
    time_index_crc: int
    transaction_index_crc: int
    epochs_before_crc: int
    epochs_crc: int


def extend_places(crc: int, last_offset: Offset, size: int) -> int:
    """``places_crc`` after one more batch."""
    extended: int = google_crc32c.extend(crc, PLACE.pack(last_offset, size))
    return extended


def encode_seal(seal: Seal) -> bytes:
    """The file's bytes."""
    body = BODY.pack(
        VERSION, seal.size_bytes, seal.next_offset, seal.first_timestamp, seal.max_timestamp,
        seal.max_timestamp_offset, seal.places_crc, seal.index_crc, seal.time_index_crc, seal.transaction_index_crc,
        seal.epochs_before_crc, seal.epochs_crc,
    )  # fmt: skip
    return body + CHECKSUM.pack(google_crc32c.value(body))


def decode_seal(data: bytes) -> Seal:
    """Read a seal. Raises BadIndexError if length, checksum or version are wrong: the segment is to be scanned."""
    if len(data) != BODY.size + CHECKSUM.size:
        raise BadIndexError(f"a seal of {len(data)} bytes")
    body = data[: BODY.size]
    if CHECKSUM.unpack_from(data, BODY.size)[0] != google_crc32c.value(body):
        raise BadIndexError("wrong checksum")
    version, size, following, first, largest, at, places, index, time_index, aborts, before, epochs = BODY.unpack(body)
    if version != VERSION:
        raise BadIndexError(f"unknown version {version}")
    return Seal(
        size_bytes=size,
        next_offset=following,
        first_timestamp=first,
        max_timestamp=largest,
        max_timestamp_offset=at,
        places_crc=places,
        index_crc=index,
        time_index_crc=time_index,
        transaction_index_crc=aborts,
        epochs_before_crc=before,
        epochs_crc=epochs,
    )
