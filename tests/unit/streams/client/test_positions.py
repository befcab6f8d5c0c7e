"""Where partitions begin, and how far an application has got in them."""

from __future__ import annotations

import pytest

from broker_core.model import EARLIEST_OFFSET
from streams.client.errors import NoOffset
from streams.client.reader import News, Reader
from streams.model import OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.group_world import Application, committed, group_world, pass_time, write
from tests.unit.streams.client.world import World

PLACE = TopicPartition("t", 0)


@pytest.fixture
def world() -> World:
    world = group_world()
    world.topic("t", 4)
    return world


def look(world: World, reader: Reader, client: object, timeout_ms: int = 200) -> News:
    found: News = world.wait(client, reader.look(world.now_ms, timeout_ms))  # type: ignore[arg-type]
    return found


def test_nothing_committed_and_no_reset_says_so(world: World) -> None:
    client = world.client()
    reader = client.reader(None)
    reader.positions.assign([PLACE])
    with pytest.raises(NoOffset, match="topic t, partition 0: nothing is committed; seek, or set"):
        look(world, reader, client)


def test_a_seek_wins_over_what_is_committed_also_before_that_is_known(world: World) -> None:
    write(world, "t", 0, [b"a", b"b", b"c"])
    client = world.client()
    reader = client.reader(None, offset_reset="latest")
    reader.positions.assign([PLACE])
    reader.positions.seek(PLACE, 1)
    assert [batch.values for batch in look(world, reader, client).batches] == [[b"b", b"c"]]
    reader.positions.seek(PLACE, EARLIEST_OFFSET)
    assert reader.positions.position(PLACE) is None
    assert [batch.values for batch in look(world, reader, client).batches] == [[b"a", b"b", b"c"]]
    with pytest.raises(KeyError):
        reader.positions.seek(TopicPartition("t", 1), 0)


def test_only_what_moved_is_to_be_committed(world: World) -> None:
    write(world, "t", 0, [b"a", b"b"])
    journal: list[tuple[str, int, int, int, bytes | None]] = []
    one = Application(world, "one", ["t"], journal)
    pass_time(world, [one], 60)
    assert set(one.reader.positions.uncommitted({})) >= {PLACE}
    assert one.reader.positions.uncommitted({PLACE: 1})[PLACE].offset == 1
    world.wait(one.client, one.commit())
    assert one.reader.positions.uncommitted({}) == {}
    assert committed(world, "t", 4)[0] == OffsetAndMetadata(2)


def test_a_partition_paused_before_it_began_waits_too(world: World) -> None:
    write(world, "t", 0, [b"a", b"b"])
    client = world.client()
    reader = client.reader(None, offset_reset="earliest")
    reader.positions.assign([PLACE])
    reader.positions.pause([PLACE], {})
    assert look(world, reader, client).batches == ()
    reader.positions.resume([PLACE])
    assert [batch.values for batch in look(world, reader, client).batches] == [[b"a", b"b"]]


def test_what_was_fetched_and_not_had_comes_again_after_a_pause(world: World) -> None:
    write(world, "t", 0, [b"a", b"b", b"c"])
    client = world.client()
    reader = client.reader(None, offset_reset="earliest")
    reader.positions.assign([PLACE])
    assert len(look(world, reader, client).batches) == 1
    reader.positions.pause([PLACE], {PLACE: 1})
    reader.positions.resume([PLACE])
    assert [batch.values for batch in look(world, reader, client).batches] == [[b"b", b"c"]]
    with pytest.raises(KeyError):
        reader.positions.pause([TopicPartition("t", 1)], {})
