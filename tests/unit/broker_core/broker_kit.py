"""Drives a whole broker in memory, as the embedded transport does, with every step of durability in the test's hands.

``wire=True`` sends every request and response through its bytes, at the version given.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from broker_core.broker import Broker, Connection, NoReply, Parked, Reply, SyncResult
from broker_core.config import BrokerConfig
from broker_core.errors import ErrorCode
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker_core.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from broker_core.protocol.batch import build_batch, decode_batch, iterate_batches
from broker_core.protocol.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from broker_core.protocol.end_txn import EndTxnRequest
from broker_core.protocol.fetch import FetchPartition, FetchRequest, FetchTopic, PartitionData
from broker_core.protocol.framing import (
    Request,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from broker_core.protocol.init_producer_id import InitProducerIdRequest
from broker_core.protocol.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from broker_core.protocol.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from broker_core.protocol.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from broker_core.protocol.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)

CONNECTION = Connection(id=1)
NOW = 1_000_000


class Events:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **fields: object) -> None:
        self.heard.append((name, fields))

    def named(self, name: str) -> list[dict[str, object]]:
        return [fields for heard, fields in self.heard if heard == name]


@dataclass
class Kit:
    """One broker over one disk. ``now_ms`` moves only when a test moves it."""

    filesystem: Any = field(default_factory=MemoryFilesystem)
    config: BrokerConfig = field(default_factory=BrokerConfig)
    wire: bool = False
    now_ms: int = NOW
    seed: int = 1
    events: Events = field(default_factory=Events)

    def __post_init__(self) -> None:
        self.parked: dict[int, tuple[int, int]] = {}
        self.answers: dict[int, Any] = {}
        self._correlation_id = 0
        self._random = random.Random(self.seed)
        self.broker = self._make()

    def _make(self) -> Broker:
        return Broker(self.config, self.filesystem, random.Random(self.seed), self.events)

    def open(self) -> Kit:
        self.broker.open(self.now_ms)
        return self

    def restart(self, *, crash: str | None = None) -> Kit:
        """Close cleanly, or crash the disk in this mode; then a new broker over the same disk."""
        if crash is None:
            self.broker.close(self.now_ms)
        else:
            self.filesystem.crash(random.Random(self.seed), crash)
        self.seed += 1
        self.parked, self.answers = {}, {}
        self.broker = self._make()
        return self.open()

    # -- requests

    def send(self, body: Any, version: int | None = None) -> int | None:
        """Hand a request over; returns a token to ask ``answer`` with, None for a request without reply."""
        version = body.MAX_VERSION if version is None else version
        self._correlation_id += 1
        request = Request(
            api_key=body.API_KEY, api_version=version, correlation_id=self._correlation_id, client_id="kit", body=body
        )
        if self.wire:
            request = decode_request(encode_request(request))
            assert request.body == body or version < body.MAX_VERSION
        outcome = self.broker.handle(CONNECTION, request, self.now_ms)
        if isinstance(outcome, Parked):
            self.parked[outcome.token] = (body.API_KEY, version)
            self.collect()
            return outcome.token
        if isinstance(outcome, NoReply):
            return None
        assert isinstance(outcome, Reply)
        token = -self._correlation_id
        self.answers[token] = self._through_wire(body.API_KEY, version, outcome.body)
        self.collect()
        return token

    def collect(self) -> None:
        """Take what the broker releases."""
        for token, body in self.broker.released():
            api_key, version = self.parked.pop(token)
            self.answers[token] = self._through_wire(api_key, version, body)

    def _through_wire(self, api_key: int, version: int, body: Any) -> Any:
        if not self.wire:
            return body
        correlation_id, decoded = decode_response(api_key, version, encode_response(api_key, version, 7, body))
        assert correlation_id == 7
        return decoded

    def answer(self, token: int | None) -> Any:
        """The answer, or None while it is parked."""
        assert token is not None
        return self.answers.get(token)

    def sync(self) -> bool:
        """One sync wave, its files in any order, as threads would; False when there was nothing to sync."""
        wave = list(self.broker.pending_syncs())
        self._random.shuffle(wave)
        if not wave:
            return False
        done, failed = [], []
        for pending in wave:
            try:
                for file in pending.files:
                    file.sync()
                done.append(pending)
            except OSError as error:
                failed.append((pending, error))
        self.broker.synced(SyncResult(done=tuple(done), failed=tuple(failed)), self.now_ms)
        self.collect()
        return True

    def sync_all(self) -> None:
        for _ in range(20):
            if not self.sync():
                return
        raise AssertionError("there is always something to sync")

    def call(self, body: Any, version: int | None = None) -> Any:
        """Send, sync as often as it takes, and return the answer."""
        token = self.send(body, version)
        while self.answer(token) is None and self.sync():
            pass
        answer = self.answer(token)
        assert answer is not None, "nothing to sync and still no answer"
        return answer

    def tick(self, after_ms: int = 0) -> None:
        self.now_ms += after_ms
        self.broker.tick(self.now_ms)
        self.collect()

    # -- the usual requests, with the usual defaults

    def create(self, name: str, partitions: int = 1, **configs: str) -> None:
        settings = tuple(
            CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()
        )
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, configs=settings)
        (result,) = self.call(CreateTopicsRequest(topics=(topic,))).topics
        assert result.error_code == 0, result

    def produce(self, topic: str, *values: str, version: int | None = None, **more: Any) -> PartitionProduceResponse:
        return produced(self.call(produce_request(topic, *values, now_ms=self.now_ms, **more), version))

    def fetch(self, topic: str, offset: int = 0, **more: Any) -> PartitionData:
        return fetched(self.call(self.fetch_request(topic, offset, **more), more.get("version", 12)))

    def fetch_request(
        self,
        topic: str,
        offset: int = 0,
        *,
        partition: int = 0,
        committed: bool = False,
        max_wait_ms: int = 0,
        min_bytes: int = 1,
        max_bytes: int = 1 << 20,
        epoch: int = -1,
        version: int = 12,
    ) -> FetchRequest:
        asked = FetchPartition(
            partition=partition, fetch_offset=offset, partition_max_bytes=max_bytes, current_leader_epoch=epoch
        )
        return FetchRequest(
            max_wait_ms=max_wait_ms,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            isolation_level=int(committed),
            topics=(FetchTopic(topic=topic, partitions=(asked,)),),
        )

    def list_offset(self, topic: str, timestamp: int, *, committed: bool = False, partition: int = 0) -> int:
        asked = ListOffsetsPartition(partition_index=partition, timestamp=timestamp)
        body = ListOffsetsRequest(
            replica_id=-1,
            isolation_level=int(committed),
            topics=(ListOffsetsTopic(name=topic, partitions=(asked,)),),
        )
        found = self.call(body).topics[0].partitions[0]
        assert found.error_code == 0, found
        return int(found.offset)

    def values(self, topic: str, *, committed: bool = False, partition: int = 0) -> list[str]:
        """All values that a reader gets from the start, as Kafka's consumer filters them."""
        offset = self.list_offset(topic, -2, partition=partition)
        end = self.list_offset(topic, -1, committed=committed, partition=partition)
        found: list[str] = []
        while offset < end:
            data = self.fetch(topic, offset, committed=committed, partition=partition)
            assert data.error_code == 0, data
            assert data.records
            found += read_values(data, offset, committed=committed)
            *_, (_, last) = iterate_batches(data.records)
            offset = last.next_offset
        return found


