"""A coordinator over logs that are lists, with a disk that forgets what was not synced.

The fake stands at the port (``CoordinatorLogs``); the batches in it are real bytes. ``World`` plays broker, shell and
client: it appends data, syncs, crashes, and reads as a read_committed consumer does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from broker_core.config import BrokerConfig, Durability
from broker_core.coordinator import ANONYMOUS, Coordinator, CoordinatorReply, ReleasedReply
from broker_core.decision import Marker
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.group.joining import Client
from broker_core.model import CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, TopicPartition
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from broker_core.protocol.batch import build_batch, control_batch, decode_batch, read_control, read_header, with_offset
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.protocol.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from broker_core.protocol.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)

TXN = TopicPartition(TRANSACTION_STATE_TOPIC, 0)
OFFSETS = TopicPartition(CONSUMER_OFFSETS_TOPIC, 0)
A = TopicPartition("out", 0)
B = TopicPartition("out", 1)

R = TypeVar("R")


@dataclass
class FakeLog:
    """Batches with their offsets; ``synced`` is how far the disk has them."""

    batches: list[bytes] = field(default_factory=list)
    synced: int = 0
    failed: bool = False
    refusal: Exception = field(default_factory=lambda: StorageError("disk is full"))
    """What appending raises while ``failed``."""

    @property
    def end(self) -> int:
        return read_header(self.batches[-1]).next_offset if self.batches else 0

    def append(self, batch: bytes) -> int:
        if self.failed:
            raise self.refusal
        self.batches.append(with_offset(batch, self.end, 0))
        return self.end

    def crash(self, keep: Callable[[int], int]) -> None:
        """Lose unsynced batches; ``keep`` says how many of them survive all the same."""
        unsynced = [batch for batch in self.batches if read_header(batch).base_offset >= self.synced]
        del self.batches[len(self.batches) - len(unsynced) + keep(len(unsynced)) :]

    def open_transactions(self) -> dict[int, int]:
        """Producer ids with an open transaction, and its epoch."""
        found: dict[int, int] = {}
        for batch in self.batches:
            header = read_header(batch)
            if header.is_control:
                found.pop(header.producer_id, None)
            elif header.is_transactional:
                found[header.producer_id] = header.producer_epoch
        return found

    def newest_epoch(self, producer_id: int) -> int:
        epochs = [
            read_header(each).producer_epoch for each in self.batches if read_header(each).producer_id == producer_id
        ]
        return max(epochs, default=-1)

    def committed(self) -> list[bytes]:
        """Values a read_committed consumer gets, up to the last stable offset."""
        pending: dict[int, list[tuple[int, bytes]]] = {}
        visible: list[tuple[int, bytes]] = []
        for batch in self.batches:
            header = read_header(batch)
            if header.is_control:
                done = pending.pop(header.producer_id, [])
                visible += done if read_control(batch).commit else []
                continue
            values = [(header.base_offset, value or b"") for value in decode_batch(batch).values]
            (pending.setdefault(header.producer_id, []) if header.is_transactional else visible).extend(values)
        stable = min((values[0][0] for values in pending.values()), default=self.end)
        return [value for offset, value in sorted(visible) if offset < stable]


class FakeLogs:
    """``CoordinatorLogs`` over ``FakeLog``s. ``trace`` hears every append in words."""

    def __init__(self, partitions: Iterable[TopicPartition], durability: Durability) -> None:
        self.logs = {partition: FakeLog() for partition in partitions}
        self.durability = durability
        self.epoch = 0
        self.trace: list[str] = []

    def has_topic(self, topic: str) -> bool:
        return any(partition.topic == topic for partition in self.logs)

    def append(self, topic_partition: TopicPartition, batch: bytes, now_ms: int) -> int:
        end = self.logs[topic_partition].append(batch)
        if self.durability is Durability.NONE:
            self.logs[topic_partition].synced = end
        return end

    def append_marker(self, topic_partition: TopicPartition, marker: Marker, now_ms: int) -> int:
        newest = self.logs[topic_partition].newest_epoch(marker.producer_id)
        if marker.producer_epoch < newest:
            raise BrokerError(ErrorCode.INVALID_PRODUCER_EPOCH, f"epoch {marker.producer_epoch} is below {newest}")
        batch = control_batch(
            marker.producer_id, marker.producer_epoch, marker.coordinator_epoch, marker.commit, now_ms
        )
        end = self.append(topic_partition, batch, now_ms)
        self.trace.append(
            f"{topic_partition}: {'commit' if marker.commit else 'abort'} marker of producer {marker.producer_id} "
            f"epoch {marker.producer_epoch}"
        )
        return end

    def end_offset(self, topic_partition: TopicPartition) -> int | None:
        log = self.logs.get(topic_partition)
        return None if log is None else log.end

    def synced_offset(self, topic_partition: TopicPartition) -> int | None:
        log = self.logs.get(topic_partition)
        return None if log is None else log.synced

    def leader_epoch(self, topic_partition: TopicPartition) -> int:
        return self.epoch


class World:
    """One broker's coordinator, its disk, and the requests of its clients.

    Arguments:
        two_waves: see ``Coordinator``.
        durability: ``NONE`` makes every append synced at once.
        settings: others of ``BrokerConfig``.
    """

    def __init__(self, *, two_waves: bool = True, durability: Durability = Durability.SYNCED, **settings: Any) -> None:
        self.config = BrokerConfig(durability=durability, **settings)
        self.random = Random(1)
        self.two_waves = two_waves
        self.now_ms = 1_000
        self.next_producer_id = 0
        self.logs = FakeLogs([TXN, OFFSETS, A, B], durability)
        self.replies: dict[int, Any] = {}
        self.coordinator = self._coordinator()

    def _coordinator(self) -> Coordinator:
        return Coordinator(self.config, self.logs, self._allocate, self.random, two_waves=self.two_waves)

    def _allocate(self) -> int:
        self.next_producer_id += 1
        return self.next_producer_id - 1

    # -- the shell's part

    def sync(self, *partitions: TopicPartition) -> None:
        """Sync the logs named (all, if none are) and tell the coordinator."""
        for partition in partitions or tuple(self.logs.logs):
            self.logs.logs[partition].synced = self.logs.logs[partition].end
        self._keep(self.coordinator.on_synced(self.now_ms))

    def settle(self) -> None:
        """Sync what is waited for until nothing is."""
        for _ in range(50):
            if not self.coordinator.awaited():
                return
            self.sync(*(partition for partition in self.coordinator.awaited() if partition in self.logs.logs))
        raise AssertionError("waves without end")

    def tick(self, passed_ms: int = 0) -> None:
        self.now_ms += passed_ms
        self._keep(self.coordinator.tick(self.now_ms))

    def _keep(self, released: Iterable[ReleasedReply]) -> None:
        self.replies.update((each.token, each.body) for each in released)

    def crash(self, keep: Callable[[int], int] = lambda unsynced: 0) -> None:
        """Power failure and restart. ``keep``: how many unsynced batches of each log survive; none by default."""
        for log in self.logs.logs.values():
            log.crash(keep)
        self.restart()

    def crash_randomly(self, random: Random) -> None:
        self.crash(lambda unsynced: random.randint(0, unsynced))

    def restart(self) -> None:
        """A new process on what the logs hold; as recovery does, it has all of that on disk first."""
        self.logs.epoch += 1
        for log in self.logs.logs.values():
            log.synced = log.end
        self.coordinator = self._coordinator()
        for partition in (TXN, OFFSETS):
            self.coordinator.load(partition, b"".join(self.logs.logs[partition].batches))
        self.coordinator.recover(
            [
                (partition, producer_id, epoch)
                for partition, log in self.logs.logs.items()
                for producer_id, epoch in log.open_transactions().items()
            ],
            self.now_ms,
        )

    # -- the client's part

    def submit(self, body: object, version: int, client: Client = ANONYMOUS) -> int | Any:
        """The response, or the token it will come under; what it releases for others goes to ``replies``."""
        answer = self.coordinator.submit(body, version, self.now_ms, client)
        self._keep(self.coordinator.take_released())
        return answer.body if isinstance(answer, CoordinatorReply) else answer.token

    def ask(self, body: object, version: int) -> Any:
        """The response, after as many syncs as it takes."""
        answer = self.submit(body, version)
        if not isinstance(answer, int):
            return answer
        for _ in range(10):
            self.sync()
            if answer in self.replies:
                return self.replies.pop(answer)
        raise AssertionError(f"no answer to {body}")

    def init(self, name: str | None = "t", version: int = 4, timeout_ms: int = 60_000, claim: Any = (-1, -1)) -> Any:
        return self.ask(
            InitProducerIdRequest(
                transactional_id=name, transaction_timeout_ms=timeout_ms, producer_id=claim[0], producer_epoch=claim[1]
            ),
            version,
        )

    def submit_init(self, name: str = "t") -> Any:
        """InitProducerId without waiting: the response, or its token."""
        return self.submit(InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=60_000), 4)

    def owner(self, name: str = "t", **kwargs: Any) -> tuple[int, int]:
        response = self.init(name, **kwargs)
        assert response.error_code == ErrorCode.NONE
        return response.producer_id, response.producer_epoch

    def add(self, owner: tuple[int, int], *partitions: TopicPartition, name: str = "t", version: int = 3) -> ErrorCode:
        response = self.ask(add_request(owner, partitions, name), version)
        codes = {
            each.partition_error_code
            for topic in response.results_by_topic_v3_and_below
            for each in topic.results_by_partition
        }
        assert len(codes) == 1
        return ErrorCode(codes.pop())

    def add_offsets(self, owner: tuple[int, int], group: str = "g", name: str = "t", version: int = 3) -> ErrorCode:
        request = AddOffsetsToTxnRequest(
            transactional_id=name, producer_id=owner[0], producer_epoch=owner[1], group_id=group
        )
        return ErrorCode(self.ask(request, version).error_code)

    def admit(
        self, owner: tuple[int, int], *partitions: TopicPartition, name: str = "t", version: int = 11
    ) -> ErrorCode:
        return self.coordinator.admit_produce(
            transactional_id=name,
            producer_id=owner[0],
            producer_epoch=owner[1],
            partitions=partitions,
            api_version=version,
            now_ms=self.now_ms,
        )

    def produce(
        self, owner: tuple[int, int], partition: TopicPartition, value: bytes, name: str = "t", version: int = 11
    ) -> ErrorCode:
        """Append one transactional record if the coordinator admits it; not synced."""
        code = self.admit(owner, partition, name=name, version=version)
        if code is ErrorCode.NONE:
            batch = build_batch(
                [None], [value], [self.now_ms], producer_id=owner[0], producer_epoch=owner[1], is_transactional=True,
                base_sequence=0,
            )  # fmt: skip
            self.logs.append(partition, batch, self.now_ms)
        return code

    def commit_offsets(
        self, owner: tuple[int, int], offsets: dict[TopicPartition, int], group: str = "g", name: str = "t",
        version: int = 3, **kwargs: Any,
    ) -> ErrorCode:  # fmt: skip
        response = self.ask(txn_commit_request(owner, offsets, group, name, **kwargs), version)
        return ErrorCode(next(each.error_code for topic in response.topics for each in topic.partitions))

    def end(self, owner: tuple[int, int], commit: bool = True, name: str = "t", version: int = 4) -> ErrorCode:
        return ErrorCode(self.ask(end_request(owner, commit, name), version).error_code)

    def simple_commit(
        self, offsets: dict[TopicPartition, int], group: str = "g", version: int = 8, **kwargs: Any
    ) -> Any:
        response = self.ask(commit_request(offsets, group, **kwargs), version)
        return ErrorCode(next(each.error_code for topic in response.topics for each in topic.partitions))

    def fetch(self, *partitions: TopicPartition, group: str = "g", stable: bool = False) -> dict[TopicPartition, Any]:
        """Offsets per partition; an ``ErrorCode`` where there was one."""
        topics = None
        if partitions:
            topics = tuple(
                OffsetFetchRequestTopics(name=each.topic, partition_indexes=(each.partition,)) for each in partitions
            )
        request = OffsetFetchRequest(
            groups=(OffsetFetchRequestGroup(group_id=group, topics=topics),), require_stable=stable
        )
        response: OffsetFetchResponse = self.ask(request, 8)
        return {
            TopicPartition(topic.name, each.partition_index): (
                ErrorCode(each.error_code) if each.error_code else each.committed_offset
            )
            for topic in response.groups[0].topics
            for each in topic.partitions
        }

    def state(self, name: str = "t") -> str:
        transaction = self.coordinator.transactions.get(name)
        return "none" if transaction is None else transaction.state.name

    def committed(self, partition: TopicPartition) -> list[bytes]:
        return self.logs.logs[partition].committed()


def add_request(
    owner: tuple[int, int], partitions: Iterable[TopicPartition], name: str = "t"
) -> AddPartitionsToTxnRequest:
    return AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=name,
        v3_and_below_producer_id=owner[0],
        v3_and_below_producer_epoch=owner[1],
        v3_and_below_topics=tuple(
            AddPartitionsToTxnTopic(name=each.topic, partitions=(each.partition,)) for each in partitions
        ),
    )


def end_request(owner: tuple[int, int], commit: bool = True, name: str = "t") -> EndTxnRequest:
    return EndTxnRequest(transactional_id=name, producer_id=owner[0], producer_epoch=owner[1], committed=commit)


def commit_request(
    offsets: dict[TopicPartition, int], group: str = "g", metadata: str = "", generation: int = -1, member: str = ""
) -> OffsetCommitRequest:
    return OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=generation,
        member_id=member,
        topics=tuple(
            OffsetCommitRequestTopic(
                name=target.topic,
                partitions=(
                    OffsetCommitRequestPartition(
                        partition_index=target.partition, committed_offset=offset, committed_metadata=metadata
                    ),
                ),
            )
            for target, offset in offsets.items()
        ),
    )


def txn_commit_request(
    owner: tuple[int, int], offsets: dict[TopicPartition, int], group: str = "g", name: str = "t", metadata: str = "",
    generation: int = -1, member: str = "",
) -> TxnOffsetCommitRequest:  # fmt: skip
    return TxnOffsetCommitRequest(
        transactional_id=name,
        group_id=group,
        producer_id=owner[0],
        producer_epoch=owner[1],
        generation_id=generation,
        member_id=member,
        topics=tuple(
            TxnOffsetCommitRequestTopic(
                name=target.topic,
                partitions=(
                    TxnOffsetCommitRequestPartition(
                        partition_index=target.partition, committed_offset=offset, committed_metadata=metadata
                    ),
                ),
            )
            for target, offset in offsets.items()
        ),
    )
