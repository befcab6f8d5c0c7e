"""What the client's tests run in: a broker on a disk in memory, a clock that ticks when looked at, faults on order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from broker_core.broker import Broker
from broker_core.config import BrokerConfig
from broker_core.errors import ErrorCode
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import LATEST_OFFSET
from broker_core.ports import File
from broker_core.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from broker_core.protocol.end_txn import EndTxnRequest, EndTxnResponse
from broker_core.protocol.fetch import FetchableTopicResponse, FetchRequest, FetchResponse, PartitionData
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.protocol.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from broker_core.sync_waves import InlineSyncExecutor, SyncExecutor
from streams.client.admin import NewTopic
from streams.client.client import Client
from streams.client.consumer import Consumer
from streams.client.errors import ConnectionLost
from streams.client.loopback import LoopbackTransport
from streams.client.pending import Pending
from streams.client.settings import ClientSettings
from streams.client.tcp import TcpTransport
from streams.client.transport import Transport
from streams.model import ColumnBatch, Isolation, TopicPartition
from streams.runtime.embedded import EmbeddedBroker
from tests.unit.streams.client.tcp_carrier import TcpCarrier, TcpServer

START_MS = 1_700_000_000_000


class World:
    """One broker, its clients and its clock."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        tcp: bool = False,
        executor: SyncExecutor | None = None,
        config: BrokerConfig | None = None,
        filesystem: MemoryFilesystem | None = None,
    ) -> None:
        self.now_ms = START_MS
        self.random = random.Random(7)
        self.loopback = loopback
        self.filesystem = filesystem or MemoryFilesystem()
        given = config or BrokerConfig(min_free_bytes=0)
        self.server = TcpServer() if tcp else None
        if self.server is not None:
            host, port = self.server.address
            given = replace(given, advertised_host=host, advertised_port=port)
        self.broker = Broker(given, self.filesystem, self.random)
        self.broker.open(self.now_ms)
        self.embedded = EmbeddedBroker(self.broker, executor or InlineSyncExecutor())
        self.carriers: list[TcpCarrier] = []

    def close(self) -> None:
        """Close the sockets, where there are any."""
        for carrier in self.carriers:
            carrier.close(self.now_ms)
        if self.server is not None:
            self.server.close()

    def clock(self) -> int:
        """A millisecond passes whenever somebody looks: back-offs end, deadlines come."""
        self.now_ms += 1
        return self.now_ms

    def transport(self) -> Transport:
        if self.server is not None:
            self.server.embedded = self.embedded
            inner = TcpTransport([self.server.address], client_id="test", clock=lambda: self.now_ms, random=self.random)
            self.carriers.append(TcpCarrier(self.server, inner))
            return self.carriers[-1]
        transport: Transport = self.embedded.connect("test")
        return LoopbackTransport(transport) if self.loopback else transport

    def client(
        self, settings: ClientSettings | None = None, wrap: Callable[[Transport], Transport] | None = None
    ) -> Client:
        transport = self.transport()
        return Client(wrap(transport) if wrap else transport, client_id="test", random=self.random, settings=settings)

    def topic(self, name: str, partitions: int = 1, **configs: str) -> None:
        client = self.client()
        client.complete(
            client.admin.create_topics({name: NewTopic(partitions=partitions, configs=configs)}), self.clock
        )

    def wait(self, client: Client, pending: Pending[Any]) -> Any:
        return client.complete(pending, self.clock, timeout_ms=20_000)

    def pump(self, client: Client, rounds: int = 5) -> None:
        for _ in range(rounds):
            client.poll(self.clock())

    def read(
        self, topic: str, partitions: int = 1, isolation: Isolation = Isolation.READ_COMMITTED
    ) -> dict[int, list[bytes | None]]:
        """All values of a topic, by partition, through a client without faults."""
        client = self.client()
        consumer = client.consumer(isolation=isolation)
        consumer.assign({TopicPartition(topic, partition): 0 for partition in range(partitions)})
        values: dict[int, list[bytes | None]] = {partition: [] for partition in range(partitions)}
        for batch in drain(self, client, consumer):
            values[batch.topic_partition.partition] += batch.values
        return values


def drain(world: World, client: Client, consumer: Consumer, rounds: int = 2_000) -> Iterator[ColumnBatch]:
    """Everything up to the end of every assigned partition.

    The end is asked for uncommitted: a transaction that has ended may still lack its markers (architecture, 4.6).
    """
    ends = world.wait(client, client.admin.list_offsets(dict.fromkeys(consumer.assignment, LATEST_OFFSET)))
    for _ in range(rounds):
        client.poll(world.clock())
        yield from consumer.poll_batches()
        if all(consumer.position(place) >= end for place, end in ends.items()):
            return
    raise AssertionError("the end was not reached")


