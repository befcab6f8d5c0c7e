"""Seals are read back as they were written, and not at all if a byte of them changed."""

from __future__ import annotations

import google_crc32c
import pytest

from broker_core.log.index import BadIndexError
from broker_core.log.seal import NO_ABORTS_CRC, Seal, decode_seal, encode_seal, extend_places
from tests.unit.broker_core.log.documents import hex_example

EXAMPLE = Seal(
    size_bytes=9_000,
    next_offset=204,
    first_timestamp=1_700_000_000_000,
    max_timestamp=1_700_000_000_250,
    max_timestamp_offset=197,
    places_crc=extend_places(extend_places(0, 160, 4_200), 203, 4_800),
    index_crc=google_crc32c.value(hex_example("segment.md", 0)),
    time_index_crc=google_crc32c.value(hex_example("segment.md", 1)),
    transaction_index_crc=NO_ABORTS_CRC,
    epochs_before_crc=google_crc32c.value(b"0\n1\n0 0\n"),
    epochs_crc=google_crc32c.value(b"0\n2\n0 0\n3 1200\n"),
)


def test_the_worked_example() -> None:
    assert encode_seal(EXAMPLE) == hex_example("seal.md")
    assert decode_seal(hex_example("seal.md")) == EXAMPLE


def test_a_flipped_byte_anywhere_is_found() -> None:
    data = encode_seal(EXAMPLE)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x10
        with pytest.raises(BadIndexError):
            decode_seal(bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 69])
def test_a_cut_one_is_none(length: int) -> None:
    with pytest.raises(BadIndexError, match=f"a seal of {length} bytes"):
        decode_seal(encode_seal(EXAMPLE)[:length])


def test_of_a_newer_version() -> None:
    body = b"\0\2" + encode_seal(EXAMPLE)[2:-4]
    with pytest.raises(BadIndexError, match="unknown version 2"):
        decode_seal(body + google_crc32c.value(body).to_bytes(4, "big"))


def test_no_entries_have_the_checksum_of_nothing() -> None:
    assert google_crc32c.value(b"") == NO_ABORTS_CRC
