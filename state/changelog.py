"""What a store's writes look like on their way to its changelog topic: columns, drained once per commit.

A changelog record is (key, plain value or None, record timestamp): the timestamp that the row carries inside the
store is the record's own here. Where the records go (topic, partition, producer) is the caller's business.
"""

from __future__ import annotations

from typing import NamedTuple


class ChangelogBatch(NamedTuple):
    """Drained columns, in write order; the receiver owns the lists."""

    topic: str
    keys: list[bytes]
    values: list[bytes | None]
    timestamps: list[int]


class ChangelogColumns:
    """Writes of one store since the last drain. The lists are public: kernels append to them.

    They are emptied by replacing them, so nobody may keep one across a drain.
    """

    __slots__ = ("keys", "timestamps", "topic", "values")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.keys: list[bytes] = []
        self.values: list[bytes | None] = []
        self.timestamps: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def append(self, key: bytes, value: bytes | None, timestamp: int) -> None:
        self.keys.append(key)
        self.values.append(value)
        self.timestamps.append(timestamp)

    def extend(self, keys: list[bytes], values: list[bytes | None], timestamps: list[int]) -> None:
        self.keys.extend(keys)
        self.values.extend(values)
        self.timestamps.extend(timestamps)

    def truncate(self, length: int) -> None:
        """Forget what was written after the first ``length`` records."""
        del self.keys[length:], self.values[length:], self.timestamps[length:]

    def drain(self) -> ChangelogBatch:
        """Hand over everything written so far and start afresh."""
        batch = ChangelogBatch(self.topic, self.keys, self.values, self.timestamps)
        self.clear()
        return batch

    def clear(self) -> None:
        """Forget everything written so far (the transaction was aborted)."""
        self.keys, self.values, self.timestamps = [], [], []
