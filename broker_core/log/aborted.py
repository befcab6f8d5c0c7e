"""Aborted transactions of a segment (Kafka's ``.txnindex``) and which of them a read has to name.

Values and their bytes; no files. A missing entry would be a dirty read, so a damaged index is rebuilt from the log,
never ignored. docs/formats/transaction_index.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from broker_core.log.index import BadIndexError
from broker_core.model import Offset, ProducerId

ENTRY: Final = struct.Struct(">hqqqq")
VERSION: Final = 0


class AbortedTransaction(NamedTuple):
    """What Fetch tells a read_committed consumer: skip this producer's data from here to its abort marker."""

    producer_id: ProducerId
    first_offset: Offset


class IndexedAbort(NamedTuple):
    """One entry: an aborted transaction that wrote data.

    ``last_offset`` is its marker's; ``last_stable_offset`` is what the log's was once the marker was in.
    """

    producer_id: ProducerId
    first_offset: Offset
    last_offset: Offset
    last_stable_offset: Offset


def encode_aborts(entries: Iterable[IndexedAbort]) -> bytes:
    """34 bytes each, big-endian: int16 version, int64 producer id, first, last and last stable offset."""
    return b"".join(ENTRY.pack(VERSION, *entry) for entry in entries)


def decode_aborts(data: bytes, base_offset: Offset, next_offset: Offset) -> list[IndexedAbort]:
    """Read a ``.txnindex`` file of the segment ``[base_offset, next_offset)``. Raises BadIndexError if implausible."""
    if len(data) % ENTRY.size:
        raise BadIndexError("not a whole number of entries")
    entries: list[IndexedAbort] = []
    previous = base_offset - 1
    for version, *fields in ENTRY.iter_unpack(data):
        entry = IndexedAbort(*fields)
        if version != VERSION:
            raise BadIndexError(f"entry version {version}")
        if not (0 <= entry.first_offset < entry.last_offset and previous < entry.last_offset < next_offset):
            raise BadIndexError("entries outside the segment or out of order")
        previous = entry.last_offset
        entries.append(entry)
    return entries


def collect_aborts(
    segments: Iterable[Sequence[IndexedAbort]], start: Offset, stop: Offset
) -> tuple[AbortedTransaction, ...]:
    """Aborted transactions with anything in ``[start, stop)``.

    Arguments:
        segments: the entries of the segment that holds ``start`` and of all later ones, in order: a marker may lie
            segments behind the data it aborts.
    """
    found = []
    for entries in segments:
        for entry in entries:
            if entry.last_offset >= start and entry.first_offset < stop:
                found.append(AbortedTransaction(entry.producer_id, entry.first_offset))
            if entry.last_stable_offset >= stop:  # all later aborts began beyond it
                return tuple(found)
    return tuple(found)
