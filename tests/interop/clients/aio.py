"""aiokafka, its loop on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from tests.interop.clients.base import TIMEOUT_S, Member, Record, Refused, Transaction

T = TypeVar("T")


class Aiokafka:
    name = "aiokafka"
    codecs: tuple[str, ...] = ("none", "gzip", "snappy", "lz4", "zstd")

    def produce(
        self, address: str, topic: str, records: Sequence[Record], *, codec: str = "none", acks: Any = "all"
    ) -> None:
        async def run() -> None:
            from aiokafka import AIOKafkaProducer

            producer = AIOKafkaProducer(
                bootstrap_servers=address,
                acks=acks,
                enable_idempotence=acks == "all",
                compression_type=None if codec == "none" else codec,
                linger_ms=20,
            )
            await producer.start()
            try:
                await _send(producer, topic, records)
            finally:
                await producer.stop()

        _run(run())

    def consume(self, address: str, topic: str, count: int, *, committed: bool = True) -> list[Record]:
        async def run() -> list[Record]:
            from aiokafka import TopicPartition

            level = "read_committed" if committed else "read_uncommitted"
            consumer = await _started_consumer(address, isolation_level=level)
            place = TopicPartition(topic, 0)
            consumer.assign([place])
            consumer.seek(place, 0)
            found: list[Record] = []
            end = time.monotonic() + TIMEOUT_S
            while len(found) < count and time.monotonic() < end:
                found += await _polled(consumer, 500)
            await consumer.stop()
            return found[:count]

        return _run(run())

    def offset_at(self, address: str, topic: str, timestamp: int) -> int:
        async def run() -> int:
            from aiokafka import TopicPartition

            consumer = await _started_consumer(address)
            place = TopicPartition(topic, 0)
            found = (await consumer.offsets_for_times({place: timestamp}))[place]
            await consumer.stop()
            return -1 if found is None else int(found.offset)

        return _run(run())

    def transaction(self, address: str, transactional_id: str) -> Transaction:
        return _Transaction(address, transactional_id)

    def join(self, address: str, group: str, topic: str, *, instance: str | None = None, assignor: str) -> Member:
        return _Member(address, group, topic, instance, assignor)

    def committed(self, address: str, group: str, topic: str) -> int:
        async def run() -> int:
            from aiokafka import TopicPartition

            consumer = await _started_consumer(address, group_id=group)
            found = await consumer.committed(TopicPartition(topic, 0))
            await consumer.stop()
            return -1 if found is None else int(found)

        return _run(run())

    def create_topic(self, address: str, topic: str, partitions: int, configs: Mapping[str, str]) -> None:
        from aiokafka.admin import NewTopic

        new = NewTopic(topic, partitions, 1, topic_configs=dict(configs))
        answer = _administer(address, lambda admin: admin.create_topics([new]))
        _check(answer.topic_errors)

    def delete_topic(self, address: str, topic: str) -> None:
        _check(_administer(address, lambda admin: admin.delete_topics([topic])).topic_error_codes)

    def grow_topic(self, address: str, topic: str, partitions: int) -> None:
        from aiokafka.admin import NewPartitions

        _check(
            _administer(address, lambda admin: admin.create_partitions({topic: NewPartitions(partitions)})).topic_errors
        )

    def topics(self, address: str) -> dict[str, int]:
        found = _administer(address, lambda admin: admin.describe_topics())
        return {topic["topic"]: len(topic["partitions"]) for topic in found}

    def config(self, address: str, topic: str, name: str) -> str:
        from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        (answer,) = _administer(address, lambda admin: admin.describe_configs([resource]))
        (found,) = answer.resources
        return next(str(entry[1]) for entry in found[4] if entry[0] == name)

    def ends(self, address: str, topic: str) -> tuple[int, int]:
        async def run() -> tuple[int, int]:
            from aiokafka import TopicPartition

            place = TopicPartition(topic, 0)
            consumer = await _started_consumer(address)
            found = (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]
            await consumer.stop()
            return found

        return _run(run())


class _Loop:
    """An event loop on a thread, for clients that live longer than one call."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        with _refusals():
            return self.begin(coroutine).result(2 * TIMEOUT_S)

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        self._loop.close()


