"""Records on their way to the producer core: when they are collected, where they go, where they ended up."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from streams.client.outbox import UNPLACED, Consignment, Outbox
from streams.client.partitioner import partition_of
from streams.client.pending import Pending
from streams.client.settings import ClientSettings
from streams.errors import ClientError, TransactionAborted
from tests.unit.streams.client.world import World


class Bench:
    def __init__(self, world: World, linger_ms: int = 20, **settings: int) -> None:
        self.world = world
        self.client = world.client(ClientSettings(**settings))  # type: ignore[arg-type]
        self.producer = self.client.producer()
        self.made: list[Consignment] = []
        self.outbox: Outbox = self.client.outbox(self.producer, linger_ms, self.collect)

    def collect(self) -> list[Consignment]:
        made, self.made = self.made, []
        return made

    def put(self, topic: str, *keys: bytes | None, partitions: list[int] | None = None) -> Consignment:
        consignment = Consignment(topic)
        columns = consignment.columns
        columns.keys += keys
        columns.values += [b"v%d" % index for index in range(len(keys))]
        columns.timestamps += [1] * len(keys)
        columns.partitions = partitions
        self.made.append(consignment)
        self.outbox.announce(self.world.now_ms)
        return consignment

    def wait(self, pending: Pending[None]) -> None:
        self.world.wait(self.client, pending)


def test_records_wait_for_company_and_no_longer(world: World) -> None:
    world.topic("t")
    bench = Bench(world, linger_ms=50)
    bench.put("t", b"k")
    assert bench.outbox.next_deadline() == world.now_ms + 50
    bench.client.poll(world.now_ms + 49)
    assert bench.made
    bench.client.poll(world.now_ms + 50)
    assert not bench.made
    assert bench.outbox.next_deadline() is None


def test_everybody_learns_where_his_records_are(world: World) -> None:
    """Over several consignments, partitions and batches; splitting and merging change nothing."""
    world.topic("t", 3)
    bench = Bench(world, batch_bytes=120)
    keys = [b"a", b"b", b"c", b"d", b"a", b"b"] * 5
    consignments = [bench.put("t", *keys) for _ in range(3)]
    bench.wait(bench.outbox.flush())
    seen = dict.fromkeys(range(3), 0)
    for consignment in consignments:
        assert consignment.done.result() is consignment
        for key, partition, offset in zip(keys, consignment.partitions, consignment.offsets, strict=True):
            assert partition == partition_of(key, 3)
            assert offset == seen[partition]
            seen[partition] += 1
    read = world.read("t", 3)
    assert {partition: len(values) for partition, values in read.items()} == seen


def test_explicit_partitions_win_and_the_key_decides_the_rest(world: World) -> None:
    world.topic("t", 4)
    bench = Bench(world)
    consignment = bench.put("t", b"a", b"a", None, partitions=[3, UNPLACED, 1])
    bench.wait(bench.outbox.flush())
    assert consignment.partitions == [3, partition_of(b"a", 4), 1]


def test_a_partition_that_is_not_there_fails_that_consignment_only(world: World) -> None:
    world.topic("t", 2)
    bench = Bench(world)
    wrong, right = bench.put("t", b"a", partitions=[7]), bench.put("t", b"a")
    with pytest.raises(ValueError, match="partition 7 of a topic that has 2"):
        bench.wait(bench.outbox.flush())
    assert isinstance(wrong.done.error, ValueError)
    bench.wait(bench.outbox.flush())
    assert right.done.error is None
    assert right.offsets == [0]


def test_a_refusal_is_told_once_by_flush_and_always_by_its_consignment(world: World) -> None:
    world.topic("t", **{"max.message.bytes": "200"})
    bench = Bench(world)
    bench.made.append(Consignment("t"))
    bench.made[0].columns.keys.append(None)
    bench.made[0].columns.values.append(b"x" * 500)
    bench.made[0].columns.timestamps.append(1)
    large = bench.made[0]
    with pytest.raises(ClientError) as caught:
        bench.wait(bench.outbox.flush())
    assert caught.value.code == ErrorCode.MESSAGE_TOO_LARGE
    assert large.done.error is caught.value
    bench.wait(bench.outbox.flush())
    later = bench.put("t", b"k")
    bench.wait(bench.outbox.flush())
    assert later.offsets == [0], "offsets are right after a failure, too"


def test_what_is_dropped_was_never_sent(world: World) -> None:
    world.topic("t")
    bench = Bench(world)
    consignment = bench.put("t", b"k")
    bench.outbox.drop(TransactionAborted(ErrorCode.OPERATION_NOT_ATTEMPTED, "aborted"))
    assert isinstance(consignment.done.error, TransactionAborted)
    bench.wait(bench.outbox.flush())
    assert bench.outbox.is_empty
    assert world.read("t") == {0: []}
