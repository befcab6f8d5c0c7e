"""File names and fixed layouts of a partition's directory: Kafka's own, so that Kafka's tools read it, and our seals.

Constants and names only; what is written when belongs to ``segment``, ``recovery`` and ``partition_log``.
See docs/formats/segment.md.
"""

from __future__ import annotations

import struct
from typing import Final

from broker_core.model import Offset

LOG_SUFFIX: Final = ".log"
INDEX_SUFFIX: Final = ".index"
TIME_INDEX_SUFFIX: Final = ".timeindex"
TRANSACTION_INDEX_SUFFIX: Final = ".txnindex"
SEAL_SUFFIX: Final = ".seal"
SNAPSHOT_SUFFIX: Final = ".snapshot"
SIDE_SUFFIXES: Final = (INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX, SEAL_SUFFIX)
"""Files beside a sealed segment; all are durable before the next segment exists."""
CLEANED: Final = ".cleaned"
"""Appended to the names of a segment that compaction is writing."""
SWAP: Final = ".swap"
"""Appended when it is complete: once its ``.log.swap`` is there it takes the place of the segments that it covers."""
DELETED: Final = ".deleted"
"""Appended to the names of files that are only still to be removed."""
LEFTOVER_SUFFIXES: Final = (".tmp", CLEANED, SWAP, DELETED)
"""Work that a crash cut short; removed at open, complete swaps are finished first."""
LEADER_EPOCHS_NAME: Final = "leader-epoch-checkpoint"
PARTITION_METADATA_NAME: Final = "partition.metadata"

OFFSET_DIGITS: Final = 20
MAX_RELATIVE_OFFSET: Final = 2**31 - 1

BATCH_FIELDS: Final = struct.Struct(">qiibIhi")
"""Base offset, length, leader epoch, magic, checksum, attributes, last offset delta: what walking
over batches looks at; the whole header is ``protocol.batch``'s."""


def file_name(offset: Offset, suffix: str) -> str:
    """``file_name(42, ".log")`` is ``00000000000000000042.log``."""
    return f"{offset:0{OFFSET_DIGITS}d}{suffix}"


def parse_file_name(name: str) -> tuple[Offset, str] | None:
    """Offset and suffix of a segment's file or a snapshot; None for any other name."""
    digits, dot, suffix = name.partition(".")
    if len(digits) != OFFSET_DIGITS or not digits.isdecimal() or not dot:
        return None
    return int(digits), dot + suffix
