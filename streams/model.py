"""The framework's vocabulary: records, columns, and re-exports of the broker's identifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from broker_core.model import Isolation, Offset, TimestampMs, TopicPartition
from state.model import TaskId

K = TypeVar("K")
V = TypeVar("V")

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]

__all__ = [
    "ColumnBatch",
    "Headers",
    "Isolation",
    "Offset",
    "OffsetAndMetadata",
    "OutputColumns",
    "Record",
    "RecordContext",
    "TaskId",
    "TimestampMs",
    "TopicPartition",
    "Windowed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Generic[K, V]):
    """One record as a user sees it; the hot path uses columns instead."""

    key: K
    value: V
    timestamp: TimestampMs
    headers: Headers = ()
    topic: str = ""
    partition: int = -1
    offset: Offset = -1


class Windowed(NamedTuple, Generic[K]):
    """A key in one window: the key of what a windowed aggregation sends on.

    A tuple, since a stream of results makes one per record. ``start`` is within the window, ``end`` is not (both in
    epoch milliseconds).
    """

    key: K
    start: TimestampMs
    end: TimestampMs


class RecordContext(Protocol):
    """What a user's function learns of the record at hand, where it takes a last parameter for it.

    Valid during the call only: one object serves all records. Below a record cache changes come from no single input
    record: ``topic`` is empty then, and ``offset`` -1.
    """

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> Offset: ...

    @property
    def timestamp(self) -> TimestampMs: ...

    @property
    def headers(self) -> Headers: ...


class ColumnBatch(NamedTuple):
    """Records of one partition as parallel columns; a tuple because one is made per batch.

    ``offsets`` is None where they are ``base_offset, base_offset + 1, ...``; ``headers`` is None where no
    record has any. ``next_offset`` is the position after this batch, skipped control records included.
    """

    topic_partition: TopicPartition
    base_offset: Offset
    next_offset: Offset
    keys: list[bytes | None]
    values: list[bytes | None]
    timestamps: list[TimestampMs]
    headers: list[Headers] | None
    offsets: list[Offset] | None


class OutputColumns:
    """Columns on their way to one topic. ``partitions`` is None where the key's hash decides, without the last
    ``unhashed_bytes`` of the key."""

    __slots__ = ("headers", "keys", "partitions", "timestamps", "topic", "unhashed_bytes", "values")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.keys: list[bytes | None] = []
        self.values: list[bytes | None] = []
        self.timestamps: list[TimestampMs] = []
        self.headers: list[Headers] | None = None
        self.partitions: list[int] | None = None
        self.unhashed_bytes = 0


class OffsetAndMetadata(NamedTuple):
    """A committed position: the next offset to read, and the text committed with it."""

    offset: Offset
    metadata: str = ""
