"""The broker's vocabulary: identifiers and constants that every layer of the log shares.

Only values live here: no bytes on the wire (``protocol``), no files (``log``), no decisions.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

Offset: TypeAlias = int
LeaderEpoch: TypeAlias = int
ProducerId: TypeAlias = int
ProducerEpoch: TypeAlias = int
Sequence: TypeAlias = int
TimestampMs: TypeAlias = int

NO_PRODUCER_ID: Final[ProducerId] = -1
NO_PRODUCER_EPOCH: Final[ProducerEpoch] = -1
NO_SEQUENCE: Final[Sequence] = -1
NO_TIMESTAMP: Final[TimestampMs] = -1
NO_OFFSET: Final[Offset] = -1
NO_LEADER_EPOCH: Final[LeaderEpoch] = -1

LATEST_OFFSET: Final = -1
"""ListOffsets timestamp that asks for the end (high watermark, or last stable offset)."""
EARLIEST_OFFSET: Final = -2
"""ListOffsets timestamp that asks for the log's start offset."""
MAX_TIMESTAMP_OFFSET: Final = -3
"""ListOffsets timestamp that asks for the record with the largest timestamp (KIP-734)."""

CONSUMER_OFFSETS_TOPIC: Final = "__consumer_offsets"
TRANSACTION_STATE_TOPIC: Final = "__transaction_state"


class TopicPartition(NamedTuple):
    """One partition of one topic; a tuple because it is the key of every hot dictionary."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Isolation(IntEnum):
    """What a reader may see; the numbers are Fetch's and ListOffsets' ``isolation_level``."""

    READ_UNCOMMITTED = 0
    READ_COMMITTED = 1