def produce_request(
    topic: str,
    *values: str,
    partition: int = 0,
    acks: int = -1,
    now_ms: int = NOW,
    producer: tuple[int, int, int] = (-1, -1, -1),
    transactional_id: str | None = None,
    keys: list[bytes | None] | None = None,
    codec: int = 0,
) -> ProduceRequest:
    """One batch. ``producer`` is (id, epoch, first sequence)."""
    producer_id, producer_epoch, base_sequence = producer
    records = build_batch(
        [None] * len(values) if keys is None else keys,
        [value.encode() for value in values],
        [now_ms] * len(values),
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        is_transactional=transactional_id is not None,
        codec=codec,
    )
    data = PartitionProduceData(index=partition, records=records)
    return ProduceRequest(
        transactional_id=transactional_id,
        acks=acks,
        timeout_ms=30_000,
        topic_data=(TopicProduceData(name=topic, partition_data=(data,)),),
    )


def produced(response: Any) -> PartitionProduceResponse:
    """The one partition's answer."""
    answer = response.responses[0].partition_responses[0]
    assert isinstance(answer, PartitionProduceResponse)
    return answer


def fetched(response: Any) -> PartitionData:
    """The one partition's data."""
    data = response.responses[0].partitions[0]
    assert isinstance(data, PartitionData)
    return data


