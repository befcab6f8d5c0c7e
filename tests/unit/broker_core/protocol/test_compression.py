"""The codecs: round trips, captured bytes of other implementations, and the bound on what comes out."""

from __future__ import annotations

import gzip
import random

import cramjam
import pytest

from broker_core.errors import CorruptBatch, ErrorCode
from broker_core.protocol.compression import Codec, compress, decompress

CONTENT = b"".join(b'{"auction": %d, "bidder": 7}' % number for number in range(5_000))
PACKED = [codec for codec in Codec if codec is not Codec.NONE]


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("content", [b"", b"a", CONTENT])
def test_content_survives(codec: Codec, content: bytes) -> None:
    packed = compress(codec, content)
    assert decompress(codec, packed) == content
    assert codec is Codec.NONE or len(content) < 2 or len(packed) < len(content) // 4


def test_both_framings_of_snappy_are_read_and_javas_is_written() -> None:
    assert compress(Codec.SNAPPY, CONTENT).startswith(b"\x82SNAPPY\x00\0\0\0\1\0\0\0\1")
    raw = bytes(cramjam.snappy.compress_raw(CONTENT))
    assert decompress(Codec.SNAPPY, raw) == CONTENT


def test_lz4_is_written_in_independent_blocks_the_one_form_that_java_reads() -> None:
    """Header as Kafka's client writes it (checked against Kafka by tests/interop); what does not shrink is stored."""
    frame = compress(Codec.LZ4, CONTENT)
    assert frame.startswith(bytes.fromhex("04224d18 60 40 82")) and frame.endswith(bytes(4))
    noise = random.Random(1).randbytes(150_000)
    stored = compress(Codec.LZ4, noise)
    assert stored[7:11] == bytes.fromhex("00000180"), "64 KiB with the bit for 'stored'"
    assert len(stored) == len(noise) + 7 + 3 * 4 + 4
    assert decompress(Codec.LZ4, stored) == noise


def test_bytes_of_other_implementations_are_read() -> None:
    assert decompress(Codec.GZIP, gzip.compress(CONTENT)) == CONTENT


@pytest.mark.parametrize("codec", PACKED)
def test_a_bomb_is_refused_at_the_limit(codec: Codec) -> None:
    bomb = compress(codec, b"\0" * 5_000_000)
    assert len(bomb) < 300_000
    with pytest.raises(CorruptBatch, match="more than 1000000 bytes") as caught:
        decompress(codec, bomb, 1_000_000)
    assert caught.value.code is ErrorCode.MESSAGE_TOO_LARGE
    assert len(decompress(codec, bomb, 5_000_000)) == 5_000_000


@pytest.mark.parametrize("codec", PACKED)
@pytest.mark.parametrize("cut", [0, 1, 5, 20])
def test_bytes_cut_short_are_corrupt(codec: Codec, cut: int) -> None:
    with pytest.raises(CorruptBatch):
        decompress(codec, compress(codec, CONTENT)[:-cut] if cut else b"garbage")


@pytest.mark.parametrize("tail", ["", "00", "00000000", "ffffffff", "00000005aa"])
def test_a_damaged_snappy_frame_is_corrupt_unless_it_is_empty(tail: str) -> None:
    frame = compress(Codec.SNAPPY, b"") + bytes.fromhex(tail)
    if not tail:
        assert decompress(Codec.SNAPPY, frame) == b""
        return
    with pytest.raises(CorruptBatch):
        decompress(Codec.SNAPPY, frame)


def test_an_unknown_codec_is_named() -> None:
    with pytest.raises(CorruptBatch) as caught:
        decompress(5, b"")
    assert caught.value.code is ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    with pytest.raises(ValueError, match="5"):
        compress(5, b"")


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.LZ4, Codec.ZSTD])
def test_every_level_is_read_back(codec: Codec) -> None:
    content = CONTENT + random.Random(1).randbytes(100_000)
    for level in (1, 5, 9, 12):
        if codec is not Codec.GZIP or level <= 9:
            assert decompress(codec, compress(codec, content, level)) == content
