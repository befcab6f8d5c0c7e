"""Fetch sessions (KIP-227): what a client fetches is remembered, so that it sends and is sent what changed only. PURE.

Owns sessions, their epochs and which of them go when there are too many; no log is read here. A client begins with
session id 0 and epoch 0, and counts on with every request; epoch -1 asks for everything without a session, which is
always legal, and is what a client gets that no slot is left for (session id 0 in the answer).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from broker_core.errors import ErrorCode
from broker_core.model import NO_OFFSET, Offset
from broker_core.ports import Random
from broker_core.protocol.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)

TOPIC_IDS_SINCE: Final = 13
NO_SESSION: Final = 0
FIRST_EPOCH: Final = 0
FINAL_EPOCH: Final = -1
MAX_EPOCH: Final = 2**31 - 1
EVICTION_MS: Final = 120_000
"""A session may be evicted by any new one when it was not used, by a larger one when it has existed, for so long."""

_Key: TypeAlias = tuple[str | UUID, int]


@dataclass(slots=True)
class _Cached:
    """One partition of a session: what is asked for, and what the client was told last."""

    asked: FetchPartition
    high_watermark: Offset = NO_OFFSET
    log_start_offset: Offset = NO_OFFSET


@dataclass(slots=True, kw_only=True)
class FetchSession:
    """One client's session; ``epoch`` is that of its next request. Partitions that had records go to the end."""

    id: int
    uses_topic_ids: bool
    created_ms: int
    used_ms: int
    epoch: int = 1
    partitions: dict[_Key, _Cached] = field(default_factory=dict)

    def ask(self, topics: Iterable[FetchTopic]) -> None:
        """Add partitions, or change what is asked of them."""
        for topic in topics:
            name = self._name(topic.topic, topic.topic_id)
            for asked in topic.partitions:
                cached = self.partitions.get((name, asked.partition))
                if cached is None:
                    self.partitions[name, asked.partition] = _Cached(asked)
                else:
                    cached.asked = asked

    def forget(self, body: FetchRequest) -> None:
        """Drop the partitions that the request no longer wants."""
        for topic in body.forgotten_topics_data:
            name = self._name(topic.topic, topic.topic_id)
            for index in topic.partitions:
                self.partitions.pop((name, index), None)

    def topics(self) -> tuple[FetchTopic, ...]:
        """Everything the session asks for, in its order; a topic occurs once for each run of its partitions."""
        runs: list[tuple[str | UUID, list[FetchPartition]]] = []
        for (name, _), cached in self.partitions.items():
            if not runs or runs[-1][0] != name:
                runs.append((name, []))
            runs[-1][1].append(cached.asked)
        return tuple(
            FetchTopic(topic_id=name, partitions=tuple(asked))
            if isinstance(name, UUID)
            else FetchTopic(topic=name, partitions=tuple(asked))
            for name, asked in runs
        )

    def tell(self, response: FetchResponse, *, everything: bool) -> tuple[FetchableTopicResponse, ...]:
        """The part of ``response`` that the client has to be told, which is noted as told."""
        told = []
        for topic in response.responses:
            name = self._name(topic.topic, topic.topic_id)
            news = tuple(data for data in topic.partitions if self._is_news(name, data) or everything)
            if news:
                told.append(topic if len(news) == len(topic.partitions) else replace(topic, partitions=news))
        return tuple(told)

    def _name(self, topic: str, topic_id: UUID) -> str | UUID:
        return topic_id if self.uses_topic_ids else topic

    def _is_news(self, name: str | UUID, data: PartitionData) -> bool:
        key = (name, data.partition_index)
        cached = self.partitions.get(key)
        if cached is None:  # dropped while the request was parked
            return True
        if data.records:
            del self.partitions[key]
            self.partitions[key] = cached
        changed = (cached.high_watermark, cached.log_start_offset) != (data.high_watermark, data.log_start_offset)
        cached.high_watermark, cached.log_start_offset = data.high_watermark, data.log_start_offset
        return changed or bool(data.records) or data.error_code != ErrorCode.NONE


class FetchTurn(NamedTuple):
    """One request as it is to be read: all topics that count, and the session it belongs to."""

    topics: tuple[FetchTopic, ...]
    session: FetchSession | None = None
    is_incremental: bool = False

    def answer(self, response: FetchResponse) -> FetchResponse:
        """``response``, which tells everything, as the client is to get it."""
        if self.session is None:
            return response
        told = self.session.tell(response, everything=not self.is_incremental)
        return replace(response, session_id=self.session.id, responses=told)


class FetchSessions:
    """The sessions of one broker.

    Arguments:
        random: makes ids; they must not repeat after a restart, or a client would go on in another one's session.
        slots: how many sessions there may be; 0 for none.
    """

    def __init__(self, random: Random, slots: int) -> None:
        self._random = random
        self._slots = slots
        self._sessions: dict[int, FetchSession] = {}
        """By id, the least recently used first."""

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, body: FetchRequest, api_version: int, now_ms: int) -> FetchTurn | ErrorCode:
        """What the request asks for, its session brought up to date; or the code to refuse it with."""
        if body.session_epoch in (FIRST_EPOCH, FINAL_EPOCH):
            self._sessions.pop(body.session_id, None)
            if body.session_epoch == FINAL_EPOCH:
                return FetchTurn(body.topics)
            return FetchTurn(body.topics, self._create(body, api_version, now_ms))
        session = self._sessions.get(body.session_id)
        if session is None:
            return ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        if session.epoch != body.session_epoch:
            return ErrorCode.INVALID_FETCH_SESSION_EPOCH
        if session.uses_topic_ids != (api_version >= TOPIC_IDS_SINCE):
            return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
        session.epoch = 1 if session.epoch == MAX_EPOCH else session.epoch + 1
        session.used_ms = now_ms
        self._sessions[session.id] = self._sessions.pop(session.id)
        session.ask(body.topics)
        session.forget(body)
        if not session.partitions:
            del self._sessions[session.id]
            return FetchTurn(())
        return FetchTurn(session.topics(), session, is_incremental=True)

    def _create(self, body: FetchRequest, api_version: int, now_ms: int) -> FetchSession | None:
        size = sum(len(topic.partitions) for topic in body.topics)
        if not size or not self._make_room(size, now_ms):
            return None
        session = FetchSession(
            id=self._new_id(), uses_topic_ids=api_version >= TOPIC_IDS_SINCE, created_ms=now_ms, used_ms=now_ms
        )
        session.ask(body.topics)
        self._sessions[session.id] = session
        return session

    def _make_room(self, size: int, now_ms: int) -> bool:
        """Whether a session of ``size`` partitions may be had; evicts one that counts for less, as Kafka does."""
        if len(self._sessions) < self._slots:
            return True
        if not self._sessions:
            return False
        oldest = next(iter(self._sessions.values()))
        if now_ms - oldest.used_ms > EVICTION_MS:
            del self._sessions[oldest.id]
            return True
        smallest = min(self._sessions.values(), key=lambda session: len(session.partitions))
        if len(smallest.partitions) < size and now_ms - smallest.created_ms > EVICTION_MS:
            del self._sessions[smallest.id]
            return True
        return False

    def _new_id(self) -> int:
        while True:
            found = self._random.getrandbits(31)
            if found != NO_SESSION and found not in self._sessions:
                return found
