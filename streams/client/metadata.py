"""What the client knows of the cluster: topics, partition leaders, coordinators; asks for what somebody missed.

Answers come from Metadata and FindCoordinator. Nothing is fetched ahead of need, and nothing expires: a refusal that
says the knowledge is stale (``forget``) makes it ask again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from broker_core.errors import ErrorCode
from broker_core.protocol.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from streams.client.calls import Again, Backoff, Call, Coordinator, Judge, Leader, Node, Where
from streams.client.errors import STALE_COORDINATOR, error_for
from streams.client.settings import ClientSettings
from streams.client.transport import Body
from streams.errors import ClientError
from streams.model import TopicPartition

METADATA_MAX_VERSION: Final = 12
FIND_COORDINATOR_MAX_VERSION: Final = 4


class Topic(NamedTuple):
    """One topic as of the last answer; ``leaders[partition]`` is a node id, -1 while there is none."""

    partition_count: int
    leaders: tuple[int, ...]


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
        self._coordinators: dict[Coordinator, int] = {}
        self._wanted: dict[str | Coordinator, None] = {}
        self._asking: set[str | Coordinator] = set()
        self._due_ms = 0

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
        if not self._wanted or now_ms < self._due_ms:
            return []
        wanted, self._wanted = list(self._wanted), {}
        self._asking.update(wanted)
        calls = [self._find(place) for place in wanted if isinstance(place, Coordinator)]
        if topics := [name for name in wanted if isinstance(name, str)]:
            calls.append(self._ask(topics))
        return calls

    def next_deadline(self) -> int | None:
        return self._due_ms if self._wanted else None

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
            leaders = [-1] * len(topic.partitions)
            for partition in topic.partitions:
                leaders[partition.partition_index] = partition.leader_id
            complete &= -1 not in leaders
            self._topics[topic.name] = Topic(len(leaders), tuple(leaders))
        if complete:
            self._backoff.reset()
        else:
            self._later(now_ms)

    def _find(self, place: Coordinator) -> Call:
        body = FindCoordinatorRequest(key_type=place.kind, coordinator_keys=(place.key,))

        def answered(answer: FindCoordinatorResponse, now_ms: int) -> None:
            self._asking.discard(place)
            found = next((found for found in answer.coordinators if found.key == place.key), None)
            if found is None or found.error_code:
                # A refusal ends with whoever asked: its time limit or the coordinator's own answer says so.
                self._later(now_ms)
            else:
                self._coordinators[place] = found.node_id
                self._backoff.reset()

        def lost(_: ClientError, now_ms: int) -> None:
            self._asking.discard(place)
            self._later(now_ms)

        return Call(None, body, FIND_COORDINATOR_MAX_VERSION, answered, lost)

    def _later(self, now_ms: int) -> None:
        self._due_ms = now_ms + self._backoff.next_ms()
