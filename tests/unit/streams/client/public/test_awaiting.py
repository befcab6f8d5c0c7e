"""The same clients in an event loop."""

from __future__ import annotations

import asyncio

import pytest

from streams.client import (
    AsyncAdmin,
    AsyncConsumer,
    AsyncProducer,
    NewTopic,
    OffsetAndMetadata,
    TopicPartition,
)
from streams.errors import ConfigError

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


def test_records_in_and_out(data_dir: str) -> None:
    async def main() -> None:
        async with AsyncProducer(data_dir=data_dir, value=int) as producer:
            delivery = await producer.send("t", value=1, partition=0)
            assert (await delivery).offset == 0
            batch = await producer.send_batch("t", values=[2, 3], partition=0)
            assert (await batch).offsets == [1, 2]
            deliveries = [await producer.send("t", value=n, partition=1) for n in range(3)]
            assert [found.offset for found in await asyncio.gather(*deliveries)] == [0, 1, 2]
        async with AsyncConsumer(data_dir=data_dir, value=int, auto_offset_reset="earliest") as consumer:
            await consumer.assign([T0])
            assert [record.value async for record in consumer.records(idle="200ms")] == [1, 2, 3]
            await consumer.seek_to("beginning")
            assert [len(found.values) for found in await consumer.poll_batches("20s")] == [3]
            await consumer.seek(T0, 2)
            await consumer.pause([T0])
            assert await consumer.poll("50ms") == []
            await consumer.resume([T0])
            assert [record.value for record in await consumer.poll("20s")] == [3]
            assert await consumer.position(T0) == 3

    asyncio.run(main())


def test_the_loop_goes_on_while_a_consumer_waits(data_dir: str) -> None:
    async def main() -> None:
        async with AsyncConsumer(data_dir=data_dir, auto_offset_reset="earliest") as consumer:
            await consumer.assign([T0])
            waiting = asyncio.create_task(consumer.poll())
            async with AsyncProducer(data_dir=data_dir) as producer:
                await (await producer.send("t", value=b"now", partition=0))
            assert [record.value for record in await waiting] == [b"now"]

    asyncio.run(main())


def test_giving_up_waiting_loses_nothing(data_dir: str) -> None:
    async def main() -> None:
        async with AsyncConsumer(data_dir=data_dir, auto_offset_reset="earliest") as consumer:
            await consumer.assign([T0])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(consumer.poll(), 0.05)
            async with AsyncProducer(data_dir=data_dir) as producer:
                await producer.send("t", value=b"a", partition=0)
                await producer.flush()
            assert [record.value for record in await consumer.poll("20s")] == [b"a"]

    asyncio.run(main())


def test_transactions_groups_and_listeners(data_dir: str) -> None:
    told: list[int] = []

    async def assigned(places: tuple[TopicPartition, ...]) -> None:
        await asyncio.sleep(0)
        told.append(len(places))

    async def main() -> None:
        async with AsyncProducer(data_dir=data_dir) as producer:
            await producer.send_batch("t", values=[b"1", b"2"], partition=0)
        async with (
            AsyncConsumer(
                "t", group="g", data_dir=data_dir, auto_offset_reset="earliest", auto_commit=False, on_assigned=assigned
            ) as consumer,
            AsyncProducer(data_dir=data_dir, transactional_id="x") as producer,
        ):
            assert [record.value for record in await consumer.poll("20s")] == [b"1", b"2"]
            with pytest.raises(ZeroDivisionError):
                async with producer.transaction():
                    await producer.send("t", value=b"dropped", partition=1)
                    raise ZeroDivisionError
            async with producer.transaction():
                await producer.send("t", value=b"kept", partition=1)
                await producer.send_offsets(consumer)
            assert (await consumer.committed([T0]))[T0] == OffsetAndMetadata(2)
            await consumer.commit({T0: 1})
            assert (await consumer.committed([T0]))[T0] == OffsetAndMetadata(1)
            assert set(consumer.assignment) == {T0, T1}
        async with AsyncAdmin(data_dir=data_dir) as admin:
            assert (await admin.create_topics({"u": NewTopic()})) == {"u": True}
            assert (await admin.list_offsets("end", [T0])) == {T0: 2}
            assert [group.group_id for group in await admin.groups()] == ["g"]
            assert (await admin.describe_group("g")).state == "Empty"

    asyncio.run(main())
    assert told == [2]


def test_what_cannot_be_opened_says_so_at_the_door() -> None:
    async def main() -> None:
        async with AsyncAdmin(broker="127.0.0.1:1"):
            pass

    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1"):
        asyncio.run(main())
