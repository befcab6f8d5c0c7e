"""Consumers of one group in a simulated world: each is asked in turn, nothing passes but what the test lets pass."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from broker_core.config import BrokerConfig
from streams.client.client import Client
from streams.client.group_settings import GroupSettings
from streams.client.handover import Assigned, Lost, Revoked
from streams.client.membership import Membership
from streams.client.pending import Pending
from streams.client.reader import News, Reader
from streams.client.transport import Transport
from streams.errors import ClientError
from streams.model import OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.world import World

TURN_MS = 50


def group_world(*, loopback: bool = False) -> World:
    return World(loopback=loopback, config=BrokerConfig(min_free_bytes=0, group_initial_rebalance_delay_ms=100))


class Application:
    """One consumer as a program uses it: polls, notes what it read, commits now and then, does as it is told.

    Arguments:
        journal: gets ``(name, generation, partition, offset, value)`` for everything that was read.
        commits: commit before anything is let go of.
    """

    def __init__(
        self, world: World, name: str, topics: Iterable[str], journal: list[tuple[str, int, int, int, bytes | None]],
        wrap: Callable[[Transport], Transport] | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        self.world, self.name, self.journal = world, name, journal
        self.client: Client = world.client(wrap=wrap)
        self.reader: Reader = self.client.reader(GroupSettings(group_id="g", **settings), offset_reset="earliest")
        self.membership.subscribe(list(topics), world.now_ms)
        self.events: list[str] = []
        self.is_dead = False
        self._look: Pending[News] | None = None
        self._commit: Pending[None] | None = None

    @property
    def membership(self) -> Membership:
        assert self.reader.membership is not None
        return self.reader.membership

    @property
    def owned(self) -> frozenset[TopicPartition]:
        return frozenset(self.membership.handover.told)

    def turn(self) -> None:
        """Pump, look, do what that brings. A dead one does nothing."""
        if self.is_dead:
            return
        self.client.poll(self.world.now_ms)
        if self._commit is not None:
            if not self._commit.done:
                return  # a program that commits before it lets go waits for that
            self._commit = None
            self.reader.released()
        if self._look is None:
            self._look = self.reader.look(self.world.now_ms, 1_000)
            self.client.poll(self.world.now_ms)
        if self._look.done:
            look, self._look = self._look, None
            self._take(look.result())

    def commit(self) -> Pending[None]:
        return self.reader.commit(self.reader.positions.uncommitted({}))

    def leave(self) -> None:
        """As a program closes a consumer."""
        self.membership.give_up()
        while self.membership.next_event() is not None:
            committed = self.commit()
            self._until(committed)
            self.reader.released()
        self._until(self.membership.leave(self.world.now_ms))
        self.is_dead = True

    def _until(self, pending: Pending[None]) -> None:
        self.world.wait(self.client, _settled(pending))

    def _take(self, news: News) -> None:
        event = news.event
        if event is not None:
            self.events.append(f"{type(event).__name__} {' '.join(str(place.partition) for place in event.partitions)}")
            if isinstance(event, Revoked):
                self._commit = _settled(self.commit())
            elif isinstance(event, Lost):
                self.reader.released()
            else:
                assert isinstance(event, Assigned)
        for batch in news.batches:
            assert batch.topic_partition in self.owned, f"{self.name} got records of {batch.topic_partition}"
            for index, value in enumerate(batch.values):
                generation = self.membership.identity.generation
                place = batch.topic_partition.partition
                self.journal.append((self.name, generation, place, batch.base_offset + index, value))


def _settled(pending: Pending[None]) -> Pending[None]:
    """Settled when ``pending`` is, whatever with: a commit that a rebalance refused is no failure of the program."""
    over: Pending[None] = Pending()
    pending.then(lambda settled: over.resolve(None) if isinstance(settled.error, ClientError | None) else None)
    return over


def pass_time(world: World, applications: Iterable[Application], turns: int) -> None:
    """Let everybody have a turn, again and again; owners are checked at each."""
    everybody = list(applications)
    for _ in range(turns):
        world.now_ms += TURN_MS
        for application in everybody:
            application.turn()


def write(world: World, topic: str, partition: int, values: Iterable[bytes]) -> None:
    client = world.client()
    producer = client.producer()
    found = list(values)
    producer.append(topic, partition, [None] * len(found), found, [world.now_ms] * len(found))
    world.wait(client, producer.flush())


def committed(world: World, topic: str, partitions: int) -> dict[int, OffsetAndMetadata | None]:
    client = world.client()
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    found = world.wait(client, client.admin.committed("g", places))
    return {place.partition: at for place, at in found.items()}


SEEDED = random.Random
