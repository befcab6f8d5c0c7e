"""What the client knows of the cluster: topics, partition leaders, coordinators; asks for what somebody missed.

Answers come from Metadata and FindCoordinator. Nothing is fetched ahead of need. A refusal that says the knowledge is
stale (``forget``) makes it ask again, and so does age: a partition that moved away unnoticed, a topic that grew.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from broker_core.errors import ErrorCode
from broker_core.protocol.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from broker_core.protocol.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from streams.client.calls import (
    GROUP_COORDINATOR,
    TRANSACTION_COORDINATOR,
    Again,
    Backoff,
    Call,
    Coordinator,
    Judge,
    Leader,
    Node,
    Where,
)
from streams.client.errors import STALE_COORDINATOR, error_for
from streams.client.settings import ClientSettings
from streams.client.transport import Body
from streams.errors import ClientError
from streams.model import TopicPartition

METADATA_MAX_VERSION: Final = 12
FIND_COORDINATOR_MAX_VERSION: Final = 4
KINDS: Final = {GROUP_COORDINATOR: "group", TRANSACTION_COORDINATOR: "transactional id"}


class Topic(NamedTuple):
    """One topic as of the last answer; ``leaders[partition]`` is a node id, -1 while there is none."""

    partition_count: int
    leaders: tuple[int, ...]
    refresh_ms: int
    """When it is to be asked for again, though nothing is known to be wrong."""


class Epochs(NamedTuple):
    """The newest leader epochs that were heard of, by partition; a topic made anew has another id and begins anew."""

    topic_id: UUID
    by_partition: dict[int, int]


class Cluster:
    """Router of every other core, and a core itself.

    Topics that nobody has are asked for again and again, with back-off: whoever needs them has the time limit.
    """

    def __init__(self, settings: ClientSettings, judge: Judge, backoff: Backoff) -> None:
        self._settings = settings
        self._judge = judge
        self._backoff = backoff
        self._topics: dict[str, Topic] = {}
        self._refused: dict[str, ClientError] = {}
        self._epochs: dict[str, Epochs] = {}
        self._coordinators: dict[Coordinator, int] = {}
        self._refused_coordinators: dict[Coordinator, ClientError] = {}
        self._wanted: dict[str | Coordinator, None] = {}
        self._asking: set[str | Coordinator] = set()
        self._due_ms = 0
        self._next_refresh_ms = 0

    def topic(self, name: str) -> Topic | None:
        """What is known of a topic; asks if nothing is. Raises ``ClientError`` if the broker refuses its name."""
        if (known := self._topics.get(name)) is not None:
            return known
        if (error := self._refused.pop(name, None)) is not None:
            raise error
        self._want(name)
        return None

    def leader(self, topic_partition: TopicPartition) -> int | None:
        """Node id of the partition's leader; None while unknown. Raises as ``topic`` does."""
        topic = self.topic(topic_partition.topic)
        if topic is None:
            return None
        partition = topic_partition.partition
        if not 0 <= partition < topic.partition_count:
            self.forget_leader(topic_partition)  # it may have grown since: whoever tries again sees the new count
            raise error_for(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                f"using {topic_partition}",
                f"topic {topic_partition.topic} has {topic.partition_count} partitions",
            )
        leader = topic.leaders[partition]
        if leader < 0:
            self._want(topic_partition.topic)
            return None
        return leader

    def locate(self, where: Where) -> Node | None:
        if isinstance(where, Node):
            return where
        if isinstance(where, Leader):
            leader = self.leader(where.topic_partition)
            return None if leader is None else Node(leader)
        node_id = self._coordinators.get(where)
        if node_id is None:
            if (error := self._refused_coordinators.pop(where, None)) is not None:
                raise error
            self._want(where)
            return None
        return Node(node_id)

    def forget(self, where: Where, code: int) -> None:
        if isinstance(where, Leader):
            self.forget_leader(where.topic_partition)
        elif isinstance(where, Coordinator) and code in STALE_COORDINATOR:
            self._coordinators.pop(where, None)

    def forget_leader(self, topic_partition: TopicPartition) -> None:
        self._topics.pop(topic_partition.topic, None)

    def calls(self, now_ms: int) -> list[Call]:
        if now_ms >= self._next_refresh_ms:
            for name, topic in self._topics.items():
                if now_ms >= topic.refresh_ms:
                    self._want(name)
            self._note_refresh(now_ms)
        if not self._wanted or now_ms < self._due_ms:
            return []
        wanted, self._wanted = list(self._wanted), {}
        self._asking.update(wanted)
        calls = [self._find(place) for place in wanted if isinstance(place, Coordinator)]
        if topics := [name for name in wanted if isinstance(name, str)]:
            calls.append(self._ask(topics))
        return calls

    def next_deadline(self) -> int | None:
        if self._wanted:
            return self._due_ms
        return self._next_refresh_ms if self._topics else None

    def _note_refresh(self, now_ms: int) -> None:
        """When the next topic is due; one that has been asked for and not answered is not."""
        later = (topic.refresh_ms for topic in self._topics.values() if topic.refresh_ms > now_ms)
        self._next_refresh_ms = min(later, default=now_ms + self._settings.metadata_max_age_ms)

    def _want(self, place: str | Coordinator) -> None:
        if place not in self._asking:
            self._wanted[place] = None

    def _ask(self, topics: list[str]) -> Call:
        body = MetadataRequest(
            topics=tuple(MetadataRequestTopic(name=name) for name in topics),
            allow_auto_topic_creation=self._settings.allow_auto_create,
        )

        def answered(answer: Body, now_ms: int) -> None:
            self._asking.difference_update(topics)
            self._take_metadata(answer, now_ms)

        def lost(_: ClientError, now_ms: int) -> None:
            self._asking.difference_update(topics)
            self._later(now_ms)

        return Call(None, body, METADATA_MAX_VERSION, answered, lost)

    def _take_metadata(self, answer: MetadataResponse, now_ms: int) -> None:
        complete = True
        for topic in answer.topics:
            if topic.name is None:
                continue
            try:
                self._judge.check(topic.error_code, f"finding topic {topic.name}")
            except Again:
                complete = False
                continue
            except ClientError as error:
                self._refused[topic.name] = error
                continue
            leaders = self._leaders(topic.name, topic)
            complete &= -1 not in leaders
            refresh_ms = now_ms + self._settings.metadata_max_age_ms
            self._topics[topic.name] = Topic(len(leaders), tuple(leaders), refresh_ms)
            self._next_refresh_ms = min(self._next_refresh_ms, refresh_ms)
        if complete:
            self._backoff.reset()
        else:
            self._later(now_ms)

    def _leaders(self, name: str, topic: MetadataResponseTopic) -> list[int]:
        """By partition; -1 where there is none, or where a broker tells what others have told is over (KIP-320)."""
        epochs = self._epochs.get(name)
        if epochs is None or epochs.topic_id != topic.topic_id:
            epochs = self._epochs[name] = Epochs(topic.topic_id, {})
        leaders = [-1] * len(topic.partitions)
        for partition in topic.partitions:
            index = partition.partition_index
            if partition.leader_epoch >= epochs.by_partition.get(index, -1):
                epochs.by_partition[index] = partition.leader_epoch
                leaders[index] = partition.leader_id
        return leaders

    def _find(self, place: Coordinator) -> Call:
        body = FindCoordinatorRequest(key_type=place.kind, coordinator_keys=(place.key,))

        def answered(answer: FindCoordinatorResponse, now_ms: int) -> None:
            self._asking.discard(place)
            found = next((found for found in answer.coordinators if found.key == place.key), None)
            if found is None:
                self._later(now_ms)
                return
            doing = f"looking for the coordinator of {KINDS[place.kind]} {place.key}"
            try:
                self._judge.check(found.error_code, doing, found.error_message)
            except Again:
                self._later(now_ms)
            except ClientError as error:
                self._refused_coordinators[place] = error
            else:
                self._coordinators[place] = found.node_id
                self._backoff.reset()

        def lost(_: ClientError, now_ms: int) -> None:
            self._asking.discard(place)
            self._later(now_ms)

        return Call(None, body, FIND_COORDINATOR_MAX_VERSION, answered, lost)

    def _later(self, now_ms: int) -> None:
        self._due_ms = now_ms + self._backoff.next_ms()