class SlowSyncExecutor:
    """Syncs inline, but says so only after a random number of looks: answers come late and in waves."""

    def __init__(self, source: random.Random, most: int = 4) -> None:
        self._inline, self._random, self._most = InlineSyncExecutor(), source, most
        self._left = 0

    def start(self, files: Sequence[File]) -> None:
        self._inline.start(files)
        self._left = self._random.randrange(self._most)

    def finished(self) -> dict[int, OSError] | None:
        if self._left:
            self._left -= 1
            return None
        return self._inline.finished()

    def wait(self, timeout_ms: int) -> None: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class FaultyTransport:
    """Loses requests and answers, refuses, delays answers past each other, and carries out lost produces late.

    Arguments:
        inner: where requests go that get through.
        source: what happens to each; one seed is one history.
        rate: the probability of a fault per request.
    """

    def __init__(self, inner: Transport, source: random.Random, rate: float) -> None:
        self._inner, self._random, self._rate = inner, source, rate
        self._tokens = 0
        self._by_inner: dict[int, tuple[int, str]] = {}
        self._ready: list[tuple[int, Any]] = []
        self._late: list[Any] = []
        self._delayed: list[tuple[int, int, Any]] = []
        self.faults = 0

    def send(self, node_id: int | None, body: Any, max_version: int | None = None) -> int:
        self._tokens += 1
        token = self._tokens
        fate = "normal"
        if self._random.random() < self._rate:
            self.faults += 1
            fate = self._random.choice(["lose request", "lose answer", "refuse", "delay", "late"])
        if fate == "refuse" and (refusal := refuse(body, self._random)) is not None:
            self._ready.append((token, refusal))
        elif fate == "lose request" or (fate == "late" and not isinstance(body, ProduceRequest)):
            self._ready.append((token, ConnectionLost()))
        elif fate == "late":
            self._late.append((node_id, body, max_version))
            self._ready.append((token, ConnectionLost()))
        else:
            self._by_inner[self._inner.send(node_id, body, max_version)] = (token, fate)
        return token

    def poll(self, now_ms: int) -> list[tuple[int, Any]]:
        if self._late and self._random.random() < 0.2:
            inner_token = self._inner.send(*self._late.pop(0))
            self._by_inner[inner_token] = (0, "nobody waits")
        for inner_token, answer in self._inner.poll(now_ms):
            token, fate = self._by_inner.pop(inner_token)
            if fate == "lose answer":
                self._ready.append((token, ConnectionLost()))
            elif fate == "delay":
                self._delayed.append((now_ms + self._random.randrange(1, 30), token, answer))
            elif fate != "nobody waits":
                self._ready.append((token, answer))
        self._ready += [(token, answer) for due, token, answer in self._delayed if due <= now_ms]
        self._delayed = [entry for entry in self._delayed if entry[0] > now_ms]
        self._random.shuffle(self._ready)
        ready, self._ready = self._ready, []
        return ready

    def wait(self, timeout_ms: int) -> None:
        self._inner.wait(timeout_ms)

    def next_deadline(self) -> int | None:
        return self._inner.next_deadline()

    def close(self, now_ms: int) -> None:
        self._inner.close(now_ms)


def refuse(body: Any, source: random.Random) -> Any:
    """A retriable refusal of a request that was not carried out; None for kinds that this knows none for."""
    if isinstance(body, ProduceRequest):
        code = source.choice([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.REQUEST_TIMED_OUT])
        return produced(body, code)
    if isinstance(body, FetchRequest):
        return FetchResponse(
            responses=tuple(
                FetchableTopicResponse(
                    topic=topic.topic,
                    partitions=tuple(
                        PartitionData(
                            partition_index=partition.partition,
                            error_code=ErrorCode.NOT_LEADER_OR_FOLLOWER,
                            high_watermark=-1,
                        )
                        for partition in topic.partitions
                    ),
                )
                for topic in body.topics
            )
        )
    code = source.choice([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.CONCURRENT_TRANSACTIONS])
    for request, response in (
        (InitProducerIdRequest, InitProducerIdResponse),
        (AddOffsetsToTxnRequest, AddOffsetsToTxnResponse),
        (EndTxnRequest, EndTxnResponse),
    ):
        if isinstance(body, request):
            return response(error_code=code)
    return None


def produced(body: ProduceRequest, code: int, base_offset: int = -1) -> ProduceResponse:
    """An answer that says ``code`` for every partition of a produce request."""
    return ProduceResponse(
        responses=tuple(
            TopicProduceResponse(
                name=topic.name,
                partition_responses=tuple(
                    PartitionProduceResponse(index=data.index, error_code=code, base_offset=base_offset)
                    for data in topic.partition_data
                ),
            )
            for topic in body.topic_data
        )
    )
