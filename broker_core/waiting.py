"""Who waits for what, across all kinds of requests: turns the progress of partitions into replies that can be sent.

Built on ``purgatory``; what a reply looks like came with the request that was parked, or comes from the coordinator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from broker_core.coordinator import ReleasedReply
from broker_core.errors import ErrorCode
from broker_core.model import Offset, TopicPartition
from broker_core.outcome import Released
from broker_core.purgatory import ParkedFetches, ParkedWrites, Tokens


class Waiting:
    """The parked requests of one broker; hears of progress as ``partitions.ProgressListener``.

    Attributes:
        writes: produce requests that wait for their sync.
        fetches: fetch requests that wait for data, as ``handlers.fetch`` parks them.
        ready: replies to be sent.
        moved: the coordinator has not yet been told that partitions moved.
        failed: logs that failed and that the coordinator has not yet been told of.
    """

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.writes = ParkedWrites(self.tokens)
        self.fetches: ParkedFetches[Any] = ParkedFetches(self.tokens)
        self.ready: list[Released] = []
        self.moved = False
        self.failed: list[TopicPartition] = []
        self._coordinated: dict[int, int] = {}

    def park_coordinated(self, coordinator_token: int) -> int:
        """Wait for a reply of the coordinator; returns the token under which the client gets it."""
        token = self.tokens.next()
        self._coordinated[coordinator_token] = token
        return token

    def release_coordinated(self, replies: Iterable[ReleasedReply]) -> None:
        """The coordinator has released ``replies``."""
        for reply in replies:
            self.ready.append(Released(self._coordinated.pop(reply.token), reply.body))

    def advanced(self, partition: TopicPartition, synced_offset: Offset) -> None:
        """Everything of ``partition`` below ``synced_offset`` is durable."""
        for token, body in self.writes.advance(partition, synced_offset):
            self.ready.append(Released(token, body))
        self.fetches.touch(partition)
        self.moved = True

    def lost(self, partition: TopicPartition, code: ErrorCode) -> None:
        """The log of ``partition`` has failed (``KAFKA_STORAGE_ERROR``), or it was deleted."""
        for token, body in self.writes.lose(partition, code):
            self.ready.append(Released(token, body))
        self.fetches.touch(partition)
        if code is ErrorCode.KAFKA_STORAGE_ERROR:
            self.failed.append(partition)
        else:
            self.moved = True

    def drain(self) -> list[Released]:
        """The replies that are ready, each once."""
        if not self.ready:
            return []
        ready, self.ready = self.ready, []
        return ready
