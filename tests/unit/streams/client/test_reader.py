"""A consumer with its group, over the real coordinator: where it begins, what it commits, what it is told."""

from __future__ import annotations

import pytest

from streams.assignment import CooperativeStickyAssignor, RangeAssignor
from streams.client.errors import CommitFailed
from streams.client.group_conversation import State
from streams.client.reader import News, Reader
from streams.model import OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.group_world import Application, committed, group_world, pass_time, write
from tests.unit.streams.client.world import World

PLACE = TopicPartition("t", 0)


@pytest.fixture(params=["embedded", "loopback"])
def world(request: pytest.FixtureRequest) -> World:
    world = group_world(loopback=request.param == "loopback")
    world.topic("t", 4)
    return world


def look(world: World, reader: Reader, client: object, timeout_ms: int = 200) -> News:
    found: News = world.wait(client, reader.look(world.now_ms, timeout_ms))  # type: ignore[arg-type]
    return found


def test_a_single_member_gets_everything_and_reads_it(world: World) -> None:
    for partition in range(4):
        write(world, "t", partition, [b"%d" % partition])
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one = Application(world, "one", ["t"], journal)
    pass_time(world, [one], 40)
    assert one.events == ["Assigned 0 1 2 3"]
    assert sorted(value for *_, value in journal) == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize(
    "assignors", [(RangeAssignor(),), (CooperativeStickyAssignor(),)], ids=["eager", "cooperative"]
)
def test_a_second_member_takes_half_and_goes_on_where_the_first_committed(world: World, assignors: tuple) -> None:  # type: ignore[type-arg]
    for partition in range(4):
        write(world, "t", partition, [b"a%d" % partition])
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one = Application(world, "one", ["t"], journal, assignors=assignors)
    pass_time(world, [one], 40)
    two = Application(world, "two", ["t"], journal, assignors=assignors)
    pass_time(world, [one, two], 300)
    assert len(one.owned) == len(two.owned) == 2
    assert not one.owned & two.owned
    for partition in range(4):
        write(world, "t", partition, [b"b%d" % partition])
    pass_time(world, [one, two], 60)
    assert sorted(value for *_, value in journal if value) == [
        b"%s%d" % (row, n) for row in (b"a", b"b") for n in range(4)
    ]
    if one.membership.settings.is_cooperative:
        assert not any(event.startswith("Revoked 0 1 2 3") for event in one.events), "it kept what it keeps"
    else:
        assert "Revoked 0 1 2 3" in one.events


def test_who_leaves_hands_over_at_once(world: World) -> None:
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one, two = (Application(world, name, ["t"], journal) for name in ("one", "two"))
    pass_time(world, [one, two], 200)
    assert len(one.owned) == 2
    one.leave()
    pass_time(world, [two], 200)
    assert len(two.owned) == 4


def test_who_dies_is_missed_after_its_session(world: World) -> None:
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one, two = (Application(world, name, ["t"], journal, session_timeout_ms=6_000, heartbeat_interval_ms=2_000)
                for name in ("one", "two"))  # fmt: skip
    pass_time(world, [one, two], 200)
    one.is_dead = True
    pass_time(world, [two], 90)
    assert len(two.owned) == 2
    pass_time(world, [two], 150)
    assert len(two.owned) == 4


def test_a_static_member_comes_back_without_a_rebalance(world: World) -> None:
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one = Application(world, "one", ["t"], journal, instance_id="i-1")
    two = Application(world, "two", ["t"], journal, instance_id="i-2")
    pass_time(world, [one, two], 200)
    generation, had = two.membership.identity.generation, one.owned
    one.leave()
    again = Application(world, "again", ["t"], journal, instance_id="i-1")
    pass_time(world, [again, two], 100)
    assert again.owned == had
    assert two.membership.identity.generation == generation


def test_two_with_one_instance_id_end_with_the_older_one_told_why(world: World) -> None:
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one = Application(world, "one", ["t"], journal, instance_id="i-1")
    pass_time(world, [one], 60)
    two = Application(world, "two", ["t"], journal, instance_id="i-1")
    with pytest.raises(Exception, match="another consumer with the same instance_id"):
        pass_time(world, [one, two], 200)
    assert one.membership.state is State.FAILED
    assert one.events[-1] == "Lost 0 1 2 3"


def test_a_commit_of_a_generation_that_is_over_is_refused(world: World) -> None:
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one = Application(world, "one", ["t"], journal, session_timeout_ms=6_000, heartbeat_interval_ms=2_000)
    pass_time(world, [one], 60)
    two = Application(world, "two", ["t"], journal, session_timeout_ms=6_000, heartbeat_interval_ms=2_000)
    pass_time(world, [two], 400)  # one is stuck all the while
    assert len(two.owned) == 4
    refused = one.reader.commit({PLACE: OffsetAndMetadata(3)})
    with pytest.raises(CommitFailed, match="went on without this member"):
        world.wait(one.client, refused)
    assert committed(world, "t", 4)[0] is None
    pass_time(world, [one, two], 400)
    assert "Lost 0 1 2 3" in one.events
    assert len(one.owned) == len(two.owned) == 2


def test_without_a_group_it_reads_what_it_is_assigned(world: World) -> None:
    write(world, "t", 0, [b"a", b"b"])
    client = world.client()
    reader = client.reader(None, offset_reset="earliest")
    reader.positions.assign([PLACE])
    assert [batch.values for batch in look(world, reader, client).batches] == [[b"a", b"b"]]
    assert reader.positions.position(PLACE) == 2
    assert look(world, reader, client) == News()
    assert reader.identity is None


def test_a_look_that_nobody_waits_for_any_more_gives_way_to_the_next(world: World) -> None:
    client = world.client()
    reader = client.reader(None, offset_reset="earliest")
    first = reader.look(world.now_ms, 60_000)
    second = reader.look(world.now_ms, 10)
    assert first.result() == News()
    assert world.wait(client, second) == News()
