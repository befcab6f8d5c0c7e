"""Columns that a consumer has and its application has not, and how far into them that has got. PURE.

Records are made here, one by one, when they are asked for; one counts as had when it is handed out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from streams.errors import SerdeError
from streams.model import ColumnBatch, Record, TopicPartition
from streams.serde.base import Serde
from streams.serde.explain import decode

ATTEND_RECORDS: Final = 500
"""After so many records of one batch an iterating application looks whether its group wants something."""


class Backlog:
    """What is there to be had.

    Arguments:
        key, value: how records are decoded.
    """

    def __init__(self, key: Serde[Any], value: Serde[Any]) -> None:
        self._key, self._value = key, value
        self._batches: deque[ColumnBatch] = deque()
        self._taken = 0
        """How many records of the first batch the application has had."""

    def __bool__(self) -> bool:
        return bool(self._batches)

    def add(self, batches: Sequence[ColumnBatch]) -> None:
        """More, behind what there is."""
        self._batches.extend(batches)

    def take(self) -> list[ColumnBatch]:
        """All of it, as columns."""
        found = [self._rest(), *list(self._batches)[1:]] if self._batches else []
        self.clear()
        return found

    def decoded(self, most: int = ATTEND_RECORDS) -> Iterator[Record[Any, Any]]:
        """Records of the first batch that is there, one by one; each counts as had when it is handed out.

        Raises:
            SerdeError: one cannot be decoded; it stays the next one.
        """
        batch = self._batches[0]
        topic, partition = batch.topic_partition
        start = self._taken
        stop = min(len(batch.keys), start + most)
        key_decode, value_decode = self._key.decode, self._value.decode
        base, offsets, headers = batch.base_offset, batch.offsets, batch.headers
        for index in range(start, stop):
            key_bytes, value_bytes = batch.keys[index], batch.values[index]
            offset = base + index if offsets is None else offsets[index]
            try:
                key = None if key_bytes is None else key_decode(key_bytes)
                value = None if value_bytes is None else value_decode(value_bytes)
            except Exception:
                key, value = self._explained(batch.topic_partition, offset, key_bytes, value_bytes)
            self._taken = index + 1
            if self._taken == len(batch.keys):
                self._batches.popleft()
                self._taken = 0
            yield Record(
                key=key,
                value=value,
                timestamp=batch.timestamps[index],
                headers=() if headers is None else headers[index],
                topic=topic,
                partition=partition,
                offset=offset,
            )
            if not self._batches or self._batches[0] is not batch:
                return  # the batch is over, or the application sought, or lost the partition

    def held(self) -> dict[TopicPartition, int]:
        """Per partition, the first offset of what is here and was not had yet."""
        found: dict[TopicPartition, int] = {}
        for index, batch in enumerate(self._batches):
            at = self._taken if index == 0 else 0
            offset = batch.base_offset + at if batch.offsets is None else batch.offsets[at]
            found.setdefault(batch.topic_partition, offset)
        return found

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drop what is of these."""
        gone = set(partitions)
        if self._batches and self._batches[0].topic_partition in gone:
            self._taken = 0
        self._batches = deque(batch for batch in self._batches if batch.topic_partition not in gone)

    def clear(self) -> None:
        """Drop everything."""
        self._batches.clear()
        self._taken = 0

    def _rest(self) -> ColumnBatch:
        """The first batch without what was had of it."""
        batch, taken = self._batches[0], self._taken
        if not taken:
            return batch
        return batch._replace(
            base_offset=batch.base_offset + taken if batch.offsets is None else batch.offsets[taken],
            keys=batch.keys[taken:],
            values=batch.values[taken:],
            timestamps=batch.timestamps[taken:],
            headers=None if batch.headers is None else batch.headers[taken:],
            offsets=None if batch.offsets is None else batch.offsets[taken:],
        )

    def _explained(self, place: TopicPartition, offset: int, key: bytes | None, value: bytes | None) -> tuple[Any, Any]:
        try:
            return decode(self._key, key, "key"), decode(self._value, value, "value")
        except SerdeError as error:
            where = f"topic {place.topic}, partition {place.partition}, offset {offset}"
            raise SerdeError(f"{where}: {error}. To go on behind it: seek to offset {offset + 1}") from error.__cause__
