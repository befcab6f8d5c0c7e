"""The compression codecs of record batches: numbers, compressors, and decompressors with a bounded output.

Owns what the three codec bits of a batch's attributes mean. Knows no batch. A decompressor never allocates more than
its caller allows, whatever the compressed bytes claim.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final

import cramjam

from broker_core.errors import CorruptBatch, ErrorCode

MAX_DECOMPRESSED_BYTES: Final = 128 * 1024 * 1024
"""The most that the records of one batch may unpack to."""

_GZIP_LEVEL: Final = 6
_ZSTD_LEVEL: Final = 3
_LZ4_LEVEL: Final = 9
"""Stands for the fast compressor in Kafka; any other level is of the high compression."""
_FIRST_GUESS_BYTES: Final = 64 * 1024
_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = struct.Struct(">8sii")
_XERIAL_BLOCK_BYTES: Final = 32 * 1024
_LENGTH: Final = struct.Struct(">i")
_LZ4_BLOCK_BYTES: Final = 64 * 1024
_LZ4_FRAME_HEADER: Final = bytes.fromhex("04224d18 60 40 82")
"""Magic, version 1 with independent blocks, blocks of at most 64 KiB, checksum of the two bytes before."""
_LZ4_BLOCK_LENGTH: Final = struct.Struct("<I")
_LZ4_STORED_BIT: Final = 0x8000_0000
"""In a block's length: it is not compressed."""
_LZ4_END_MARK: Final = bytes(4)


class Codec(IntEnum):
    """Numbers as in a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def _compress_snappy(data: bytes) -> bytes:
    """Xerial's framing, as Kafka's Java client writes it: a header, then raw blocks with their lengths."""
    pieces = [_XERIAL_HEADER.pack(_XERIAL_MAGIC, 1, 1)]
    for start in range(0, len(data), _XERIAL_BLOCK_BYTES):
        block = bytes(cramjam.snappy.compress_raw(data[start : start + _XERIAL_BLOCK_BYTES]))
        pieces.append(_LENGTH.pack(len(block)))
        pieces.append(block)
    return b"".join(pieces)


def _lz4_block(block: bytes, level: int) -> bytes:
    """One block; at another level than the default the only one of a frame, since single blocks know no levels there.
    (A block of the same length as its content, which is the stored one, is as good as one that did not shrink.)"""
    if level == _LZ4_LEVEL:
        return bytes(cramjam.lz4.compress_block(block, store_size=False))
    frame = bytes(cramjam.lz4.compress(block, level=level))
    start = len(_LZ4_FRAME_HEADER) + _LZ4_BLOCK_LENGTH.size
    (length,) = _LZ4_BLOCK_LENGTH.unpack_from(frame, len(_LZ4_FRAME_HEADER))
    return frame[start : start + (length & ~_LZ4_STORED_BIT)]


def _compress_lz4(data: bytes, level: int) -> bytes:
    """An LZ4 frame of independent blocks, byte for byte shaped like those of Kafka's Java client, which is the one
    reader that refuses the linked blocks that libraries write by default ("Dependent block stream is unsupported")."""
    pieces = [_LZ4_FRAME_HEADER]
    for start in range(0, len(data), _LZ4_BLOCK_BYTES):
        block = data[start : start + _LZ4_BLOCK_BYTES]
        packed = _lz4_block(block, level)
        if len(packed) < len(block):
            pieces += (_LZ4_BLOCK_LENGTH.pack(len(packed)), packed)
        else:
            pieces += (_LZ4_BLOCK_LENGTH.pack(len(block) | _LZ4_STORED_BIT), block)
    pieces.append(_LZ4_END_MARK)
    return b"".join(pieces)


def compress(codec: int, data: bytes, level: int | None = None) -> bytes:
    """``data`` packed by ``codec`` (0 returns it as it is).

    Arguments:
        level: as in Kafka's ``compression.<codec>.level``; None for Kafka's default. Snappy has none.

    Raises ``ValueError`` for an unknown codec.
    """
    match codec:
        case Codec.NONE:
            return data
        case Codec.GZIP:
            return bytes(cramjam.gzip.compress(data, level=_GZIP_LEVEL if level in (None, -1) else level))
        case Codec.SNAPPY:
            return _compress_snappy(data)
        case Codec.LZ4:
            return _compress_lz4(data, _LZ4_LEVEL if level is None else level)
        case Codec.ZSTD:
            return bytes(cramjam.zstd.compress(data, level=_ZSTD_LEVEL if level is None else level))
    raise ValueError(f"{codec} is no compression codec")


def _too_long(limit: int) -> CorruptBatch:
    return CorruptBatch(f"batch unpacks to more than {limit} bytes", ErrorCode.MESSAGE_TOO_LARGE)


def _unpack_growing(unpack_into: Callable[[bytes, bytearray], int], data: bytes, limit: int) -> bytes:
    """Try ever larger buffers up to ``limit``: these formats do not say reliably how long their content is."""
    size = min(max(_FIRST_GUESS_BYTES, 4 * len(data)), limit)
    while True:
        out = bytearray(size)
        try:
            return bytes(memoryview(out)[: unpack_into(data, out)])
        except cramjam.DecompressionError as error:
            # cramjam has one exception class; only this text means that the buffer was too small.
            if "write whole buffer" not in str(error):
                raise
            if size >= limit:
                raise _too_long(limit) from None
        size = min(size * 4, limit)


def _unpack_snappy(data: bytes, limit: int) -> bytes:
    """Either form that is found in the wild: Java writes xerial's framing, librdkafka and others raw snappy."""
    blocks = list(_xerial_blocks(data)) if data.startswith(_XERIAL_MAGIC) else [data]
    if sum(int(cramjam.snappy.decompress_raw_len(block)) for block in blocks) > limit:
        raise _too_long(limit)
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    position = _XERIAL_HEADER.size
    while position < len(data):
        if position + 4 > len(data):
            raise CorruptBatch("snappy block has no length")
        (size,) = _LENGTH.unpack_from(data, position)
        position += 4
        if not 0 < size <= len(data) - position:
            raise CorruptBatch(f"snappy block of {size} bytes, {len(data) - position} left")
        yield data[position : position + size]
        position += size


def decompress(codec: int, data: bytes, limit: int = MAX_DECOMPRESSED_BYTES) -> bytes:
    """The twin of ``compress``.

    Raises ``CorruptBatch``: for bytes that ``codec`` did not write, with ``MESSAGE_TOO_LARGE`` for more than ``limit``
    bytes of content, with ``UNSUPPORTED_COMPRESSION_TYPE`` for an unknown codec.
    """
    try:
        match codec:
            case Codec.NONE:
                return data
            case Codec.GZIP:
                return _unpack_growing(cramjam.gzip.decompress_into, data, limit)
            case Codec.SNAPPY:
                return _unpack_snappy(data, limit)
            case Codec.LZ4:
                return _unpack_growing(cramjam.lz4.decompress_into, data, limit)
            case Codec.ZSTD:
                return _unpack_growing(cramjam.zstd.decompress_into, data, limit)
    except cramjam.DecompressionError as error:
        raise CorruptBatch(f"batch does not unpack: {error}") from None
    raise CorruptBatch(f"{codec} is no compression codec", ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