def read_values(data: PartitionData, offset: int, *, committed: bool) -> list[str]:
    """Values at or after ``offset``; with ``committed`` without aborted transactions (Kafka's CompletedFetch)."""
    records = data.records or b""
    pending = sorted(data.aborted_transactions or (), key=lambda entry: entry.first_offset)
    aborted: set[int] = set()
    values: list[str] = []
    for position, header in iterate_batches(records):
        while pending and pending[0].first_offset <= header.last_offset:
            aborted.add(pending.pop(0).producer_id)
        if header.is_control:
            aborted.discard(header.producer_id)
            continue
        if committed and header.is_transactional and header.producer_id in aborted:
            continue
        columns = decode_batch(records, position, header)
        values += [
            value.decode()
            for index, value in enumerate(columns[3])
            if columns[0] + index >= offset and value is not None
        ]
    return values


class TransactionalProducer:
    """A transactional client that does what it is told, one request at a time. Versions are those of protocol V1."""

    def __init__(self, kit: Kit, transactional_id: str = "tx") -> None:
        self.kit = kit
        self.transactional_id = transactional_id
        self.producer_id = self.epoch = -1
        self.sequences: dict[TopicPartition, int] = {}

    def init(self) -> int:
        """InitProducerId until the former transaction is over; returns the error code."""
        for _ in range(10):
            body = InitProducerIdRequest(transactional_id=self.transactional_id, transaction_timeout_ms=60_000)
            answer = self.kit.call(body, 4)
            if answer.error_code != ErrorCode.CONCURRENT_TRANSACTIONS:
                break
            self.kit.sync_all()
        self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch
        self.sequences = {}
        return int(answer.error_code)

    def add(self, *partitions: TopicPartition) -> list[int]:
        topics = tuple(AddPartitionsToTxnTopic(name=topic, partitions=(index,)) for topic, index in partitions)
        for _ in range(10):
            body = AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=self.transactional_id,
                v3_and_below_producer_id=self.producer_id,
                v3_and_below_producer_epoch=self.epoch,
                v3_and_below_topics=topics,
            )
            answer = self.kit.call(body, 3)
            codes = [
                partition.partition_error_code
                for topic in answer.results_by_topic_v3_and_below
                for partition in topic.results_by_partition
            ]
            if ErrorCode.CONCURRENT_TRANSACTIONS not in codes:
                break
            self.kit.sync_all()
        return codes

    def write(self, partition: TopicPartition, *values: str) -> ProduceRequest:
        """The request that appends ``values``."""
        sequence = self.sequences.get(partition, 0)
        self.sequences[partition] = sequence + len(values)
        return produce_request(
            partition.topic,
            *values,
            partition=partition.partition,
            producer=(self.producer_id, self.epoch, sequence),
            transactional_id=self.transactional_id,
        )

    def produce(self, partition: TopicPartition, *values: str, version: int = 11) -> int:
        return int(produced(self.kit.call(self.write(partition, *values), version)).error_code)

    def send_offsets(self, group: str, partition: TopicPartition, offset: int) -> list[int]:
        add = AddOffsetsToTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            group_id=group,
        )
        codes = [int(self.kit.call(add, 3).error_code)]
        asked = TxnOffsetCommitRequestPartition(partition_index=partition.partition, committed_offset=offset)
        commit = TxnOffsetCommitRequest(
            transactional_id=self.transactional_id,
            group_id=group,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            topics=(TxnOffsetCommitRequestTopic(name=partition.topic, partitions=(asked,)),),
        )
        return [*codes, int(self.kit.call(commit, 3).topics[0].partitions[0].error_code)]

    def end_request(self, *, commit: bool) -> EndTxnRequest:
        return EndTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            committed=commit,
        )

    def end(self, *, commit: bool) -> int:
        return int(self.kit.call(self.end_request(commit=commit), 3).error_code)


def committed_offset(kit: Kit, group: str, partition: TopicPartition, *, stable: bool = True) -> tuple[int, int]:
    """(error code, offset or -1)."""
    asked = OffsetFetchRequestTopics(name=partition.topic, partition_indexes=(partition.partition,))
    body = OffsetFetchRequest(groups=(OffsetFetchRequestGroup(group_id=group, topics=(asked,)),), require_stable=stable)
    found = kit.call(body, 8).groups[0].topics[0].partitions[0]
    return int(found.error_code), int(found.committed_offset)
