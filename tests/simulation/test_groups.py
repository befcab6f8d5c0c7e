"""A group of consumers that die, leave, get stuck and come back, over a lossy transport. One seed, one history.

Whatever happens: within a generation no partition has two readers, and nothing that is committed was never read.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from streams.assignment import Assignor, CooperativeStickyAssignor, RangeAssignor, RoundRobinAssignor, StickyAssignor
from streams.client.group_conversation import State
from streams.client.transport import Transport
from streams.model import TopicPartition
from tests.unit.streams.client.group_world import TURN_MS, Application, committed, group_world, pass_time, write
from tests.unit.streams.client.world import FaultyTransport, World

PARTITIONS = 5
MEMBERS = 3
STEPS = 60
SESSION_MS = 6_000
ASSIGNORS: dict[str, Assignor] = {
    assignor.name: assignor
    for assignor in (RangeAssignor(), RoundRobinAssignor(), StickyAssignor(), CooperativeStickyAssignor())
}


class History:
    """Three places for members, and what befalls them."""

    def __init__(self, seed: int, assignor: str, fault_rate: float) -> None:
        self.random = random.Random(f"{seed}-{assignor}")
        self.world: World = group_world()
        self.world.topic("t", PARTITIONS)
        self.assignor, self.fault_rate = ASSIGNORS[assignor], fault_rate
        self.journal: list[tuple[str, int, int, int, bytes | None]] = []
        self.written = [0] * PARTITIONS
        self.named = 0
        self.stuck: dict[str, int] = {}
        self.members = [self.member() for _ in range(MEMBERS)]

    def member(self) -> Application:
        self.named += 1
        source = random.Random(self.random.random())
        wrap: Callable[[Transport], Transport] = lambda inner: FaultyTransport(inner, source, self.fault_rate)  # noqa: E731
        return Application(
            self.world, f"m{self.named}", ["t"], self.journal, wrap=wrap, assignors=(self.assignor,),
            session_timeout_ms=SESSION_MS, heartbeat_interval_ms=1_000, max_poll_interval_ms=20_000,
        )  # fmt: skip

    def step(self) -> None:
        event = self.random.choice(["write", "write", "commit", "commit", "die", "leave", "stuck", "quiet"])
        place = self.random.randrange(MEMBERS)
        if event == "write":
            self.write(self.random.randrange(PARTITIONS), self.random.randrange(1, 4))
        elif event == "commit":
            for member in self.members:
                member.commit()
        elif event == "die":
            self.members[place].is_dead = True
            self.members[place] = self.member()
        elif event == "leave":
            self.members[place].membership.give_up()
            self.members[place].membership.leave(self.world.now_ms)
            for _ in range(5):
                self.members[place].client.poll(self.world.now_ms)
            self.members[place].is_dead = True
            self.members[place] = self.member()
        elif event == "stuck":
            self.stuck[self.members[place].name] = self.random.randrange(20, 200)
        self.pass_time(self.random.randrange(5, 80))

    def write(self, partition: int, count: int) -> None:
        first = self.written[partition]
        write(self.world, "t", partition, [b"%d" % (first + index) for index in range(count)])
        self.written[partition] += count

    def pass_time(self, turns: int) -> None:
        for _ in range(turns):
            self.world.now_ms += TURN_MS
            for member in self.random.sample(self.members, MEMBERS):
                left = self.stuck.get(member.name, 0)
                if left:
                    self.stuck[member.name] = left - 1
                else:
                    member.turn()
            self.check_owners()

    def check_owners(self) -> None:
        """Of one generation no two read the same."""
        owners: dict[tuple[int, TopicPartition], str] = {}
        for member in self.members:
            generation = member.membership.identity.generation
            if member.membership.state is not State.STABLE:
                continue
            for place in member.owned:  # also what it has been asked to let go of and has not yet
                other = owners.setdefault((generation, place), member.name)
                assert other == member.name, f"{place} of generation {generation}: {other} and {member.name}"

    def check_progress(self) -> None:
        """Everything before a committed offset was read by somebody."""
        read = {(partition, offset) for _, _, partition, offset, _ in self.journal}
        for partition, at in committed(self.world, "t", PARTITIONS).items():
            for offset in range(0 if at is None else at.offset):
                assert (partition, offset) in read, f"{partition}: offset {offset} is committed and was never read"

    def finish(self) -> None:
        """Peace: everybody shares, reads to the end and commits."""
        self.fault_rate = 0
        self.stuck.clear()
        for member in self.members:
            transport = member.client._transport
            assert isinstance(transport, FaultyTransport)
            transport._rate = 0
        for partition in range(PARTITIONS):
            self.write(partition, 1)
        self.pass_time(3 * SESSION_MS // TURN_MS)
        shares = [member.owned for member in self.members]
        assert sum(map(len, shares)) == PARTITIONS
        assert len(frozenset().union(*shares)) == PARTITIONS
        for member in self.members:
            member.commit()
        pass_time(self.world, self.members, 20)


@pytest.mark.parametrize("assignor", ASSIGNORS)
@pytest.mark.parametrize("seed", range(4))
def test_a_group_in_trouble(seed: int, assignor: str) -> None:
    history = History(seed, assignor, fault_rate=0.02)
    for _ in range(STEPS):
        history.step()
        history.check_progress()
    history.finish()
    history.check_progress()
    ends = {partition: at.offset if at else 0 for partition, at in committed(history.world, "t", PARTITIONS).items()}
    assert ends == dict(enumerate(history.written))
    values = {(partition, offset): value for _, _, partition, offset, value in history.journal}
    for partition, count in enumerate(history.written):
        assert [values[partition, offset] for offset in range(count)] == [b"%d" % offset for offset in range(count)]