class _Transaction:
    def __init__(self, address: str, transactional_id: str) -> None:
        self._loop = _Loop()
        self._loop.run(self._start(address, transactional_id))

    async def _start(self, address: str, transactional_id: str) -> None:
        from aiokafka import AIOKafkaProducer

        self._producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id=transactional_id)
        await self._producer.start()

    def begin(self) -> None:
        self._loop.run(self._producer.begin_transaction())

    def produce(self, topic: str, records: Sequence[Record]) -> None:
        self._loop.run(_send(self._producer, topic, records))

    def send_offsets(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        from aiokafka import TopicPartition

        places = {TopicPartition(*place): offset for place, offset in offsets.items()}
        self._loop.run(self._producer.send_offsets_to_transaction(places, group))

    def commit(self) -> None:
        self._loop.run(self._producer.commit_transaction())

    def abort(self) -> None:
        self._loop.run(self._producer.abort_transaction())

    def close(self) -> None:
        with contextlib.suppress(Refused):
            self._loop.run(self._producer.stop())
        self._loop.close()


class _Member:
    def __init__(self, address: str, group: str, topic: str, instance: str | None, assignor: str) -> None:
        self._loop = _Loop()
        # Its start waits for the first assignment, and so for the other members' next poll.
        self._starting = self._loop.begin(self._start(address, group, topic, instance, assignor))

    async def _start(self, address: str, group: str, topic: str, instance: str | None, assignor: str) -> None:
        from aiokafka import AIOKafkaConsumer
        from aiokafka.coordinator.assignors.range import RangePartitionAssignor
        from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

        assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=address,
            group_id=group,
            group_instance_id=instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=200,
            metadata_max_age_ms=1_000,
            partition_assignment_strategy=(assignors[assignor],),
        )
        await self._consumer.start()

    def poll(self, seconds: float) -> list[Record]:
        try:
            self._starting.result(seconds)
        except TimeoutError:
            return []
        return self._loop.run(_polled(self._consumer, int(seconds * 1_000)))

    def assignment(self) -> set[int]:
        if not self._starting.done():
            return set()
        return {place.partition for place in self._consumer.assignment()}

    def commit(self) -> None:
        self._loop.run(self._consumer.commit())

    def close(self) -> None:
        self._starting.result(2 * TIMEOUT_S)
        self._loop.run(self._consumer.stop())
        self._loop.close()


async def _send(producer: Any, topic: str, records: Sequence[Record]) -> None:
    futures = [
        await producer.send(
            topic,
            record.value,
            record.key,
            partition=record.partition,
            headers=list(record.headers),
            timestamp_ms=record.timestamp,
        )
        for record in records
    ]
    for future in futures:
        await asyncio.wait_for(future, TIMEOUT_S)


async def _started_consumer(address: str, **options: Any) -> Any:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False, **options)
    await consumer.start()
    return consumer


async def _polled(consumer: Any, timeout_ms: int) -> list[Record]:
    return [
        Record(message.key, message.value, tuple(message.headers), message.timestamp, message.partition)
        for messages in (await consumer.getmany(timeout_ms=timeout_ms)).values()
        for message in messages
    ]


def _administer(address: str, call: Any) -> Any:
    async def run() -> Any:
        from aiokafka.admin import AIOKafkaAdminClient

        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        await admin.start()
        try:
            return await call(admin)
        finally:
            await admin.close()

    return _run(run())


def _check(errors: Sequence[Any]) -> None:
    for name, code, *_ in errors:
        if code:
            raise Refused(code, f"{name}: {code}")


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    with _refusals():
        return asyncio.run(coroutine)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    from aiokafka.errors import KafkaError

    try:
        yield
    except KafkaError as error:
        raise Refused(getattr(error, "errno", -1), str(error)) from error
